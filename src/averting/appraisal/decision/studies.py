"""Is further evaluation worth its cost: one more year, ten more schools, and the net benefit of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from averting.appraisal.decision.choices import Benefit
from averting.appraisal.decision.information import enbs, evsi, population, study_error
from averting.errors import EvaluationError, Fault, refuse

Adds = Literal["years", "schools"]


@dataclass(frozen=True)
class Study:
    """More of the same evaluation.

    Parameters
    ----------
    label : str
        Its name in tables.
    adds : {"years", "schools"}
        Whether it follows the same schools for longer, or more schools for as long.
    amount : float
        How many years, or schools, above zero.
    cost : float, optional
        Pounds, in the price and base year of the appraisal. Without it only the study's worth can be said.
    source : str
        Where the cost comes from.
    decisions : float
        How many decisions of this size would be made each year with what it finds, for example groups of as many schools
        as the pilot that could take the programme up.
    years : int
        For how many years.
    wait : int
        Years until its result is there; decisions before then do without.

    Raises
    ------
    EvaluationError
        For numbers that cannot be, all at once.
    """

    label: str
    adds: Adds
    amount: float
    cost: float | None = None
    source: str = ""
    decisions: float = 1.0
    years: int = 1
    wait: int = 0

    def __post_init__(self) -> None:
        faults = []
        if self.adds not in get_args(Adds):
            faults.append(Fault("adds", f"it is '{self.adds}'", f"Use one of: {', '.join(get_args(Adds))}"))
        if not 0 < self.amount < np.inf:
            faults.append(Fault("amount", f"it is {self.amount}", "Give a number above zero"))
        if self.cost is not None and not (0 <= self.cost < np.inf and self.source.strip()):
            faults.append(
                Fault("cost", f"it is {self.cost}, source '{self.source}'", "Give zero or more, and a source")
            )
        if not (0 < self.decisions < np.inf and self.years >= 1 and self.wait >= 0):
            found = f"{self.decisions} a year for {self.years} years after {self.wait}"
            faults.append(
                Fault("decisions", found, "Give decisions above 0, years of 1 or more, wait of 0 or more")
            )
        refuse(EvaluationError, f"The study '{self.label}' cannot be used", faults)


STANDING = (Study("One more year", "years", 1), Study("Ten more schools", "schools", 10))
"""What is asked where an evaluation declares no study: of one decision, and without a cost."""


def studies_table(
    net_benefit: Benefit,
    truth: xr.DataArray,
    studies: Sequence[Study],
    *,
    years: float,
    schools: float,
    edition: str = "2022",
    seed: int = 1,
) -> pd.DataFrame:
    """Return what each study is worth for the choice, and net of its cost.

    Parameters
    ----------
    net_benefit : NetBenefit with one threshold, or DataArray with dims (draw, scenario)
        Net benefit of the options, in pounds.
    truth : DataArray, dims (draw,)
        What the studies measure: exclusions averted.
    studies : sequence of Study
        At least one.
    years, schools : float
        How much data the pilot had.
    edition : str
        Edition of the Green Book whose schedule discounts later decisions.
    seed : int
        Seed of the studies' errors.

    Returns
    -------
    DataFrame
        ``label``, ``adds``, ``amount``, ``evsi`` (worth for one decision), ``mcse``, ``most`` (worth of knowing the effect for
        certain), ``times`` (decisions it serves, discounted), ``worth`` (``evsi`` x ``times``), ``cost``, ``enbs`` (worth less
        cost; missing without a cost) and ``source``. Empty where the effect is not uncertain.
    """
    columns = ["label", "adds", "amount", "evsi", "mcse", "most", "times", "worth", "cost", "enbs", "source"]
    if not float(truth.std()):
        return pd.DataFrame(columns=columns)
    have = {"years": years, "schools": schools}
    errors = {
        str(at): study_error(truth, have=have[study.adds], add=study.amount) for at, study in enumerate(studies)
    }
    found = evsi(net_benefit, truth, studies=errors, seed=seed)
    found = found.isel(threshold=0, drop=True) if "threshold" in found.dims else found
    rows = []
    for at, study in enumerate(studies):
        worth = found["evsi"].sel(study=str(at), drop=True)
        times = population(a_year=study.decisions, years=study.years, edition=edition, begin=study.wait)
        cost = np.nan if study.cost is None else study.cost
        net = np.nan if study.cost is None else float(enbs(worth, times=times, study_cost=study.cost))
        values = (float(worth), float(found["mcse"].sel(study=str(at))), float(found["evppi"]))
        rows.append(
            (study.label, study.adds, study.amount, *values, times, float(worth) * times, cost, net, study.source)
        )
    return pd.DataFrame(rows, columns=columns)
