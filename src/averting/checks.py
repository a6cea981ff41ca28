"""What a check found: one record for data, designs, effects and reports alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Status = Literal["pass", "warn", "fail", "info"]


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check.

    Parameters
    ----------
    key : str
        Stable name, for example ``sampler/r_hat``.
    status : {"pass", "warn", "fail", "info"}
        ``fail`` means that what was checked should not be relied on.
    message : str
        What was found, in words and numbers, with the rule it was held against.
    guidance : str
        What a reader should do about it; empty where nothing is to be done.
    """

    key: str
    status: Status
    message: str
    guidance: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the record as plain strings, for results files."""
        return asdict(self)


def worst(checks: tuple[CheckResult, ...]) -> Status:
    """Return the most serious status among checks; ``pass`` where there are none."""
    order: tuple[Status, ...] = ("fail", "warn", "info", "pass")
    found = {check.status for check in checks}
    return next((status for status in order if status in found), "pass")
