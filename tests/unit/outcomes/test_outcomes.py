"""The outcomes board: rates against peers and closed forms, colours that honour intervals, and nothing small told."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, poisson

import averting as av
from averting.design import COVID_PERIODS
from averting.design.events import default_events
from averting.errors import DataError, EstimationError
from averting.outcomes import (
    direction,
    framework,
    from_panel,
    funnel,
    make_board,
    outcome_sets,
    rate_interval,
    read_own,
)
from averting.outcomes.board import closures, left_out

YEARS = ["2014/15", "2015/16", "2016/17", "2017/18", "2018/19", "2019/20", "2020/21", "2021/22", "2022/23"]


def test_intervals_are_those_of_scipy_and_contain_suppressed_fills():
    low, high = rate_interval(np.array([7.0]), np.array([7.0]), np.array([100.0]), share=True)
    theirs = binomtest(7, 100).proportion_ci(0.95, method="exact")
    assert (low[0], high[0]) == pytest.approx((theirs.low, theirs.high))
    low, high = rate_interval(np.array([7.0]), np.array([7.0]), np.array([100.0]), share=False)
    # the defining property of Garwood's interval
    assert poisson.sf(6, 100 * low[0]) == pytest.approx(0.025)
    assert poisson.cdf(7, 100 * high[0]) == pytest.approx(0.025)
    wide = rate_interval(np.array([1.0]), np.array([4.0]), np.array([100.0]), share=False)
    assert wide[0][0] == rate_interval(np.array([1.0]), np.array([1.0]), np.array([100.0]), share=False)[0][0]
    assert wide[1][0] == rate_interval(np.array([4.0]), np.array([4.0]), np.array([100.0]), share=False)[1][0]


def test_direction_is_the_quasi_poisson_of_statsmodels(peer):
    rng = np.random.default_rng(1)
    at, of = np.arange(8.0), np.full(8, 5_000.0)
    counts = rng.negative_binomial(20, 20 / (20 + 100 * 0.93**at)).astype(float)
    found = direction(counts, counts, of, at)
    sm = peer("statsmodels.api")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = sm.GLM(counts, sm.add_constant(at), family=sm.families.Poisson(), offset=np.log(of))
        theirs = model.fit(scale="X2", use_t=True, tol=1e-12)
    low, high = theirs.conf_int()[1]
    assert theirs.scale > 1  # else ours would not go below chance, and theirs would
    assert found[:3] == pytest.approx(tuple(np.exp([theirs.params[1], low, high])), rel=1e-6)


def test_direction_covers_what_suppressed_counts_can_be():
    of, at = np.full(5, 1_000.0), np.arange(5.0)
    lower, upper = np.array([9.0, 8, 1, 6, 1]), np.array([9.0, 8, 4, 6, 4])
    wide = direction(lower, upper, of, at)
    for third in (1, 2, 3, 4):
        for fifth in (1, 2, 3, 4):
            counts = np.array([9.0, 8, third, 6, fifth])
            one = direction(counts, counts, of, at)
            assert wide.lower <= one.lower + 0.02
            assert one.upper <= wide.upper + 0.02
    with pytest.raises(EstimationError, match="four periods"):
        direction(of[:3], of[:3], of[:3], at[:3])


def test_one_in_twenty_areas_lies_outside_a_funnel_by_chance_alone():
    rng = np.random.default_rng(2)
    outside, total = 0, 0
    for dispersed in (False, True):
        of = rng.uniform(5_000, 30_000, 400)
        mean = 0.01 * of
        counts = rng.poisson(mean * rng.gamma(50, 1 / 50, 400) if dispersed else mean).astype(float)
        made = funnel(counts, of, share=False)
        low, high = made.limits(of, share=False, level=0.95)
        part = ((counts / of < low) | (counts / of > high)).mean()
        outside, total = outside + part, total + 1
        assert made.dispersion > (2 if dispersed else 0.9)
    # 800 areas: a standard error of 0.8 points; trimming and the exact limits keep it a little under or over
    assert outside / total == pytest.approx(0.05, abs=0.035)
    with pytest.raises(EstimationError, match="ten areas"):
        funnel(np.ones(5), np.ones(5), share=False)


def _series(local: list[float], *, others: float = 100.0, indicator: str = "suspensions") -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = []
    for area in range(40):
        for year, count in zip(YEARS, local, strict=True):
            value = count if area == 0 else float(rng.poisson(others))
            rows.append(
                {
                    "indicator": indicator,
                    "area": str(area),
                    "period": year,
                    "lower": value,
                    "upper": value,
                    "of": 1_000.0,
                }
            )
    return pd.DataFrame(rows)


def _colours(local: list[float], indicator: str = "suspensions") -> tuple[str, str]:
    board = make_board(_series(local, indicator=indicator), local="0", measures=[indicator])
    row = board.summary.iloc[0]
    return row["standing_colour"], row["direction_colour"]


def test_colours_follow_intervals():
    assert _colours([100, 102, 98, 101, 99, 40, 30, 100, 101]) == (
        "amber",
        "amber",
    )  # the fall in Covid years is no direction
    assert _colours([400, 350, 300, 250, 200, 40, 30, 60, 45]) == ("green", "green")
    assert _colours([50, 80, 100, 130, 160, 40, 30, 230, 260]) == ("red", "red")
    # moves have no better direction
    assert _colours([50, 80, 100, 130, 160, 40, 30, 230, 260], "managed_moves") == ("grey", "grey")


def test_a_fall_of_a_few_is_not_a_direction():
    board = make_board(_series([9, 8, 9, 7, 8, 1, 1, 7, 6]), local="0", measures=["suspensions"])
    row = board.summary.iloc[0]
    assert row["change"] < 1
    assert row["direction_colour"] == "amber"
    assert row["direction"].startswith("cannot be told")


def test_small_counts_are_withheld_and_nothing_depends_on_which_they_are():
    boards = [
        make_board(_series([12, 11, 14, 13, small, 6, 6, 12, 11]), local="0", measures=["suspensions"])
        for small in (1, 4)
    ]
    for one, other in ((b.summary, boards[0].summary) for b in boards):
        pd.testing.assert_frame_equal(one, other)
    pd.testing.assert_frame_equal(boards[0].over_time, boards[1].over_time)
    own = boards[0].over_time.query("group == 'local'").set_index("period")
    assert own.loc["2018/19", "status"] == "withheld"
    assert np.isnan(own.loc["2018/19", "rate"])
    assert "withheld or suppressed" in " ".join(boards[0].statements)
    latest = make_board(_series([12, 11, 14, 13, 12, 6, 6, 12, 3]), local="0", measures=["suspensions"])
    assert np.isnan(latest.summary.iloc[0]["rate"])
    assert not latest.funnels["local"].any()  # no dot, for its rate would be its count


def test_local_against_alike_and_others_leaves_the_area_out_of_both():
    series = _series([200] * 9, others=100)
    board = make_board(series, local="0", measures=["suspensions"], neighbours=["0", "1", "2"])
    at = board.over_time.query("period == '2022/23'").set_index("group")["rate"]
    part = series[(series["period"] == "2022/23") & series["area"].isin(["1", "2"])]
    assert at["neighbours"] == pytest.approx(100 * part["lower"].sum() / part["of"].sum(), rel=5e-3)
    rest = series[(series["period"] == "2022/23") & (series["area"] != "0")]
    assert at["others"] == pytest.approx(100 * rest["lower"].sum() / rest["of"].sum(), rel=5e-3)


def test_a_measure_without_data_is_said_to_have_none():
    board = make_board(_series([100] * 9), local="0", measures=["suspensions", "managed_moves"])
    assert list(board.summary["standing"])[1] == "no data"
    with pytest.raises(DataError, match="not declared"):
        make_board(_series([100] * 9), local="0", measures=["happiness"])
    with pytest.raises(DataError, match="in none of the data"):
        make_board(_series([100] * 9), local="Utopia", measures=["suspensions"])


def test_salfords_measures_are_a_ready_set_and_the_framework_has_three_levels():
    salford = outcome_sets()["salford"]
    assert {"persistent_absence", "managed_moves", "settings_taking_part", "multi_agency_support"} < set(
        salford.measures
    )
    levels = framework()
    assert all(levels[level] for level in ("pupil", "school", "system"))
    assert "attainment_8" not in levels["pupil"]  # a mean, not a rate


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("managed_moves,2018,9,100", "it is no academic year"),
        ("managed_moves,2018/19,9.5,100", "no whole number"),
        ("happiness,2018/19,9,100", "it is not declared"),
        ("managed_moves,2018/19,9,0", "no number above 0"),
        ("persistent_absence,2018/19,900,100", "more than what it is of"),
        ("attainment_8,2018/19,40,100", "is a mean"),
    ],
)
def test_own_measures_that_cannot_be_read_are_refused_without_their_counts(tmp_path: Path, row: str, told: str):
    path = tmp_path / "own.csv"
    path.write_text(f"indicator,period,count,of\n{row}\n", encoding="utf-8")
    with pytest.raises(DataError, match=told) as refused:
        read_own(path, local="here")
    assert "9.5" not in str(refused.value)
    assert "900" not in str(refused.value)


def test_the_vision_has_measures_and_says_whose_they_are(tmp_path: Path):
    vision = outcome_sets()["vision"]
    assert "averting's reading" in vision.note
    path = tmp_path / "own.csv"
    path.write_text("indicator,period,count,of\nplan_progress,2022/23,40,90\n", encoding="utf-8")
    board = make_board(read_own(path, local="Here"), local="Here", measures=[*vision.measures, "plan_progress"])
    shown = board.summary.set_index("indicator")
    assert shown.loc["plan_progress", "rate"] == pytest.approx(100 * 40 / 90)
    assert (shown.loc[list(vision.measures), "standing"] == "no data").all()


def test_own_measures_keep_withheld_counts_as_intervals(tmp_path: Path):
    path = tmp_path / "own.csv"
    path.write_text(
        "indicator,period,count,of\nmanaged_moves,2018/19,c,900\nmanaged_moves,2019/20,,900\n", encoding="utf-8"
    )
    found = read_own(path, local="here")
    assert found[["lower", "upper"]].to_numpy().tolist() == [[1.0, 4.0]]
    assert found["area"].tolist() == ["here"]


def test_closures_are_those_that_evaluations_leave_out():
    assert set(closures()) == {*COVID_PERIODS, *(term for event in default_events() for term in event.terms)}
    years = [period for period in YEARS if left_out(period, closures())]
    assert years == ["2019/20", "2020/21"]
    terms = [f"{year} {term}" for year in YEARS for term in ("Autumn", "Spring", "Summer")]
    assert [term for term in terms if left_out(term, closures())] == [
        "2019/20 Spring", "2019/20 Summer", "2020/21 Spring",
    ]  # fmt: skip
    # a year by itself stands for its terms
    assert [term for term in terms if left_out(term, ["2016/17"])] == [term for term in terms if "2016/17" in term]
    assert not left_out("2016/17", ["2016/17 Spring"])


def test_a_board_by_term_judges_by_the_terms_that_schools_were_open():
    terms = [f"{year} {term}" for year in YEARS[4:] for term in ("Autumn", "Spring", "Summer")]
    series = pd.DataFrame(
        [("suspensions", area, term, 40.0, 40.0, 900.0) for area in ("here", "there") for term in terms],
        columns=["indicator", "area", "period", "lower", "upper", "of"],
    )
    board = make_board(series, local="here", measures=["suspensions"])
    own = board.over_time.query("group == 'local'").set_index("period")["in_direction"]
    assert own[~own].index.tolist() == ["2019/20 Spring", "2019/20 Summer", "2020/21 Spring"]
    assert any("2019/20 Spring, 2019/20 Summer, 2020/21 Spring." in said for said in board.statements)


def test_real_authorities(shared):
    """Salford, secondary, 2018/19: 0.47 % permanently excluded (scrutiny pack) and 20.05 suspensions per 100."""
    panel = av.read_panel(
        shared / "data" / "dfe_exclusions" / "local_authorities_200607_202324.csv.gz",
        source="dfe_exclusions", level="local authority", phase="Secondary",
    )  # fmt: skip
    measures = ["permanent_exclusions", "suspensions"]
    board = make_board(from_panel(panel, measures), local="355", measures=measures)
    own = board.over_time.query("group == 'local' and period == '2018/19'").set_index("indicator")
    assert own.loc["permanent_exclusions", "rate"] == pytest.approx(0.47, abs=0.005)
    assert own.loc["suspensions", "rate"] == pytest.approx(20.05, abs=0.005)
    assert len(board.funnels) > 200
