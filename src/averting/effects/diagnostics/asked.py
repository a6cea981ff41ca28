"""What a diagnostic is given, what it returns, and how it estimates again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, log

import numpy as np
import pandas as pd

from averting.checks import CheckResult, Status
from averting.design import Design
from averting.effects.estimator import Progress, silent
from averting.effects.result import Effect
from averting.effects.verdict import Verdict
from averting.errors import AvertingError
from averting.parallel import HERE, Workers

COLUMNS = ("label", "estimate", "lower", "upper", "p_value", "verdict", "note")
MAIN_ROWS = (
    "all schools", "all local authorities", "all regions", "all countries", "all years", "all terms", "as estimated",
)  # fmt: skip
"""Labels of rows that repeat the main estimate, beside which the others stand."""

_DRAWS = 100  # of estimates made again: only the interval is looked at


@dataclass(frozen=True)
class Asked:
    """An estimate, and all that is needed to make it again in another way.

    Parameters
    ----------
    design : Design
        What it was made from.
    effect : Effect
        The estimate.
    inference, covariates, cluster, seed
        As in :func:`averting.effects.estimate`.
    moved_by : float
        A change of the estimate by more than this share is said: of the ratio, or of half the interval's width.
    unaffected : mapping of str to Design
        Indicators that the programme could not have moved, each with the design to estimate it from.
    progress : callable
        Is told, in words, what is being done.
    workers : Workers
        Where the many estimates of a specification curve are made.
    """

    design: Design
    effect: Effect
    inference: str = "auto"
    covariates: tuple[str, ...] = ()
    cluster: str = ""
    seed: int = 1
    moved_by: float = 0.25
    unaffected: Mapping[str, Design] = field(default_factory=dict)
    progress: Progress = silent
    workers: Workers = HERE

    @property
    def span(self) -> str:
        """What one period of the data is called."""
        return "term" if self.design.panel.termly else "year"

    def again(self, design: Design, *, indicator: str = "", method: str = "") -> Effect:
        """Estimate with another design, indicator or method, all else equal."""
        from averting.effects import estimate  # the package that this module is part of

        return estimate(
            design,
            indicator or self.effect.estimand.indicator,
            method=method or self.effect.method,
            inference="auto" if method else self.inference,
            covariates=self.covariates,
            cluster="" if method else self.cluster,
            level=self.effect.level,
            draws=_DRAWS,
            seed=self.seed,
        )

    def row(
        self, label: str, make: Callable[[], Design], *, indicator: str = "", method: str = ""
    ) -> dict[str, object]:
        """Return one row of a diagnostic's table; where no estimate can be made, its note says why."""
        self.progress(f"checking: {label}")
        try:
            return effect_row(label, self.again(make(), indicator=indicator, method=method))
        except AvertingError as error:
            return {"label": label, "verdict": str(Verdict.NOT_ESTIMABLE), "note": error.message}

    def moved(self, estimate: float) -> bool:
        """Say whether an estimate is further from the main one than ``moved_by`` allows."""
        main, (low, high) = self.effect.estimate, self.effect.interval
        if self.effect.estimand.scale == "ratio":
            if min(main, estimate) <= 0 or not isfinite(main * estimate):
                return main != estimate
            return abs(log(estimate / main)) > log(1 + self.moved_by)
        return isfinite(high - low) and abs(estimate - main) > self.moved_by * (high - low) / 2

    def changed(self, row: dict[str, object]) -> bool:
        """Say whether a row's verdict or estimate differs from the main one by more than is allowed."""
        if row["verdict"] != str(self.effect.verdict):
            return True
        estimate = row.get("estimate")
        return isinstance(estimate, float) and self.moved(estimate)


@dataclass(frozen=True, eq=False)
class Finding:
    """What a diagnostic found.

    Parameters
    ----------
    check : CheckResult
        ``warn`` is a caution beside the verdict, ``info`` says that the diagnostic could not be made.
    table : DataFrame
        Its numbers; for estimates made again, the columns of :data:`COLUMNS`.
    """

    check: CheckResult
    table: pd.DataFrame


def effect_row(label: str, effect: Effect) -> dict[str, object]:
    """Return an effect as a row of a diagnostic's table."""
    low, high = effect.interval
    return {
        "label": label,
        "estimate": float(effect.estimate),
        "lower": float(low),
        "upper": float(high),
        "p_value": np.nan if effect.p_value is None else effect.p_value,
        "verdict": str(effect.verdict),
        "note": "",
    }


def finding(
    key: str, status: Status, message: str, rows: Sequence[dict[str, object]] = (), guidance: str = ""
) -> Finding:
    """Return a finding of estimates made again."""
    check = CheckResult(f"diagnostics/{key}", status, message, guidance)
    return Finding(check, pd.DataFrame(list(rows), columns=list(COLUMNS)))


def redesign(
    design: Design,
    *,
    pilots: Sequence[str] | None = None,
    comparison: Sequence[str] | None = None,
    periods: Sequence[str] | None = None,
    start: str | None = None,
) -> Design:
    """Return a design with fewer pilots, comparison schools or periods, or another start; weights are kept.

    Raises
    ------
    DesignError
        If what is left makes no comparison.
    """
    kept = design.comparison if comparison is None else tuple(comparison)
    return Design(
        design.panel.select(periods=design.periods if periods is None else periods),
        {pilot: start or design.starts[pilot] for pilot in (design.pilots if pilots is None else pilots)},
        comparison=kept,
        exclude_periods=(),
        weights={school: design.weights[school] for school in kept} if design.weighted else None,
    )


def periods_before(design: Design) -> tuple[str, ...]:
    """Return the periods used before the first start."""
    first = min(design.starts.values(), key=design.panel.periods.index)
    return tuple(p for p in design.periods if design.panel.periods.index(p) < design.panel.periods.index(first))


def school_name(design: Design, school: str) -> str:
    """Return a school's id and name, for use inside only."""
    return f"{school} {design.panel.data['name'].sel(school=school).item()}".strip()
