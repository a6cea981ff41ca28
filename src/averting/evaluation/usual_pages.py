"""About how long reports and pages take, for who waits for a first rendering or release."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from averting.errors import AvertingError
from averting.evaluation.outcomes import READING
from averting.evaluation.report import AT_A_TIME
from averting.evaluation.settings import load_evaluation
from averting.evaluation.usual import RENDERING
from averting.parallel import cores
from averting.reporting.findings import DRAWING
from averting.reporting.profiles import NAME as PROFILES
from averting.reporting.publish import WITHHOLDING, rendering
from averting.reporting.render import reports

_REPORT, _OTHER = {"report": (9.0, 4.0), PROFILES: (6.0, 1.0)}, (5.0, 1.5)
"""Seconds of a report's cells, and of setting its page in one format; of profiles, for one pilot.

As the demonstration's took in November 2026 on two shared cores.
"""
ONE_PAGE = {READING: 3.0, WITHHOLDING: 3.0, DRAWING: 7.0}
"""Seconds of what a command that makes one page says that it is doing."""


def rendering_seconds(
    folder: str | Path, *, names: Sequence[str] | None = None, to: Sequence[str] = ("html",)
) -> dict[str, float]:
    """Return about how long it takes to render reports with nothing kept from before, by the words that tell of it.

    Parameters
    ----------
    folder : str or Path
        The evaluation's folder; one that cannot be read has no forecast.
    names : sequence of str, optional
        Which reports; all by default.
    to : sequence of str
        Formats.
    """
    seconds = _report_seconds(folder, to)
    asked = [taken for name, taken in seconds.items() if names is None or name in names]
    return {RENDERING: sum(asked) / min(len(asked), AT_A_TIME, cores())} if asked else {}


def publishing_seconds(folder: str | Path, *, to: Sequence[str] = ("html",)) -> dict[str, float]:
    """Return the same of what may leave: one report after the other, and none of a single school."""
    seconds = {name: taken for name, taken in _report_seconds(folder, to).items() if name != PROFILES}
    return {WITHHOLDING: 3.0, **{rendering(name): taken for name, taken in seconds.items()}} if seconds else {}


def _report_seconds(folder: str | Path, to: Sequence[str]) -> dict[str, float]:
    """Return seconds of each report of an evaluation, in the order in which they are made."""
    try:
        evaluation = load_evaluation(folder)
    except (AvertingError, OSError):
        return {}
    found = {}
    for name in reports(evaluation.folder):
        cells, page = _REPORT.get(name, _OTHER)
        found[name] = (cells + len(to) * page) * (len(evaluation.design.pilots) if name == PROFILES else 1)
    return found
