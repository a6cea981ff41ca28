from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from averting.data import SimulatedPilot, read_panel, simulate_pilot
from averting.errors import DataError

MANY = 2000


@pytest.fixture(scope="module")
def many() -> SimulatedPilot:
    """Two thousand schools, a thousand of them pilots, so that shares are known to about one per cent."""
    return simulate_pilot(seed=3, pilots=MANY // 2, comparison=MANY // 2, suppress=False)


@pytest.fixture(scope="module")
def plain(many: SimulatedPilot) -> pd.DataFrame:
    frame = many.frame.copy()
    columns = ["headcount", "perm_excl", "fixed_excl", "one_plus_fixed"]
    frame[columns] = frame[columns].astype(int)
    frame["pilot"] = frame["urn"].isin(many.pilots)
    frame["after"] = frame["time_period"] >= "202122"
    frame["covid"] = frame["time_period"].isin(["201920", "202021"])
    return frame


def test_counts_follow_the_founding_documents(plain: pd.DataFrame) -> None:
    counts = plain.loc[~plain["covid"] & ~plain["after"], "perm_excl"]
    assert counts.mean() == pytest.approx(1.73, rel=0.06)
    assert (counts == 0).mean() == pytest.approx(0.43, abs=0.025)
    assert (counts > 10).mean() == pytest.approx(0.0137, abs=0.005)
    # of a negative binomial with size 0.65; schools with lastingly high counts make it vary between seeds
    assert counts.var() == pytest.approx(1.73 + 1.73**2 / 0.65, rel=0.2)


def test_covid_years_dip(plain: pd.DataFrame) -> None:
    means = plain[~plain["after"]].groupby("time_period")[["perm_excl", "fixed_excl"]].mean()
    before = means.loc[:"201819"].mean()
    assert (means.loc["202021"] / before).tolist() == pytest.approx([0.52, 0.83], rel=0.1)


def test_suspensions_are_realistic(plain: pd.DataFrame) -> None:
    usual = plain[~plain["covid"] & ~plain["after"]]
    assert usual["fixed_excl"].sum() / usual["headcount"].sum() == pytest.approx(0.10, rel=0.06)
    assert usual["fixed_excl"].var() > 20 * usual["fixed_excl"].mean()
    rates = pd.DataFrame({name: usual[name] / usual["headcount"] for name in ("perm_excl", "fixed_excl")})
    # 0.41 in DfE's school-level file
    assert rates.corr("spearman").iloc[0, 1] == pytest.approx(0.41, abs=0.1)
    assert (plain["one_plus_fixed"] <= plain["fixed_excl"]).all()
    assert (plain["one_plus_fixed"] <= plain["headcount"]).all()
    assert ((plain["one_plus_fixed"] > 0) == (plain["fixed_excl"] > 0)).all()


def test_headcounts_are_about_a_thousand(plain: pd.DataFrame) -> None:
    assert plain["headcount"].median() == pytest.approx(1000, rel=0.05)
    assert np.log(plain["headcount"]).std() == pytest.approx(0.3, abs=0.04)


def test_schools_differ_lastingly_and_drift(plain: pd.DataFrame) -> None:
    usual = plain[~plain["covid"] & ~plain["after"]]
    rates = (usual["perm_excl"] / usual["headcount"]).to_numpy().reshape(MANY, -1)
    ranks = pd.DataFrame(rates).rank().corr().to_numpy()
    near, far = np.diag(ranks, 1).mean(), np.diag(ranks, 5).mean()
    # 0.56 and 0.37 in DfE's school-level file
    assert near == pytest.approx(0.55, abs=0.06)
    assert far == pytest.approx(0.36, abs=0.06)


@pytest.mark.parametrize(("column", "effect"), [("perm_excl", 0.6), ("fixed_excl", 0.8)])
def test_effect_is_recovered(plain: pd.DataFrame, column: str, effect: float) -> None:
    usual = plain[~plain["covid"]]
    means = usual.groupby(["pilot", "after"])[column].mean()
    ratio = (means[True, True] / means[True, False]) / (means[False, True] / means[False, False])
    # pilots are the higher half, whose drift returns to a lasting standing of their own: nothing regresses
    assert ratio == pytest.approx(effect, rel=0.06)


def test_pilots_come_from_the_half_that_excludes_more(plain: pd.DataFrame) -> None:
    before = plain[~plain["after"]].groupby("pilot")["perm_excl"].mean()
    assert before[True] > 1.5 * before[False]


def test_no_effect_and_no_regression_to_the_mean() -> None:
    drawn = simulate_pilot(seed=5, pilots=1000, comparison=1000, effect={}, suppress=False)
    frame = drawn.frame.assign(count=drawn.frame["perm_excl"].astype(int))
    frame = frame[~frame["time_period"].isin(["201920", "202021"])]
    pilots = frame[frame["urn"].isin(drawn.pilots)].groupby("time_period")["count"].mean()
    assert pilots.loc["202122":].mean() == pytest.approx(pilots.loc[:"201819"].mean(), rel=0.06)
    assert set(drawn.truth.averted.values()) == {0.0}


def test_truth_counts_what_was_averted(many: SimulatedPilot, plain: pd.DataFrame) -> None:
    without = simulate_pilot(seed=3, pilots=MANY // 2, comparison=MANY // 2, suppress=False, effect={})
    assert without.pilots == many.pilots
    untreated = without.frame["perm_excl"].astype(int)
    pilots = plain["pilot"] & plain["after"]
    averted = untreated[pilots].sum() - plain.loc[pilots, "perm_excl"].sum()
    assert many.truth.averted["permanent_exclusions"] == pytest.approx(averted, rel=0.05)
    assert many.truth.effect == {"permanent_exclusions": 0.6, "suspensions": 0.8}
    # outside the programme nothing moves: common random numbers
    assert (untreated[~pilots] == plain.loc[~pilots, "perm_excl"]).all()


def test_default_is_three_pilots_among_forty() -> None:
    drawn = simulate_pilot(seed=1)
    panel = drawn.panel()
    assert len(drawn.pilots) == 3 and len(panel.schools) == 43
    assert panel.periods[0] == "2013/14" and panel.periods[-1] == "2024/25" and drawn.start == "2021/22"
    assert set(panel.data["la"].sel(school=list(drawn.pilots)).values) == {"Simulated Borough 1"}
    assert all(name.startswith("Simulated School") for name in panel.data["name"].values)


def test_small_counts_are_suppressed_and_truly_one_or_two() -> None:
    hidden, plain = simulate_pilot(seed=1).panel(), simulate_pilot(seed=1, suppress=False).panel()
    lower, upper = hidden.bounds("permanent_exclusions")
    truth = plain.data["value"].sel(indicator="permanent_exclusions", drop=True)
    assert ((lower <= truth) & (truth <= upper)).all()
    suppressed = hidden.data["status"].sel(indicator="permanent_exclusions") == 1
    assert set(truth.values[suppressed.values]) == {1, 2}
    assert plain.suppression_summary()["suppressed"].sum() == 0


@pytest.mark.parametrize("name", ["demo.csv", "demo.csv.gz"])
def test_same_seed_same_bytes(tmp_path: Path, name: str) -> None:
    for folder, seed in (("a", 7), ("b", 7), ("c", 8)):
        (tmp_path / folder).mkdir()
        simulate_pilot(seed=seed).write(tmp_path / folder / name)
    first, second, other = ((tmp_path / folder / name).read_bytes() for folder in "abc")
    assert first == second != other


def test_written_file_reads_back_as_simulated(tmp_path: Path) -> None:
    drawn = simulate_pilot(seed=2)
    drawn.write(tmp_path / "demo.csv")
    panel = read_panel(tmp_path / "demo.csv", phase="Secondary")
    assert panel.data.identical(drawn.panel().data)
    assert "simulated by averting" in panel.checks[0].message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "2013/14"}, "must come after the first year"),
        ({"start": "2030/31"}, "not after the last"),
        ({"start": "soon"}, "'soon' is not an academic year"),
        ({"pilots": 0}, "ask for one or more"),
        ({"pilots": 5, "comparison": 4}, "as many comparison schools"),
        ({"effect": {"attendance": 0.5}}, "effect on attendance"),
        ({"effect": {"suspensions": 0.0}}, "each above 0"),
    ],
)
def test_impossible_requests_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        simulate_pilot(seed=1, **options)
