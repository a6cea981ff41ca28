"""One table of every defensible way to make the estimate: by method, comparison and years left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product

import pandas as pd

from averting.checks import CheckResult, Status
from averting.data import Panel
from averting.design import ComparisonRule, Design
from averting.effects.diagnostics.asked import COLUMNS, Asked, Finding
from averting.effects.estimator import silent
from averting.parallel import HERE

Comparison = str | Sequence[str] | ComparisonRule


@dataclass(frozen=True)
class Grid:
    """What to vary; every combination is estimated.

    Parameters
    ----------
    panel : Panel
        All schools that could be compared with.
    methods : tuple of str
        Keys of estimators.
    comparisons : mapping of str to comparison
        How comparison schools are chosen, by its name in the table; see :class:`averting.design.Design`. The empty
        mapping stands for the design's own schools.
    without : tuple of str
        Periods to leave out one at a time, besides none; those that the design leaves out stay out.
    """

    panel: Panel
    methods: tuple[str, ...]
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    without: tuple[str, ...] = ()


def specification_curve(asked: Asked, grid: Grid) -> Finding:
    """Estimate every specification of a grid.

    Returns
    -------
    Finding
        ``table`` has a row per specification, from the lowest estimate up: columns method, comparison, left_out,
        is_main and those of :data:`averting.effects.diagnostics.asked.COLUMNS`. A specification that cannot be
        estimated keeps its row, with the reason as its note.
    """
    comparisons = _comparisons(asked.design, grid)
    tasks = list(product(grid.methods, comparisons, ("", *grid.without)))
    # what is carried to other processes holds no caller's function
    work = partial(_row, replace(asked, progress=silent, workers=HERE), grid.panel, comparisons)
    rows = asked.workers.map(
        work, tasks, advance=lambda done, of: asked.progress(f"checking: specification {done} of {of}")
    )
    columns = ["method", "comparison", "left_out", "is_main", *COLUMNS]
    table = pd.DataFrame(rows, columns=columns).sort_values("estimate", kind="stable", ignore_index=True)
    return Finding(_check(asked, table), table)


def _row(
    asked: Asked, panel: Panel, comparisons: Mapping[str, Comparison], task: tuple[str, str, str]
) -> dict[str, object]:
    method, name, period = task
    label = f"{method}, {name}" + (f", without {period}" if period else "")
    made = asked.row(label, partial(_design, asked.design, panel, comparisons[name], period), method=method)
    main = method == asked.effect.method and comparisons[name] == asked.design.comparison and not period
    return {"method": method, "comparison": name, "left_out": period, "is_main": main, **made}


def _comparisons(design: Design, grid: Grid) -> dict[str, Comparison]:
    return dict(grid.comparisons) or {"as designed": design.comparison}


def _design(design: Design, panel: Panel, comparison: Comparison, left_out: str) -> Design:
    return Design(
        panel,
        dict(design.starts),
        comparison=comparison,
        exclude_periods=(*design.excluded, *([left_out] if left_out else [])),
    )


def _check(asked: Asked, table: pd.DataFrame) -> CheckResult:
    key = "diagnostics/specification_curve"
    made = table[table["note"] == ""]
    if made.empty:
        return CheckResult(key, "info", "None of the declared specifications could be estimated.")
    same = int((made["verdict"] == str(asked.effect.verdict)).sum())
    message = (
        f"{same} of {len(made)} specifications give the main estimate's verdict; estimates run from "
        f"{made['estimate'].min():.2f} to {made['estimate'].max():.2f}."
    )
    if len(made) < len(table):
        message += f" {len(table) - len(made)} could not be estimated."
    status: Status = "warn" if same < len(made) else "pass"
    return CheckResult(
        key, status, message, "The verdict depends on how the estimate is made." if same < len(made) else ""
    )
