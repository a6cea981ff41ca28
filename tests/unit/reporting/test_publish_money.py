"""Money from small counts: an attacker who knows every cost solves for withheld years, unless amounts are rounded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.optimize import Bounds, LinearConstraint, milp

from averting import units
from averting.appraisal import ProgrammeCost, appraise
from averting.costs import load_parameters
from averting.data.disclosure import load_rules
from averting.effects import Averted
from averting.reporting import numbers, open_results, wording
from averting.reporting.controlled import control, write_controlled
from averting.reporting.controlled_money import money_base, rounded_summary
from averting.years import FinancialYear

YEARS = ["2021/22", "2022/23", "2023/24"]
COUNTS = np.array([6, 3, 4])  # two are small; their total, 13, is told by the estimate
FACTOR = 1 / 0.6 - 1  # what was averted for each event that happened, at a rate ratio of 0.6
RULES = load_rules("under_five_exact")


def summary(counts: np.ndarray, *, cost: float) -> pd.DataFrame:
    """Value what was averted, with the same draws of costs for any counts."""
    change = xr.DataArray(
        np.broadcast_to(-FACTOR * counts, (2, 1, 3)).copy(),
        dims=("draw", "school", "period"),
        coords={"draw": [0, 1], "school": ["1"], "period": YEARS},
    )
    averted = Averted.from_change(
        units.label(change, "events"), indicator="permanent_exclusions", draw_kind="confidence"
    )
    base = FinancialYear(2021)
    spend = (ProgrammeCost(base, cost, "la_general_fund", base, "an assumption"),) if cost else ()
    return appraise(
        averted, load_parameters("high_needs_block"), price_year=base, base_year=base, programme=spend, draws=40
    ).summary()


@pytest.fixture(scope="module")
def worth() -> pd.DataFrame:
    """Present value of one event in each year, by view, columns as years; nothing is lost by knowing them exactly."""
    each = [summary(np.eye(3, dtype=int)[i], cost=0.0) for i in range(3)]
    central = [one[one["scenario"] == "central"].set_index("view")["savings_mean"] for one in each]
    return pd.concat(central, axis=1, keys=YEARS)


def attack(shown: pd.DataFrame, worth: pd.DataFrame, half: dict[str, float]) -> np.ndarray:
    """Bound every year's count, shape (end, year), from the total, printed savings, and net amounts plus known cost."""
    rows, low, high = [np.ones(3)], [13.0], [13.0]
    for row in shown[shown["scenario"] == "central"].to_dict(orient="records"):
        for value, slack in (
            (row["savings_mean"], half[f"savings_{row['view']}"]),
            (row["npv_mean"] + row["programme_cost"], half[f"npv_{row['view']}"]),
        ):
            rows.append(worth.loc[row["view"]].to_numpy())
            low.append(value - slack)
            high.append(value + slack)
    ends = [
        milp(
            sign * np.eye(3)[i], integrality=np.ones(3), bounds=Bounds(0, 13),
            constraints=LinearConstraint(np.array(rows), low, high), options={"mip_rel_gap": 0.0},
        ).x[i]
        for sign in (1, -1) for i in range(3)
    ]  # fmt: skip
    return np.round(np.array(ends).reshape(2, 3))


def printed(value: float) -> float:
    text = numbers.pounds(value).replace(numbers.MINUS, "-").replace("£", "").replace(",", "")
    return float(text)


def test_an_amount_near_zero_gives_small_counts_away_and_a_rounded_one_does_not(worth: pd.DataFrame) -> None:
    # a programme that cost about what it saved in cash: the net amount is printed to the pound
    saved = float(worth.loc["cashable"].to_numpy() @ COUNTS)
    shown = summary(COUNTS, cost=round(saved) - 40.0)
    central = shown["scenario"] == "central"
    assert shown.loc[central & (shown["view"] == "cashable"), "npv_mean"].abs().item() < 100
    before = shown.copy()
    for name in ("savings_mean", "npv_mean"):
        before[name] = [printed(value) for value in shown[name]]
    half = {
        f"{kind}_{row.view}": max(abs(float(value)) * 0.005, 0.5)
        for row in shown[central].itertuples()
        for kind, value in (("savings", row.savings_mean), ("npv", row.npv_mean))
    }
    ends = attack(before, worth, half)
    assert (ends[0] == COUNTS).all() and (ends[1] == COUNTS).all()

    base = money_base(float(worth.to_numpy().max()) / FACTOR)
    after = rounded_summary(shown, base)
    ends = attack(after, worth, dict.fromkeys(half, base / 2))
    small = COUNTS < RULES.threshold
    assert (ends[0] <= COUNTS).all() and (COUNTS <= ends[1]).all()
    assert (ends[1] - ends[0])[small].min() >= RULES.protection


@pytest.mark.parametrize(("worth", "base"), [(0.4, 1), (1, 1), (999, 1000), (24_000, 50_000), (50_001, 100_000)])
def test_the_base_is_round_and_no_less_than_one_event(worth: float, base: float) -> None:
    assert money_base(worth) == base


def test_what_leaves_is_rounded_and_says_so(quick_run: Path, tmp_path: Path) -> None:
    inside = open_results(quick_run / "results")
    made = control(inside, load_rules("under_five"))
    public = write_controlled(made, tmp_path)
    base = made.money_base
    assert base
    raw, shown = inside.table("appraisal/summary"), public.table("appraisal/summary")
    for name in ("npv_mean", "npv_median", "npv_lower", "npv_upper"):
        gross = (shown[name] + shown["programme_cost"]) / base
        assert gross.to_numpy() == pytest.approx(gross.round().to_numpy(), abs=1e-6)
        assert (shown[name] - raw[name]).abs().max() <= base / 2
    # savings and net amounts say the same, so that they do not narrow each other; nor does their ratio
    assert (shown["savings_mean"] - shown["programme_cost"]).to_numpy() == pytest.approx(
        shown["npv_mean"].to_numpy()
    )
    paid = shown["programme_cost"] > 0
    assert (shown["bcr"] * shown["programme_cost"])[paid].to_numpy() == pytest.approx(
        shown["savings_mean"][paid].to_numpy()
    )
    # one event, worth what the raw results make of it, is no more than the base
    averted = np.abs(inside.effect("main").averted().total().to_numpy()).mean()
    assert raw["savings_mean"].abs().max() / averted <= base
    payers, known = public.table("appraisal/payers"), inside.table("appraisal/payers")
    spent = known["payer"] == "la_general_fund"
    assert payers.loc[spent, "mean"].tolist() == known.loc[spent, "mean"].tolist()
    assert (payers.loc[~spent, ["mean", "lower", "upper"]] % base == 0).all(axis=None)
    assert f"rounded to {numbers.pounds(base)}" in wording.release(public)
    assert any(d.table == "savings" and d.reason == "rounding" for d in made.record.decisions)
