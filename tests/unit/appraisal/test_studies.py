"""What further evaluation is worth, against the closed form of a normal prior and a normal study."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from averting.appraisal.decision import STANDING, Study, studies_table
from averting.errors import EvaluationError

DRAWS, MEAN, SD = 40_000, -50.0, 200.0


@pytest.fixture(scope="module")
def choice():
    """Acting is worth the truth, doing nothing is worth nothing: a normal increment."""
    truth = np.random.default_rng(2).standard_normal(DRAWS)
    truth = MEAN + SD * (truth - truth.mean()) / truth.std()
    coords = {"draw": np.arange(DRAWS), "scenario": ["nothing", "act"]}
    benefit = xr.DataArray(np.stack([np.zeros(DRAWS), truth], axis=1), dims=("draw", "scenario"), coords=coords)
    return benefit, xr.DataArray(truth, dims="draw", coords={"draw": np.arange(DRAWS)})


def closed(have, add):
    """EVSI of a normal-normal study: the unit normal loss at the pre-posterior standard deviation."""
    error = SD * np.sqrt(have / add)
    spread = SD**2 / np.sqrt(SD**2 + error**2)
    return spread * norm.pdf(MEAN / spread) - abs(MEAN) * norm.cdf(-abs(MEAN) / spread)


def test_a_study_is_worth_the_closed_form_and_counts_its_decisions(choice):
    studies = (
        Study("a year", "years", 1, 5_000.0, "an offer", decisions=10, years=2, wait=1),
        Study("schools", "schools", 10),
    )
    table = studies_table(*choice, studies, years=2, schools=3).set_index("label")
    assert table.loc["a year", "evsi"] == pytest.approx(closed(2, 1), rel=0.04)
    assert table.loc["schools", "evsi"] == pytest.approx(closed(3, 10), rel=0.04)
    # ten a year in one and in two years from now, at 3.5 %
    times = 10 * (1 / 1.035 + 1 / 1.035**2)
    assert table.loc["a year", "times"] == pytest.approx(times, rel=1e-12)
    assert table.loc["a year", "enbs"] == pytest.approx(table.loc["a year", "evsi"] * times - 5_000)
    assert np.isnan(table.loc["schools", "enbs"])
    assert table.loc["schools", "times"] == 1
    assert (table["evsi"] <= table["most"]).all()


def test_the_standing_studies_need_no_numbers(choice):
    table = studies_table(*choice, STANDING, years=2, schools=3)
    assert table["label"].tolist() == ["One more year", "Ten more schools"]
    assert table["cost"].isna().all()
    assert table["evsi"].iloc[1] > table["evsi"].iloc[0] > 0


def test_nothing_uncertain_is_worth_no_study(choice):
    benefit, truth = choice
    assert studies_table(benefit, xr.zeros_like(truth), STANDING, years=2, schools=3).empty


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"adds": "months"}, "Use one of: years, schools"),
        ({"amount": 0}, "above zero"),
        ({"cost": 1.0}, "and a source"),
        ({"cost": -1.0, "source": "s"}, "zero or more"),
        ({"wait": -1}, "decisions above 0"),
    ],
)
def test_a_study_that_cannot_be_is_refused(wrong, words):
    with pytest.raises(EvaluationError, match=words):
        Study(**{"label": "x", "adds": "years", "amount": 1, **wrong})
