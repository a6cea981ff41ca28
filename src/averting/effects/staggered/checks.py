"""What to know before believing an effect of staggered starts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from averting.checks import CheckResult, Status
from averting.effects.inference.choice import FEW_PILOTS
from averting.effects.kernels.aggregation import Cells
from averting.effects.staggered.answer import Permutation
from averting.effects.staggered.sample import Array, Sample

FEW, SOME = FEW_PILOTS, 30
"""Up to these numbers of pilots a standard error from influences is not to be used, or to be read with care."""

_MEASURED = (
    "Measured at a nominal 5 % with staggered starts, such standard errors reject 35 % to 74 % of true nulls with 3 "
    "pilots of 60 schools, 11 % to 31 % with 6, and 11 % to 19 % with 10."
)


def suppression_check(method: str, sample: Sample) -> CheckResult:
    """Say how many cells are suppressed."""
    hidden = int((sample.counts.upper > sample.counts.lower).sum())
    cells = int(np.isfinite(sample.counts.upper).sum())
    message = (
        f"{hidden} of {cells} cells are suppressed; the interval covers the fills that favour and oppose the "
        "programme most."
    )
    return CheckResult(
        f"{method}/suppression", "warn" if hidden else "pass", message if hidden else "No cell is suppressed."
    )


def cluster_checks(method: str, sample: Sample) -> list[CheckResult]:
    """Say whether there are pilots enough for a standard error from influences."""
    pilots = sample.pilots
    alone = [first for first, size in sample.cohort_sizes.items() if size == 1]
    few: Status = "fail" if pilots <= FEW else "warn" if pilots <= SOME else "pass"
    return [
        CheckResult(
            f"{method}/pilots",
            few,
            f"the standard error rests on {pilots} pilots; with {FEW} or fewer it is not to be used. {_MEASURED}",
            "" if few == "pass" else "Ask for inference='permutation', or use ratio_did.",
        ),
        CheckResult(
            f"{method}/single_school_cohorts",
            "fail" if alone else "pass",
            f"one pilot alone starts in {', '.join(alone)}: nothing shows how such a school varies, and its share of "
            "the standard error is zero."
            if alone
            else "Every start is shared by two pilots or more.",
            "Ask for inference='permutation', or group the starts." if alone else "",
        ),
    ]


def permutation_check(
    method: str, sample: Sample, plan: Permutation, sets: int, interval: tuple[float, float], alpha: float
) -> CheckResult:
    """Say how many assignments were compared, and whether any result could be significant."""
    blind, units = 1 / sets > alpha or not np.isfinite(interval).any(), sample.design.panel.units
    return CheckResult(
        f"{method}/permutations",
        "fail" if blind else "pass",
        f"{'all' if plan.exact else 'a random sample of'} {sets:,} ways to give the pilots' starts to {units} were "
        f"compared; the smallest p-value this design can give is {1 / sets:.3g}.",
        f"No result of this design could be significant at {alpha:.3g}: add comparison {units}." if blind else "",
    )


def level_check(method: str, sample: Sample) -> CheckResult:
    """Say whether pilots and comparison schools start from rates alike, which a difference of rates leans on."""
    before = sample.time < sample.cohort.min()
    events, pupils = sample.intensity[:, before], sample.counts.exposure[:, before]
    pilot, other = (
        float(np.nansum(events[part]) / max(float(np.nansum(pupils[part])), 1.0))
        for part in (slice(0, sample.pilots), slice(sample.pilots, None))
    )
    apart = other <= 0 or not 0.5 <= pilot / other <= 2.0
    said = f"{pilot / other:.1f} times" if other > 0 else "not comparable with"
    units = sample.design.panel.units
    return CheckResult(
        f"{method}/levels",
        "warn" if apart else "pass",
        f"before the first start the pilots' rate was {said} the comparison {units}'; beyond a factor of two, changes "
        "that are equal in proportion are not equal in points.",
        f"Prefer a method on the ratio scale, such as ratio_did, or choose comparison {units} with like rates."
        if apart
        else "",
    )


def overlap_check(method: str, sample: Sample) -> list[CheckResult]:
    """Say whether comparison schools reach the pilots' covariates; beyond them a regression extrapolates."""
    if not sample.names:
        return []
    values = sample.before_first()
    own, rest = values[: sample.pilots], values[sample.pilots :]
    low, high = rest.min(axis=0), rest.max(axis=0)
    lost = [name for name, away in zip(sample.names, _outside(own.mean(axis=0), low, high), strict=True) if away]
    some = [name for name, away in zip(sample.names, _outside(own, low, high).any(axis=0), strict=True) if away]
    units, apart = sample.design.panel.units, ", ".join(lost or some)
    message = f"Pilots' covariates lie within the range of the comparison {units}'."
    if some:
        whose = "the pilots' mean lies" if lost else "some pilots lie"
        message = (
            f"in {apart}, {whose} outside the range of the comparison {units}: there the model is all there is."
        )
    return [
        CheckResult(
            f"{method}/overlap",
            "fail" if lost else "warn" if some else "pass",
            message,
            f"Leave {apart} out, or choose comparison {units} that are like the pilots." if some else "",
        )
    ]


def _outside(values: Array, low: Array, high: Array) -> NDArray[np.bool_]:
    return np.asarray((values < low) | (values > high))


def pre_trend_check(method: str, cells: Cells, pilots: int) -> CheckResult | None:
    """Test that all effects before the start are zero (Wald), where there are any."""
    before = ~cells.after
    effect, influence = cells.effect[before], cells.influence[:, before]
    if not before.any() or pilots <= FEW:
        return None
    covariance = influence.T @ influence
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True))
    p_value = float(chi2.sf(effect @ np.linalg.pinv(covariance, hermitian=True) @ effect, rank))
    return CheckResult(
        f"{method}/pre_trend",
        "warn" if p_value < 0.05 else "pass",
        f"differences between pilots and the others before the start: p = {p_value:.3f} that all are zero. A "
        "large p-value is not proof: such tests find little.",
        "Pilots were on a path of their own before the programme: see the event study." if p_value < 0.05 else "",
    )
