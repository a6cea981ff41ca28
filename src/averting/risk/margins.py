"""From a model to what readers can use: odds ratios, and the risks and risk ratios that odds ratios are not.

Marginal risks are standardised (g-computation) [muller_maclehose_2014]_: everybody is given one level in turn, all else
being as it is, and risks are averaged. Intervals are by the delta method, on the log scale for ratios.

.. [muller_maclehose_2014] Muller, C. J. and MacLehose, R. F. (2014). Estimating predicted probabilities from logistic
   regression: different methods correspond to different target populations. International Journal of Epidemiology,
   43(3), 962-970.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from averting.errors import EstimationError, Fault, refuse
from averting.risk.logistic import Floats, Ints
from averting.risk.model import RiskModel


class Marginal(NamedTuple):
    """A risk and its gradient in the model's parameters."""

    risk: float
    gradient: Floats


def associations(
    model: RiskModel, characteristics: Sequence[str] | None = None, *, level: float = 0.95
) -> pd.DataFrame:
    """Return odds ratios, risks and risk ratios of every level against the reference.

    Parameters
    ----------
    model : RiskModel
        Fitted model.
    characteristics : sequence of str, optional
        Which to report; all of the model by default.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        One row for each level beside the reference: ``characteristic``, ``level``, ``reference``, then
        ``odds_ratio``, ``risk``, ``reference_risk`` (0 to 1), ``risk_ratio`` and ``risk_difference``, each ratio, risk and
        difference with ``_lower`` and ``_upper``. The odds ratio is conditional on all else in the model, at the
        reference level of what it interacts with.
    """
    z = float(norm.ppf((1 + level) / 2))
    rows = []
    for name in characteristics or model.terms.characteristics:
        known = [standardised(model, name, code) for code in range(len(model.cells.levels[name]))]
        for code, text in enumerate(model.cells.levels[name][1:], 1):
            row: dict[str, Any] = {"characteristic": name, "level": text, "reference": model.cells.levels[name][0]}
            rows.append(row | _odds(model, name, code, z) | _compared(model, known[code], known[0], z))
    return pd.DataFrame(rows)


def standardised(model: RiskModel, characteristic: str, code: int) -> Marginal:
    """Return the mean risk of all pupils, were each of them at one level of a characteristic, all else as it is."""
    codes = model.cells.codes.copy()
    codes[:, model.cells.characteristics.index(characteristic)] = code
    risk, gradient = model.risks(model.design(codes))
    weight = model.cells.pupils / model.cells.pupils.sum()
    return Marginal(float(weight @ risk), np.asarray(weight @ gradient, dtype=np.float64))


def _odds(model: RiskModel, name: str, code: int, z: float) -> dict[str, float]:
    codes = np.zeros((2, len(model.cells.characteristics)), dtype=np.int64)
    codes[1, model.cells.characteristics.index(name)] = code
    x = model.design(codes)
    return odds_ratio(model, x[1] - x[0], z)


def odds_ratio(model: RiskModel, contrast: Floats, z: float) -> dict[str, float]:
    """Return exp of a contrast of coefficients with its interval: ``odds_ratio`` with ``_lower`` and ``_upper``."""
    p = len(model.fit.coefficients)
    log = float(contrast @ model.fit.coefficients)
    error = math.sqrt(float(contrast @ model.fit.covariance[:p, :p] @ contrast))
    return {
        "odds_ratio": math.exp(log),
        "odds_ratio_lower": math.exp(log - z * error),
        "odds_ratio_upper": math.exp(log + z * error),
    }


def _compared(model: RiskModel, one: Marginal, reference: Marginal, z: float) -> dict[str, float]:
    covariance = model.fit.covariance

    def error(gradient: Floats) -> float:
        return math.sqrt(max(float(gradient @ covariance @ gradient), 0.0))

    log = math.log(one.risk / reference.risk)
    spread = error(one.gradient / one.risk - reference.gradient / reference.risk)
    difference = one.risk - reference.risk
    apart = error(one.gradient - reference.gradient)
    low, high = risk_interval(one, model, z)
    return {
        "risk": one.risk, "risk_lower": low, "risk_upper": high, "reference_risk": reference.risk,
        "risk_ratio": math.exp(log),
        "risk_ratio_lower": math.exp(log - z * spread), "risk_ratio_upper": math.exp(log + z * spread),
        "risk_difference": difference,
        "risk_difference_lower": difference - z * apart, "risk_difference_upper": difference + z * apart,
    }  # fmt: skip


def risk_interval(one: Marginal, model: RiskModel, z: float) -> tuple[float, float]:
    """Return the interval of a risk, by the delta method on the log-odds scale, so that it stays within 0 and 1."""
    error = math.sqrt(max(float(one.gradient @ model.fit.covariance @ one.gradient), 0.0))
    logit, slope = math.log(one.risk / (1 - one.risk)), one.risk * (1 - one.risk)
    low, high = logit - z * error / slope, logit + z * error / slope
    return 1 / (1 + math.exp(-low)), 1 / (1 + math.exp(-high))


def cumulative(model: RiskModel, codes: Ints) -> Marginal:
    """Return the risk that the outcome happens in at least one of several years, one row of codes a year.

    One minus the product of not having it happen, year by year; where schools have levels of their own, at each level a
    school may have, and then the mean. Yearly risks must be of a first event: rows after it are not in the data.
    """
    x = model.design(codes)
    chance, _, point, weight = model.by_node(x)
    spared = np.prod(1 - chance, axis=0)
    # the slope of -log(1 - p) in the log odds is p
    gradient = np.einsum("tp,tq,q->p", x, chance, weight * spared)
    if model.has_schools:
        own = model.fit.spread * float((weight * spared * point) @ chance.sum(axis=0))
        gradient = np.append(gradient, own)
    return Marginal(float(1 - weight @ spared), np.asarray(gradient, dtype=np.float64))


def profile_risks(
    model: RiskModel,
    profiles: Mapping[str, Mapping[str, str]],
    *,
    over: str | None = None,
    years: Sequence[str] = (),
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the risk of described pupils, and how it compares with the first of them.

    Parameters
    ----------
    model : RiskModel
        Fitted model.
    profiles : mapping of str to mapping
        A name, and a level for each characteristic; one that is left out is at its reference.
    over : str, optional
        Characteristic whose levels are the years of school life: risks are then over all of them.
    years : sequence of str
        Levels of ``over`` to run through; all by default.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        ``profile``, ``risk``, ``risk_lower``, ``risk_upper``, ``odds_ratio`` and ``risk_ratio`` against the first
        profile, ``risk_ratio_lower`` and ``risk_ratio_upper``.
    """
    z = float(norm.ppf((1 + level) / 2))
    rows = [_profile_codes(model, name, given, over, years) for name, given in profiles.items()]
    known = [cumulative(model, codes) for codes in rows]
    made = []
    for name, one in zip(profiles, known, strict=True):
        compared = _compared(model, one, known[0], z)
        odds = one.risk / (1 - one.risk) / (known[0].risk / (1 - known[0].risk))
        kept = ("risk", "risk_lower", "risk_upper", "risk_ratio", "risk_ratio_lower", "risk_ratio_upper")
        made.append({"profile": name, "odds_ratio": odds, **{key: compared[key] for key in kept}})
    return pd.DataFrame(made)


def _profile_codes(
    model: RiskModel, name: str, given: Mapping[str, str], over: str | None, years: Sequence[str]
) -> Ints:
    levels = model.cells.levels
    faults = [
        Fault(f"profile {name}, {key}", f"'{value}' is not known", f"Use: {', '.join(levels.get(key, levels))}")
        for key, value in given.items()
        if value not in levels.get(key, ())
    ]
    if over is not None and over not in model.terms.characteristics:
        faults.append(Fault("over", f"'{over}' is no characteristic of the model", "Name that of the year group"))
    faults += [
        Fault("years", f"'{year}' is no level of {over}", "Correct it")
        for year in years
        if over in levels and year not in levels[str(over)]
    ]
    refuse(EstimationError, "A profile cannot be given a risk", faults)
    one = [levels[key].index(given[key]) if key in given else 0 for key in model.cells.characteristics]
    if over is None:
        return np.array([one], dtype=np.int64)
    place = model.cells.characteristics.index(over)
    run = [levels[over].index(year) for year in years] or list(range(len(levels[over])))
    codes = np.tile(np.array(one, dtype=np.int64), (len(run), 1))
    codes[:, place] = run
    return codes


def interaction_table(model: RiskModel, *, level: float = 0.95) -> pd.DataFrame:
    """Return, for each interaction, the odds ratio of one characteristic at every level of the other.

    Returns
    -------
    DataFrame
        ``characteristic``, ``level``, ``reference``, ``among`` (the other's level), ``odds_ratio`` with its interval, and
        ``times`` with its interval: how many times the odds ratio is that at the other's reference level.
    """
    z = float(norm.ppf((1 + level) / 2))
    rows = []
    names = model.cells.characteristics
    for one, other in model.terms.interactions:
        for b, among in enumerate(model.cells.levels[other]):
            for a, text in enumerate(model.cells.levels[one][1:], 1):
                codes = np.zeros((4, len(names)), dtype=np.int64)
                codes[[0, 2], names.index(one)] = a
                codes[:2, names.index(other)] = b
                x = model.design(codes)
                own, base = x[0] - x[1], x[2] - x[3]
                times = odds_ratio(model, own - base, z)
                row: dict[str, Any] = {
                    "characteristic": one,
                    "level": text,
                    "reference": model.cells.levels[one][0],
                    "of": other,
                }
                renamed = {key.replace("odds_ratio", "times"): value for key, value in times.items()}
                rows.append(row | {"among": among} | odds_ratio(model, own, z) | renamed)
    return pd.DataFrame(rows)
