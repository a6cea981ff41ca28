"""Directory of What Works: interventions, what is known of them, and what that makes one expect."""

from averting.appraisal.what_works.catalogue import GRADES, Intervention, MeasuredEffect, Price, what_works
from averting.appraisal.what_works.use import Updated, directory_prior, forecast, updated

__all__ = [
    "GRADES",
    "Intervention",
    "MeasuredEffect",
    "Price",
    "Updated",
    "directory_prior",
    "forecast",
    "updated",
    "what_works",
]
