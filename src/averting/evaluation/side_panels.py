"""Designs on outcomes beside those that are estimated, in which a gap must not change the main comparison."""

from __future__ import annotations

import re
from collections.abc import Iterable

from averting.data import Panel
from averting.data.combine import add_up
from averting.data.files import read_columns
from averting.design import Design
from averting.design.comparison import complete_schools
from averting.effects.guardrails import COMBINED
from averting.errors import AvertingError, DataError, EvaluationError, Fault, refuse
from averting.evaluation import stages
from averting.evaluation.settings import FILE, DataSettings, Evaluation


def displacement(evaluation: Evaluation) -> tuple[str, ...]:
    """Return declared counts into which exclusions can move, those of the evaluation's own among them."""
    return tuple(
        key
        for key, indicator in evaluation.indicators.items()
        if indicator.kind == "count" and (indicator.domain == "displacement" or key == "days_lost")
    )


def guardrails_of(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the indicators to hold beside the primary one: those named, or every one of displacement in the data.

    Raises
    ------
    EvaluationError
        If one named is not declared as a count.
    """
    _refuse_no_count(evaluation, evaluation.checks.guardrails or (), "[guardrails] indicators")
    _refuse_no_count(evaluation, evaluation.checks.unaffected, "[diagnostics] unaffected")
    named = evaluation.checks.guardrails
    if named is None:
        estimated = {estimate.indicator for estimate in evaluation.estimates if estimate.role == "primary"}
        named = tuple(key for key in _present(evaluation, displacement(evaluation)) if key not in estimated)
    return named


def _refuse_no_count(evaluation: Evaluation, keys: Iterable[str], where: str) -> None:
    declared = evaluation.indicators
    wrong = [key for key in keys if key in declared and declared[key].kind != "count"]
    fix = "Name indicators of kind 'count'"
    refuse(
        EvaluationError,
        f"{FILE} cannot be used",
        [Fault(f"{FILE} {where}", f"'{key}' is a {declared[key].kind}", fix) for key in wrong],
    )


def _present(evaluation: Evaluation, keys: Iterable[str]) -> tuple[str, ...]:
    """Return the indicators that the data file has a column for."""
    settings = evaluation.data
    if settings.source == "dfe_exclusions":
        return ()  # exclusions files count nothing that exclusions move into
    header = _header(settings)
    if settings.source == "dfe_absence":
        return tuple(key for key in keys if set(evaluation.indicators[key].columns) & header)
    columns = settings.columns or {}
    if settings.wide is None:
        return tuple(key for key in keys if columns.get(key, key) in header)
    return tuple(key for key in keys if _in_wide(settings.wide, columns.get(key, key), header))


def _in_wide(pattern: str, word: str, header: Iterable[str]) -> bool:
    wanted = re.escape(pattern).replace(r"\{indicator\}", re.escape(word)).replace(r"\{period\}", ".+")
    return any(re.fullmatch(wanted, name) for name in header)


def _header(settings: DataSettings) -> set[str]:
    seen: list[str] = []

    def first(names: Iterable[str]) -> set[str]:
        seen.extend(names)
        return set(seen[:1])

    read_columns(settings.path, first, sheet=settings.sheet)
    return set(seen)


def side_designs(evaluation: Evaluation, design: Design, keys: tuple[str, ...]) -> dict[str, Design | str]:
    """Return a design on each indicator: the main one's pilots and those of its comparison schools that have it.

    Text in place of a design says why there is none.

    Raises
    ------
    DataError
        If the file lacks an indicator, or has faults in it.
    """
    if not keys:
        return {}
    panel, _ = stages.build_panel(evaluation, indicators=keys)
    panel, _ = stages.leave_out(evaluation, panel)
    panel = panel.select(periods=design.panel.periods)
    return {key: _side(design, one_indicator(panel, key)) for key in keys}


def combined_design(
    evaluation: Evaluation, design: Design, keys: tuple[str, ...]
) -> tuple[Design | str, tuple[str, ...]]:
    """Return a design on the primary indicator and those of the same unit taken together, and which they are.

    Empty text where there is nothing to take together.
    """
    primary = evaluation.primary.indicator
    declared = evaluation.indicators
    if primary not in declared or not evaluation.checks.combined:
        return "", ()
    own = (declared[primary].unit, declared[primary].exposure)
    alike = tuple(k for k in keys if k in declared and (declared[k].unit, declared[k].exposure) == own)
    if not alike:
        return "", ()
    panel, _ = stages.build_panel(evaluation, indicators=(primary, *alike))
    panel, _ = stages.leave_out(evaluation, panel)
    panel = panel.select(periods=design.panel.periods)
    return _side(design, add_up(panel, (primary, *alike), key=COMBINED)), alike


def one_indicator(panel: Panel, key: str) -> Panel:
    """Return the panel with one of its indicators."""
    return Panel(panel.data.sel(indicator=[key]), panel.checks)


def _side(design: Design, panel: Panel) -> Design | str:
    known = complete_schools(panel, design.periods)
    gone = sum(pilot not in known for pilot in design.pilots)
    if gone:
        return f"not known for {gone} of {len(design.pilots)} pilots in every year used"
    try:
        return Design(
            panel,
            dict(design.starts),
            comparison=[school for school in design.comparison if school in known],
            exclude_periods=design.excluded,
        )
    except (AvertingError, DataError) as error:
        return error.message
