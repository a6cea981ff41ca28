"""From ``evaluation.toml`` to a folder of results, and from results to a report."""

from averting.evaluation.report import render, render_all
from averting.evaluation.runner import Checked, check, run
from averting.evaluation.scaffold import demo, new
from averting.evaluation.settings import Evaluation, load_evaluation
from averting.evaluation.verification import Verified, verify

__all__ = [
    "Checked",
    "Evaluation",
    "Verified",
    "check",
    "demo",
    "load_evaluation",
    "new",
    "render",
    "render_all",
    "run",
    "verify",
]
