"""What is told of risk: published pairs, warnings, priors, disclosure and the door for single pupils."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from averting.data.disclosure import load_rules
from averting.errors import DataError, DisclosureError, EstimationError, ParameterError
from averting.risk import (
    Compared,
    OptIn,
    PrintedRisk,
    RiskCells,
    adjustment_sets,
    calibration,
    cumulative_rates,
    discrimination,
    fairness,
    fit_risk,
    held_out,
    individual_scores,
    prior_from,
    published_ratios,
    read_by_characteristic,
    risk_ratio_of,
    withheld_levels,
    withhold,
    withhold_flagged,
)


def _pair(outcome: str, one: str, other: str) -> Compared:
    return Compared(outcome, "Nathan", "Rachel", PrintedRisk.parse(one), PrintedRisk.parse(other))


def test_nathan_and_rachel():
    """Timpson Review: 2.3 % and 0.3 % (permanent), 58 % and 11 % (suspension), over secondary school."""
    permanent, suspension = _pair("permanent exclusion", "2.3%", "0.3%"), _pair("suspension", "58%", "11%")
    assert (round(permanent.odds_ratio, 1), round(permanent.risk_ratio, 1)) == (7.8, 7.7)
    assert (round(suspension.odds_ratio, 1), round(suspension.risk_ratio, 1)) == (11.2, 5.3)
    assert not permanent.misleading
    assert suspension.misleading
    assert "WARNING: an odds ratio of 11.2 does not mean 11.2 times as likely" in suspension.lines()[-1]
    assert "WARNING" not in " ".join(permanent.lines())
    low, high = permanent.odds_ratio_range
    assert low == pytest.approx(0.0225 / 0.9775 / (0.0035 / 0.9965))
    assert high == pytest.approx(0.0235 / 0.9765 / (0.0025 / 0.9975))


def test_an_odds_ratio_becomes_the_risk_ratio_it_came_from():
    pair = _pair("suspension", "58%", "11%")
    assert risk_ratio_of(pair.odds_ratio, 0.11) == pytest.approx(58 / 11)
    with pytest.raises(EstimationError, match="above 0"):
        risk_ratio_of(2.0, 1.0)


@pytest.mark.parametrize("text", ["", "2.3", "0%", "100%", "-3%", "half"])
def test_what_is_no_risk_is_refused(text):
    with pytest.raises(EstimationError, match="percentage"):
        PrintedRisk.parse(text)


def test_raw_and_adjusted_ratios_are_never_pooled():
    asked = {("fsm", "Eligible"): "free_school_meals", ("ethnicity", "Black Caribbean"): "black_caribbean"}
    prior = prior_from(asked, basis="adjusted")
    assert prior["fsm", "Eligible"][0] == pytest.approx(np.log(1.4))
    raw = prior_from(asked, basis="raw", adjusted_model=False)
    assert raw["fsm", "Eligible"][0] == pytest.approx(np.log(4.0))
    with pytest.raises(ParameterError, match="never pooled"):
        prior_from(asked, basis="raw")
    with pytest.raises(ParameterError, match="has no raw ratio"):
        prior_from({("care", "LAC"): "looked_after"}, basis="raw", adjusted_model=False)
    assert all(one.locator.startswith("001:") for one in published_ratios().values())


def test_a_prior_from_print_moves_a_small_sample_and_not_a_large_one():
    moved = []
    for scale in (1, 400):
        frame = pd.DataFrame(
            {"fsm": ["No", "Yes"], "pupils": [200 * scale, 60 * scale], "y": [10 * scale, 9 * scale]}
        )
        cells = RiskCells.from_frame(frame, outcome="y", characteristics=["fsm"], pupils="pupils")
        free = fit_risk(cells, adjust=["fsm"]).fit.coefficients[1]
        prior = prior_from({("fsm", "Yes"): "free_school_meals"}, basis="adjusted")
        moved.append(abs(fit_risk(cells, adjust=["fsm"], prior=prior).fit.coefficients[1] - free))
    assert moved[0] > 0.3
    assert moved[1] < 0.02


def _cells(n: int = 20_000) -> RiskCells:
    rng = np.random.default_rng(1)
    sex, fsm = rng.random(n) < 0.5, rng.random(n) < 0.3
    eta = -3.0 + 1.0 * sex + 1.2 * fsm
    frame = pd.DataFrame({"sex": np.where(sex, "Boys", "Girls"), "fsm": np.where(fsm, "Yes", "No")})
    frame["y"] = (rng.random(n) < expit(eta)).astype(int)
    return RiskCells.from_frame(frame, outcome="y", characteristics=["sex", "fsm"])


def test_a_true_model_is_calibrated_and_discriminates_as_mann_whitney_says():
    cells = _cells()
    held = held_out(fit_risk(cells, adjust=["sex", "fsm"]))
    assert held.pupils.sum() == cells.pupils.sum()
    assert held.events.sum() == cells.events.sum()
    _, intercept, slope = calibration(held)
    assert slope == pytest.approx(1.0, abs=0.15)
    assert intercept == pytest.approx(0.0, abs=0.4)
    from scipy.stats import mannwhitneyu

    whole = np.repeat(held.risk, held.pupils.astype(int))
    happened = np.concatenate([np.arange(int(n)) < y for n, y in zip(held.pupils, held.events, strict=True)])
    u = mannwhitneyu(whole[happened], whole[~happened]).statistic
    auc = discrimination(held.pupils, held.events, held.risk)
    assert auc == pytest.approx(u / (happened.sum() * (~happened).sum()), abs=1e-9)
    fair = fairness(held, cells, ["sex"]).set_index("level")
    assert fair["ratio"].to_numpy() == pytest.approx(1.0, abs=0.1)
    assert fair.loc["Boys", "flagged"] > fair.loc["Girls", "flagged"]


def test_a_model_blind_to_a_characteristic_is_seen_to_be_unfair():
    cells = _cells()
    blind = held_out(fit_risk(cells, adjust=["sex"]))
    ratio = fairness(blind, cells, ["fsm"]).set_index("level")
    assert ratio.loc["Yes", "ratio_lower"] > 1.3
    assert ratio.loc["No", "ratio_upper"] < 0.9


def test_small_levels_and_what_would_give_them_away_are_withheld():
    frame = pd.DataFrame({"group": list("abcd"), "pupils": [2_000, 40, 900, 300], "y": [150, 3, 60, 20]})
    cells = RiskCells.from_frame(frame, outcome="y", characteristics=["group"], pupils="pupils")
    hidden = withheld_levels(cells, load_rules("under_five"))["group"]
    assert "b" in hidden
    assert len(hidden) >= 2  # the total is known, so one gap would be filled by subtraction
    table = withhold(adjustment_sets(cells, demographics=["group"]), {"group": hidden})
    gone = table["level"].isin(hidden)
    assert table.loc[gone, "odds_ratio"].isna().all()
    assert table.loc[gone, "withheld"].all()
    assert table.loc[~gone, "odds_ratio"].notna().all() or "a" in hidden


def test_shares_of_few_flagged_pupils_are_withheld():
    row = {
        "pupils": 100.0,
        "events": 8.0,
        "pupils_flagged": 11.0,
        "events_flagged": 3.0,
        "flagged": 0.11,
        "found": 0.375,
        "right": 0.27,
    }
    shown = withhold_flagged(pd.DataFrame([row]), load_rules("under_five"))
    assert shown[["flagged", "found", "right"]].isna().all().all()
    assert not {"pupils", "events", "events_flagged"} & set(shown.columns)


def test_individual_scores_need_a_recorded_opt_in():
    cells = _cells()
    model = fit_risk(cells, adjust=["sex", "fsm"])
    pupils = pd.DataFrame({"sex": ["Boys", "Girls"], "fsm": ["Yes", "No"]}, index=["p1", "p2"])
    with pytest.raises(DisclosureError, match="do not leave without an opt-in"):
        individual_scores(model, pupils)
    with pytest.raises(DisclosureError, match="lawful_basis"):
        OptIn("A. Head, director", "offer of support", "", "school liaison officers", date(2027, 8, 31))
    opt_in = OptIn(
        "A. Head, director", "offer of support", "public task; DPIA 12", "liaison officers", date(2027, 8, 31)
    )
    scores, record = individual_scores(model, pupils, opt_in=opt_in)
    assert scores.loc["p1", "risk"] == pytest.approx(expit(model.fit.coefficients.sum() - 0), abs=0.2)
    assert scores.loc["p1", "risk"] > scores.loc["p2", "risk"]
    assert record["purpose"] == "offer of support"
    assert record["delete_by"] == "2027-08-31"


def test_cumulative_rates_by_hand():
    found = cumulative_rates(np.array([10, 20]), np.array([100, 100]))
    assert found["risk"] == pytest.approx(1 - 0.9 * 0.8)
    assert (found["least"], found["most"]) == (0.2, pytest.approx(0.3))


def test_dfe_file_gives_the_published_raw_ratios(shared):
    path = shared / "data" / "dfe_exclusions" / "exclusions_by_characteristic.zip"
    whole = read_by_characteristic(path, phase="total", year="2016/17")
    table = whole.unadjusted().set_index(["characteristic", "level"])
    # Timpson Review, raw: around four times (free school meals), 3 and 2.5 times (ethnicity); boys 0.15 % and girls 0.04 %
    assert table.loc[("FSM eligible", "Eligible"), "risk_ratio"] == pytest.approx(4.0, abs=0.5)
    assert table.loc[("Ethnicity", "Black Caribbean"), "risk_ratio"] == pytest.approx(3.0, abs=0.3)
    assert table.loc[("Ethnicity", "White and Black Caribbean"), "risk_ratio"] == pytest.approx(2.5, abs=0.3)
    assert 100 * table.loc[("sex", "Female"), "reference_risk"] == pytest.approx(0.15, abs=0.005)
    assert 100 * table.loc[("sex", "Female"), "risk"] == pytest.approx(0.04, abs=0.005)
    secondary = read_by_characteristic(path, year="2016/17")
    over = secondary.over_secondary().set_index("group")
    # by hand from the file: 660, 1,180, 1,615, 1,880, 810 of Years 7 to 11
    rates = np.array([660 / 572745, 1180 / 561295, 1615 / 544455, 1880 / 524905, 810 / 518730])
    assert over.loc["all", "risk"] == pytest.approx(1 - np.prod(1 - rates), rel=1e-9)
    assert any(
        "Chinese" in text for text in secondary.left_out
    )  # suppressed in the file, and not taken for nothing
    with pytest.raises(DataError, match="Years: 2011/12"):
        read_by_characteristic(path, year="2030/31")
