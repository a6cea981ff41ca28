"""What may follow later in life: never counted in a view, and never shown without its causal share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from averting.appraisal.appraisal import Appraisal
from averting.appraisal.sensitivity import Case
from averting.costs import CostLine, Distribution, Override

COLUMNS = (
    "scenario", "view", "line", "line_label", "payer", "present_mean", "present_lower", "present_upper",
    "causal_share", "causal_share_lower", "causal_share_upper", "present_if_all", "npv_without", "break_even_share",
    "reachable",
)  # fmt: skip


def later_lines(case: Case) -> tuple[CostLine, ...]:
    """Return the lines of kind ``lifetime`` that have all their numbers."""
    known = case.parameters.under(case.scenario.overrides)
    return tuple(line for line in known.lines if line.causal_share and line.key not in known.asleep)


def later_life(case: Case, *, level: float = 0.95) -> pd.DataFrame:
    """Return what each line of later life comes to, with its causal share and the share at which the programme pays.

    Parameters
    ----------
    case : Case
        One scenario of an appraisal.
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per line: its present value with interval, the causal share that made it, ``present_if_all`` (were the
        share 1), ``npv_without`` (the case's view, which leaves later life out), and ``break_even_share``: the
        share at which this line alone closes the gap, 0 where there is none. Where it is above 1 or the line has the
        wrong sign, ``reachable`` is False: no share does. The last row, ``all``, takes the lines together with one
        common share. Empty without such lines.

    Notes
    -----
    A line is linear in its causal share, so the share that breaks even is exact: the gap over the line's mean present
    value at a share of 1, with all other draws as they are.
    """
    lines = later_lines(case)
    if not lines:
        return pd.DataFrame(columns=list(COLUMNS))
    keys = [line.key for line in lines]
    whole, appraisal = _at_share_one(case, lines).appraisal(), case.appraisal()
    here = _by_line(appraisal, case.scenario.key, keys)
    gap = -float(appraisal.npv().sel(scenario=case.scenario.key, view=case.view).mean())
    at_one = _by_line(whole, case.scenario.key, keys).mean("draw")
    known = case.parameters.under(case.scenario.overrides)
    tail = (1 - level) / 2
    rows: list[dict[str, object]] = []
    for line in lines:
        share = known[line.causal_share].distribution
        about = {"line": line.key, "line_label": line.label, "payer": line.payers[0], "causal_share": share.mean}
        about |= {"causal_share_lower": share.quantile(tail), "causal_share_upper": share.quantile(1 - tail)}
        rows.append(
            about | _value(here.sel(line=line.key).to_numpy(), float(at_one.sel(line=line.key)), gap, tail)
        )
    together = _value(here.sum("line").to_numpy(), float(at_one.sum()), gap, tail)
    mean = float(here.sum("line").mean()) / float(at_one.sum()) if float(at_one.sum()) else float("nan")
    rows.append({"line": "all", "line_label": "All of these", "payer": "", "causal_share": mean} | together)
    table = pd.DataFrame(rows).assign(scenario=case.scenario.key, view=case.view, npv_without=-gap)
    return table.reindex(columns=list(COLUMNS))


def _by_line(appraisal: Appraisal, scenario: str, lines: list[str]) -> xr.DataArray:
    """Present value of some lines, dims (draw, line); a line without money is zero."""
    held = appraisal.discounted
    value = held.streams.sel(scenario=scenario).sum("year")
    return held.full(value).sel(line=lines).sum("payer")


def _at_share_one(case: Case, lines: tuple[CostLine, ...]) -> Case:
    all_of_it = Override(Distribution.point(1.0), "later life: what it would be if exclusion caused all of it")
    overrides = {**case.scenario.overrides, **{line.causal_share: all_of_it for line in lines}}
    return replace(case, scenario=replace(case.scenario, overrides=overrides))


def _value(draws: np.ndarray, at_one: float, gap: float, tail: float) -> dict[str, object]:
    low, high = np.quantile(draws, [tail, 1 - tail])
    needed = 0.0 if gap <= 0 else gap / at_one if at_one > 0 else float("inf")
    return {
        "present_mean": float(draws.mean()),
        "present_lower": float(low),
        "present_upper": float(high),
        "present_if_all": at_one,
        "break_even_share": needed,
        "reachable": needed <= 1,
    }
