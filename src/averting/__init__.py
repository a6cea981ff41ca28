"""Evaluate pilots that aim to avert school exclusions, and what they are worth.

Names are loaded when first used, so that ``import averting`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from averting.appraisal import Appraisal, ProgrammeCost, Scenario, appraise, decision
    from averting.appraisal.what_works import what_works
    from averting.costs import Override, Parameter, ParameterSet, load_parameters
    from averting.data import Panel, load_indicators, read_panel, simulate_pilot
    from averting.design import Design, SameAsPilots
    from averting.effects import Averted, Effect, Estimand, Verdict, estimate
    from averting.errors import AvertingError
    from averting.evaluation import check, load_evaluation, render, render_all, run, verify
    from averting.years import AcademicYear, FinancialYear

_HOME = {
    "errors": ["AvertingError"],
    "years": ["AcademicYear", "FinancialYear"],
    "data": ["Panel", "load_indicators", "read_panel", "simulate_pilot"],
    "design": ["Design", "SameAsPilots"],
    "effects": ["Averted", "Effect", "Estimand", "Verdict", "estimate"],
    "costs": ["Override", "Parameter", "ParameterSet", "load_parameters"],
    "appraisal": ["Appraisal", "ProgrammeCost", "Scenario", "appraise", "decision"],
    "appraisal.what_works": ["what_works"],
    "evaluation": ["check", "load_evaluation", "render", "render_all", "run", "verify"],
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "AcademicYear",
    "Appraisal",
    "Averted",
    "AvertingError",
    "Design",
    "Effect",
    "Estimand",
    "FinancialYear",
    "Override",
    "Panel",
    "Parameter",
    "ParameterSet",
    "ProgrammeCost",
    "SameAsPilots",
    "Scenario",
    "Verdict",
    "appraise",
    "check",
    "decision",
    "estimate",
    "load_evaluation",
    "load_indicators",
    "load_parameters",
    "read_panel",
    "render",
    "render_all",
    "run",
    "simulate_pilot",
    "verify",
    "what_works",
]


def __getattr__(name: str) -> Any:
    if name in _MODULE:
        return getattr(importlib.import_module(f"averting.{_MODULE[name]}"), name)
    raise AttributeError(f"module 'averting' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
