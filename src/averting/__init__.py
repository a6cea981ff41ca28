"""Evaluate pilots that aim to avert school exclusions, and what they are worth.

Names are loaded when first used, so that ``import averting`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from averting.appraisal import Appraisal, ProgrammeCost, Scenario, appraise, decision
    from averting.costs import ParameterSet, load_parameters
    from averting.data import Panel, read_panel, simulate_pilot
    from averting.design import Design
    from averting.effects import Averted, Effect, estimate
    from averting.errors import AvertingError
    from averting.evaluation import check, render, run, verify
    from averting.years import FinancialYear

_HOME = {
    "errors": ["AvertingError"],
    "years": ["FinancialYear"],
    "data": ["Panel", "read_panel", "simulate_pilot"],
    "design": ["Design"],
    "effects": ["Averted", "Effect", "estimate"],
    "costs": ["ParameterSet", "load_parameters"],
    "appraisal": ["Appraisal", "ProgrammeCost", "Scenario", "appraise", "decision"],
    "evaluation": ["check", "render", "run", "verify"],
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}
# needed now and then; each is public where it lives
_ELSEWHERE = {
    "AcademicYear": "years",
    "Estimand": "effects",
    "Override": "costs",
    "Parameter": "costs",
    "SameAsPilots": "design",
    "Verdict": "effects",
    "load_evaluation": "evaluation",
    "load_indicators": "data",
    "render_all": "evaluation",
    "what_works": "appraisal.what_works",
}

__all__ = [
    "Appraisal",
    "Averted",
    "AvertingError",
    "Design",
    "Effect",
    "FinancialYear",
    "Panel",
    "ParameterSet",
    "ProgrammeCost",
    "Scenario",
    "appraise",
    "check",
    "decision",
    "estimate",
    "load_parameters",
    "read_panel",
    "render",
    "run",
    "simulate_pilot",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in _MODULE:
        return getattr(importlib.import_module(f"averting.{_MODULE[name]}"), name)
    where = f": from averting.{_ELSEWHERE[name]} import {name}" if name in _ELSEWHERE else ""
    raise AttributeError(f"module 'averting' has no attribute '{name}'{where}")


def __dir__() -> list[str]:
    return __all__
