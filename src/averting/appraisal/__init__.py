"""Joining effects and costs: what a programme saves, for whom, and what would make it pay."""

from averting.appraisal import decision, measures, sensitivity
from averting.appraisal.adjustments import Adjustment
from averting.appraisal.appraisal import Appraisal, appraise
from averting.appraisal.programme import ProgrammeCost
from averting.appraisal.scenario import CENTRAL, NO_PROGRAMME, Scenario

__all__ = [
    "CENTRAL",
    "NO_PROGRAMME",
    "Adjustment",
    "Appraisal",
    "ProgrammeCost",
    "Scenario",
    "appraise",
    "decision",
    "measures",
    "sensitivity",
]
