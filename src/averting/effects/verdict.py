"""What may be said of an effect: the one place that turns numbers into a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import numpy as np

from averting.checks import CheckResult

RULES = (
    "not estimable: the method gives no finite bound in either direction, rejects every size of effect, or one of "
    "its checks fails.",
    "evidence of a reduction: the whole interval lies below no effect.",
    "evidence of an increase: the whole interval lies above no effect.",
    "too uncertain to tell: everything else. This is not evidence that nothing happened.",
)

CAUTIONS = (
    "A diagnostic never changes the verdict, which was decided by its rules before any was looked at. One that finds "
    "a reason for doubt is a caution, and stands beside the verdict wherever that stands.",
    "An outcome into which exclusions can move is held to the same method, and counts as risen only if it would after "
    "allowing for how many were looked at (Holm). A rise is a caution; so is a reduction of exclusions where no such "
    "outcome is in the data, or where exclusions and moves taken together did not fall.",
)
"""What stands beside a verdict, and what it takes; printed in the report below :data:`RULES`."""


class Verdict(StrEnum):
    """One of four things an evaluation can say.

    Examples
    --------
    >>> from averting.effects import Verdict
    >>> Verdict.UNCERTAIN
    <Verdict.UNCERTAIN: 'too uncertain to tell'>
    """

    REDUCTION = "evidence of a reduction"
    INCREASE = "evidence of an increase"
    UNCERTAIN = "too uncertain to tell"
    NOT_ESTIMABLE = "not estimable"


def verdict(interval: tuple[float, float], *, no_effect: float, checks: tuple[CheckResult, ...] = ()) -> Verdict:
    """Apply :data:`RULES`, in order.

    Parameters
    ----------
    interval : tuple of float
        Lower and upper end on the estimand's scale.
    no_effect : float
        1 for a ratio, 0 for a difference.
    checks : tuple of CheckResult
        A failed check means the interval is not to be relied on.
    """
    lower, upper = interval
    # a ratio is never below 0, so 0 bounds nothing
    unbounded = not np.isfinite(upper) and not lower > (0.0 if no_effect > 0 else -np.inf)
    if np.isnan(lower) or np.isnan(upper) or unbounded or any(check.status == "fail" for check in checks):
        return Verdict.NOT_ESTIMABLE
    if upper < no_effect:
        return Verdict.REDUCTION
    if lower > no_effect:
        return Verdict.INCREASE
    return Verdict.UNCERTAIN


def cautions(checks: Iterable[CheckResult]) -> tuple[str, ...]:
    """Return what must be said beside a verdict: the message of each check that calls for care, once."""
    said = (f"{check.message} {check.guidance}".strip() for check in checks if check.status in ("warn", "fail"))
    return tuple(dict.fromkeys(said))
