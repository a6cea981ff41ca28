"""``Power``: the chance of each verdict, by true effect, number of pilots and years."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.effects.diagnostics.detectable import TARGET
from averting.effects.kernels.conditional import Array

_LABELS = {
    "reduction": "evidence of a reduction",
    "increase": "evidence of an increase",
    "uncertain": "too uncertain to tell",
    "not_estimable": "not estimable",
}
VERDICTS = tuple(_LABELS)


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

    def readable(self) -> dict[str, pd.DataFrame]:
        """Return two tables in words: the smallest effects found, and every chance for the largest design."""
        smallest = self.smallest()
        found = pd.DataFrame(
            {
                "pilots": smallest["pilots"].astype(str),
                "years after": smallest["years_after"].astype(str),
                "smallest fall": [_percent_or(value, "none") for value in smallest["reduction"]],
                "smallest rise": [_percent_or(value, "none") for value in smallest["increase"]],
                "false alarm": [f"{value:.1%}" for value in smallest["false_alarm"]],
            }
        )
        pilots, years = self.table["pilots"].max(), self.table["years_after"].max()
        whole = self.table[(self.table["pilots"] == pilots) & (self.table["years_after"] == years)]
        chances = pd.DataFrame(
            {"true change": [f"{change:+.0f} %" if change else "none" for change in whole["change"]]}
            | {label: [f"{value:.0%}" for value in whole[name]] for name, label in _LABELS.items()}
        )
        return {
            f"Smallest change found with a chance of {TARGET:.0%}": found,
            f"Chance of each verdict (pilots: {pilots}, years after: {years})": chances,
        }

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain values, for JSON."""
        smallest = self.smallest().astype(object)
        return {
            "basis": self.basis,
            "level": self.level,
            "trials": self.trials,
            "smallest": smallest.where(smallest.notna(), None).to_dict(orient="records"),
            "table": self.table.to_dict(orient="records"),
            "checks": [check.to_dict() for check in self.checks],
        }

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


def _percent_or(value: float, otherwise: str) -> str:
    return otherwise if np.isnan(value) else f"{value:.0%}"


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
