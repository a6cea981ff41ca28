"""Choosing between scenarios when nothing is certain, and what more certainty would be worth.

Examples
--------
>>> import numpy as np, xarray as xr
>>> worth = [[0.0, 10.0], [0.0, -6.0]]
>>> draws = xr.DataArray(worth, dims=("draw", "scenario"), coords={"scenario": ["nothing", "do"]})
>>> float(av.decision.evpi(draws))
3.0
"""

from averting.appraisal.decision.choices import ceac, ceaf, evpi, expected_loss, p_best, p_cost_effective_vs
from averting.appraisal.decision.information import enbs, evppi, evsi, population, study_error
from averting.appraisal.decision.net_benefit import NetBenefit, net_benefit
from averting.appraisal.decision.studies import STANDING, Study, studies_table

__all__ = [
    "STANDING",
    "NetBenefit",
    "Study",
    "ceac",
    "ceaf",
    "enbs",
    "evpi",
    "evppi",
    "evsi",
    "expected_loss",
    "net_benefit",
    "p_best",
    "p_cost_effective_vs",
    "population",
    "studies_table",
    "study_error",
]
