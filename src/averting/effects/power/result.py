"""``Power``: the chance of each verdict, by true effect, number of pilots and years."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.effects.diagnostics.detectable import TARGET
from averting.effects.kernels.conditional import Array

VERDICTS = ("reduction", "increase", "uncertain", "not_estimable")


@dataclass(frozen=True, eq=False)
class Power:
    """What a design could find before it has begun.

    Parameters
    ----------
    table : DataFrame
        One row per number of pilots, years after and true ratio of rates: columns pilots, years_after, ratio,
        change (percent, negative for a fall), and the chance of each verdict: reduction, increase, uncertain,
        not_estimable; they sum to one.
    basis : str
        Where the noise comes from, in words.
    level : float
        Level of the interval that must exclude no effect.
    trials : int
        Simulated pilots per row.
    checks : tuple of CheckResult
        What to know before believing the numbers.
    """

    table: pd.DataFrame
    basis: str
    level: float
    trials: int
    checks: tuple[CheckResult, ...] = ()

    def smallest(self, target: float = TARGET) -> pd.DataFrame:
        """Return the smallest effects found with the target chance.

        Returns
        -------
        DataFrame
            One row per number of pilots and years after: columns reduction (share by which the rate falls,
            interpolated; NaN where no fall simulated is found often enough), increase (likewise), false_alarm
            (chance of either verdict when nothing happened).
        """
        rows = []
        for (pilots, years), part in self.table.groupby(["pilots", "years_after"], sort=True):
            none = part[part["ratio"] == 1.0]
            falls = part[part["ratio"] <= 1.0].sort_values("ratio", ascending=False)
            rises = part[part["ratio"] >= 1.0].sort_values("ratio")
            rows.append(
                {
                    "pilots": pilots,
                    "years_after": years,
                    "reduction": _first_reached(
                        1 - falls["ratio"].to_numpy(), falls["reduction"].to_numpy(), target
                    ),
                    "increase": _first_reached(
                        rises["ratio"].to_numpy() - 1, rises["increase"].to_numpy(), target
                    ),
                    "false_alarm": float((none["reduction"] + none["increase"]).iloc[0]),
                }
            )
        return pd.DataFrame(rows)

    def standard_error(self) -> float:
        """Return the largest Monte Carlo error of a chance in the table, one standard deviation."""
        return float(0.5 / np.sqrt(self.trials))

    def __repr__(self) -> str:
        best = self.smallest().iloc[-1]
        found = "none simulated" if np.isnan(best["reduction"]) else f"{best['reduction']:.0%}"
        return (
            f"Power({self.basis}; {best['pilots']:.0f} pilots, {best['years_after']:.0f} years after: smallest "
            f"reduction found four times in five {found})"
        )


def _first_reached(size: Array, chance: Array, target: float) -> float:
    """Interpolate the size at which the chance first reaches the target; sizes increase from no effect."""
    reached = np.flatnonzero(chance >= target)
    if reached.size == 0:
        return float("nan")
    i = int(reached[0])
    if i == 0:
        return float(size[0])
    share = (target - chance[i - 1]) / (chance[i] - chance[i - 1])
    return float(size[i - 1] + share * (size[i] - size[i - 1]))
