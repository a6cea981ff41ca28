"""The stages that hold something against the primary estimate: diagnostics, and what exclusions can move into."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from averting.checks import CheckResult
from averting.data import Panel
from averting.data.written import write_table
from averting.design import Design
from averting.effects import Effect, estimate
from averting.effects.diagnostics.asked import Asked
from averting.effects.diagnostics.specification_curve import Comparison, Grid, specification_curve
from averting.effects.diagnostics.suite import diagnose
from averting.effects.estimator import Progress
from averting.effects.guardrails import COLUMNS, COMBINED, guardrail_check, guardrail_table
from averting.errors import AvertingError
from averting.evaluation.check_settings import COMPARISONS, CurveSettings
from averting.evaluation.settings import Evaluation
from averting.evaluation.side_panels import combined_design
from averting.parallel import HERE, Workers
from averting.provenance import canonical_json

_DRAWS = 100  # only intervals of these are shown


def write_diagnostics(
    folder: Path,
    evaluation: Evaluation,
    design: Design,
    effect: Effect,
    *,
    panel: Panel,
    unaffected: Mapping[str, Design | str],
    progress: Progress,
    workers: Workers = HERE,
) -> None:
    """Write one table per diagnostic of the primary estimate, and ``checks.json``, in the order asked."""
    primary, asked_for = evaluation.primary, evaluation.checks
    asked = Asked(
        design,
        effect,
        inference=primary.inference,
        covariates=primary.covariates,
        cluster=primary.cluster,
        seed=evaluation.seed,
        moved_by=asked_for.moved_by,
        unaffected={key: one for key, one in unaffected.items() if isinstance(one, Design)},
        progress=progress,
        workers=workers,
    )
    found = diagnose(asked, asked_for.run)
    if asked_for.curve is not None:
        found["specification_curve"] = specification_curve(asked, _grid(asked_for.curve, design, effect, panel))
    for name, finding in found.items():
        write_table(finding.table, folder / f"{name}.csv")
    _write_checks([finding.check for finding in found.values()], folder)


def _grid(settings: CurveSettings, design: Design, effect: Effect, panel: Panel) -> Grid:
    comparisons: dict[str, Comparison] = {}
    for name in settings.comparisons:
        label, rule = COMPARISONS[name]
        comparisons[label] = design.comparison if rule is None else rule
    return Grid(panel, settings.methods or (effect.method,), comparisons, settings.without)


def write_guardrails(
    folder: Path,
    evaluation: Evaluation,
    design: Design,
    effect: Effect,
    *,
    designs: Mapping[str, Design | str],
    progress: Progress,
) -> None:
    """Write ``guardrails.csv``, the same method on every outcome exclusions can move into, and what it says."""
    made: dict[str, Effect | str] = {
        key: _estimated(evaluation, key, one, progress) for key, one in designs.items()
    }
    together, alike = combined_design(evaluation, design, tuple(designs))
    if together:
        made[COMBINED] = _estimated(evaluation, COMBINED, together, progress)
    table = guardrail_table(made) if made else pd.DataFrame(columns=list(COLUMNS))
    labels = {key: one.label[:1].lower() + one.label[1:] for key, one in evaluation.indicators.items()}
    write_table(table, folder / "guardrails.csv")
    together_of = [evaluation.primary.indicator, *alike] if alike else []
    (folder / "combined.json").write_text(canonical_json({"indicators": together_of}), encoding="utf-8")
    _write_checks([guardrail_check(effect, table, labels)], folder)


def _estimated(evaluation: Evaluation, key: str, design: Design | str, progress: Progress) -> Effect | str:
    if isinstance(design, str):
        return design
    progress(f"estimating the effect on {key}")
    primary = evaluation.primary
    try:
        return estimate(
            design,
            key,
            method=primary.method,
            inference=primary.inference,
            level=primary.level,
            draws=_DRAWS,
            seed=evaluation.seed,
        )
    except AvertingError as error:
        return error.message


def _write_checks(checks: list[CheckResult], folder: Path) -> None:
    (folder / "checks.json").write_text(canonical_json([check.to_dict() for check in checks]), encoding="utf-8")
