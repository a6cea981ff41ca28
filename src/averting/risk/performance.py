"""How well a model's risks hold for pupils it was not fitted to: calibration, discrimination, fairness by group.

Every pupil falls into one of five parts at random; risks of a part come from the model fitted to the other four.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta

from averting.draws import stream
from averting.errors import EstimationError
from averting.risk.cells import RiskCells
from averting.risk.logistic import Floats, fit_logit
from averting.risk.model import RiskModel, fit_risk

PARTS, TENTHS = 5, 10
FLAGGED = 0.1
"""Share of pupils, those of highest risk, whom the table of fairness supposes to be flagged."""


@dataclass(frozen=True, eq=False)
class Held:
    """Pupils held out of the fit, by cell and part.

    Parameters
    ----------
    pupils, events, risk : array of float, shape (row,)
        Of each cell in each part; risks are of the model fitted to the other parts.
    codes : array of int, shape (row, characteristic)
        The cell's levels.
    """

    pupils: Floats
    events: Floats
    risk: Floats
    codes: np.ndarray[tuple[int, int], np.dtype[np.int64]]


def held_out(model: RiskModel, *, seed: int = 1) -> Held:
    """Predict every pupil from the others: fit again without each part, and take its risks."""
    cells = model.cells
    events, others = _parted(cells, seed)
    pupils = events + others
    risks = []
    for part in range(PARTS):
        kept = RiskCells(
            cells.outcome,
            cells.levels,
            cells.codes,
            cells.pupils - pupils[part],
            cells.events - events[part],
            cells.school,
        )
        try:
            again = fit_risk(
                kept,
                adjust=model.terms.characteristics,
                interactions=model.terms.interactions,
                schools=model.has_schools,
                pool=model.terms.pooled,
            )
        except EstimationError as error:
            raise EstimationError(
                "The model cannot be fitted without a fifth of the pupils, so how well it holds is not known: too few have "
                "the outcome in some level. Merge levels, or name the characteristic in pool."
            ) from error
        risks.append(again.risks(again.design(cells.codes))[0])
    return Held(pupils.ravel(), events.ravel(), np.concatenate(risks), np.tile(cells.codes, (PARTS, 1)))


def _parted(cells: RiskCells, seed: int) -> tuple[Floats, Floats]:
    """Put every pupil into one of the parts: events and others, shape (part, cell)."""
    found = []
    for key, whole in (("events", cells.events), ("others", cells.pupils - cells.events)):
        rng = stream(seed, f"risk/parts/{key}")
        left = np.rint(whole).astype(np.int64)
        parts = []
        for part in range(PARTS):
            taken = rng.binomial(left, 1 / (PARTS - part))
            parts.append(taken.astype(float))
            left = left - taken
        found.append(np.stack(parts))
    return found[0], found[1]


def discrimination(pupils: Floats, events: Floats, risk: Floats) -> float:
    """Return the chance that a pupil with the outcome had the higher risk of two, ties counting half (the AUC)."""
    order = np.argsort(risk, kind="stable")
    _, first = np.unique(risk[order], return_index=True)
    with_it = np.add.reduceat(events[order], first)
    without = np.add.reduceat((pupils - events)[order], first)
    if with_it.sum() == 0 or without.sum() == 0:
        return float("nan")
    below = np.cumsum(without) - without / 2
    return float((with_it * below).sum() / (with_it.sum() * without.sum()))


def calibration(held: Held) -> tuple[pd.DataFrame, float, float]:
    """Return observed against predicted risk by tenth of pupils, and the line through them.

    Returns
    -------
    table : DataFrame
        ``tenth`` (1 has the lowest risk), ``pupils``, ``events``, ``predicted``, ``observed``; for inside use. Pupils of
        one risk are never parted, so there may be fewer than ten.
    intercept, slope : float
        Of observed log odds on predicted ones: 0 and 1 for a model that holds; a slope below 1 says that risks are too far apart.
    """
    order = np.argsort(held.risk, kind="stable")
    pupils, events, risk = held.pupils[order], held.events[order], held.risk[order]
    start = np.cumsum(pupils) - pupils
    _, first, same = np.unique(risk, return_index=True, return_inverse=True)
    tenth = np.minimum((TENTHS * start[first] / pupils.sum()).astype(np.int64), TENTHS - 1)[same]
    frame = pd.DataFrame({"tenth": tenth, "pupils": pupils, "events": events, "expected": pupils * risk})
    table = frame.groupby("tenth", as_index=False).sum()
    table["tenth"] = np.arange(1, len(table) + 1)
    table["predicted"] = table.pop("expected") / table["pupils"]
    table["observed"] = table["events"] / table["pupils"]
    logit = np.log(held.risk / (1 - held.risk))
    if np.ptp(logit) < 1e-6:
        return table, float("nan"), float("nan")
    line = fit_logit(np.column_stack([np.ones(len(logit)), logit]), held.events, held.pupils).coefficients
    return table, float(line[0]), float(line[1])


def fairness(
    held: Held, cells: RiskCells, characteristics: Sequence[str], *, flagged: float = FLAGGED, level: float = 0.95
) -> pd.DataFrame:
    """Return, for each group, whether its risks hold as well as others'.

    Parameters
    ----------
    held : Held
        From :func:`held_out`.
    cells : RiskCells
        Pupils, counted.
    characteristics : sequence of str
        Whose levels are the groups.
    flagged : float
        Share of pupils supposed to be flagged, those of highest risk.
    level : float
        Of the interval of observed over predicted (exact binomial).

    Returns
    -------
    DataFrame
        ``characteristic``, ``level``, ``pupils``, ``events``, ``observed``, ``predicted``, ``ratio`` of the two with
        ``ratio_lower`` and ``ratio_upper``, ``auc`` within the group, ``flagged`` (share of the group), ``pupils_flagged``,
        ``events_flagged``, ``found`` (share of those with the outcome who are flagged) and ``right`` (share of those flagged
        who have it). For inside use.
    """
    cut = _cut(held, flagged)
    rows = []
    for name in characteristics:
        place = cells.characteristics.index(name)
        for code, text in enumerate(cells.levels[name]):
            inside = held.codes[:, place] == code
            rows.append({"characteristic": name, "level": text} | _of_group(held, inside, cut, level))
    return pd.DataFrame(rows)


def _cut(held: Held, flagged: float) -> float:
    order = np.argsort(-held.risk, kind="stable")
    reached = np.searchsorted(np.cumsum(held.pupils[order]), flagged * held.pupils.sum())
    return float(held.risk[order][min(int(reached), len(order) - 1)])


def _of_group(
    held: Held, inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], cut: float, level: float
) -> dict[str, float]:
    pupils, events, risk = held.pupils[inside], held.events[inside], held.risk[inside]
    n, y, expected = float(pupils.sum()), float(events.sum()), float(pupils @ risk)
    high = risk >= cut
    n_high, y_high = float(pupils[high].sum()), float(events[high].sum())
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, y, n - y + 1)) if y else 0.0
    top = float(beta.ppf(1 - tail, y + 1, n - y)) if y < n else 1.0
    return {
        "pupils": n, "events": y, "observed": y / n, "predicted": expected / n, "ratio": y / expected,
        "ratio_lower": low * n / expected, "ratio_upper": top * n / expected,
        "auc": discrimination(pupils, events, risk), "flagged": n_high / n,
        "pupils_flagged": n_high, "events_flagged": y_high,
        "found": y_high / y if y else float("nan"), "right": y_high / n_high if n_high else float("nan"),
    }  # fmt: skip
