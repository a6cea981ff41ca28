"""The model of means: its density against SciPy's, its answer against the closed form, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

from averting.data import Panel
from averting.design import Design
from averting.effects import estimate
from averting.effects.bayes.means import flatten_means
from averting.effects.bayes.priors import load_priors
from averting.effects.estimators import bayes_gaussian
from averting.effects.estimators.bayes_gaussian import build_model
from averting.errors import EstimationError, UnitError

SCHOOLS, YEARS, PILOTS, START = 40, 6, 4, 3
SCHOOL_SD, PERIOD_SD, SHOCK_SD, NOISE_SD, PUPIL_SD, TRUE = 6.0, 1.0, 1.5, 1.0, 15.0, 3.0


def draw_means(seed: int = 8) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """School means of a score about 46 points, and pupils; the programme adds :data:`TRUE` points."""
    rng = np.random.default_rng(seed)
    pupils = np.rint(rng.uniform(60, 260, (SCHOOLS, 1))) * np.ones(YEARS)
    after = np.arange(YEARS) >= START
    mean = 46 + rng.normal(0, SCHOOL_SD, (SCHOOLS, 1)) + rng.normal(0, PERIOD_SD, YEARS)
    mean = (
        mean
        + rng.normal(0, SHOCK_SD, (SCHOOLS, 1)) * after
        + TRUE * after * (np.arange(SCHOOLS) < PILOTS)[:, None]
    )
    return mean + rng.normal(size=mean.shape) * np.sqrt(NOISE_SD**2 + PUPIL_SD**2 / pupils), pupils


def design_of(means: NDArray[np.float64], pupils: NDArray[np.float64], start: Any = None) -> Design:
    schools, years = means.shape
    names, labels = (
        [f"s{i:03d}" for i in range(schools)],
        [f"{2000 + i}/{(1 + i) % 100:02d}" for i in range(years)],
    )
    frame = pd.DataFrame(
        {
            "school": np.repeat(names, years),
            "period": np.tile(labels, schools),
            "events": "1",
            "pupils": pupils.ravel(),
            "score": means.ravel(),
        }
    )
    panel = Panel.from_frame(
        frame, school="school", period="period", counts=["events"], exposure="pupils", measures={"score": "mean"}
    )
    starts = {name: labels[at] for name, at in zip(names, start, strict=False)} if start else None
    pilots: Any = starts or names[:PILOTS]
    return Design(panel, pilots, **({} if starts else {"start": labels[START]}), comparison=names[PILOTS:])


def test_means_are_measured_in_spreads_of_comparison_schools_before() -> None:
    values, pupils = draw_means()
    values[1, 4] = np.nan
    found = flatten_means(design_of(values, pupils, start=[2, 3, 4, 3]), "score", method="test")
    before = values[PILOTS:, :2]
    assert found.scale == pytest.approx(before.std(ddof=1))
    assert found.middle == pytest.approx(before.mean())
    assert len(found.value) == values.size - 1
    back = np.full(values.shape, np.nan)
    back[found.school, found.period] = found.value * found.scale + found.middle
    np.testing.assert_allclose(back, values)
    assert found.treated.sum() == 4 + (3 - 1) + 2 + 3  # one of the second pilot's years is not known


@pytest.mark.slow
@pytest.mark.parametrize("few", [True, False], ids=["few schools", "many schools"])
def test_density_is_scipys(few: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bayes_gaussian, "FEW", SCHOOLS + 1 if few else SCHOOLS)
    values, pupils = draw_means()
    design = design_of(values, pupils)
    means, priors = flatten_means(design, "score", method="test"), load_priors("bayes_gaussian")
    model = build_model(means, priors, SCHOOLS, YEARS)
    rng = np.random.default_rng(2)
    point = {name: value + rng.normal(0, 0.3, np.shape(value)) for name, value in model.initial_point().items()}
    options = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}
    found = model.compile_fn(model.logp(vars=[model["mean"]]), inputs=model.value_vars, **options)(point)
    pilot = np.arange(SCHOOLS) < PILOTS
    common = point["level"] + point["pilot_level"] * pilot
    own = common + point["school_factor"] * point["school_standard"] if few else point["school_level"]
    linear = own[:, None] + np.exp(point["period_sd_log__"]) * point["period"]
    after = np.arange(YEARS) >= START
    linear = linear + point["shock_factor"] * point["shock_standard"][:, None] * after
    linear = linear + point["difference"] * after * pilot[:, None]
    spread = np.sqrt(np.exp(point["dispersion_log__"]) ** 2 + np.exp(point["pupil_sd_log__"]) ** 2 / pupils)
    standard = (values - means.middle) / means.scale
    assert found == pytest.approx(stats.norm(linear, spread).logpdf(standard).sum(), rel=1e-9)


def generalised_least_squares(
    values: NDArray[np.float64], pupils: NDArray[np.float64], spreads: dict[str, float]
) -> tuple[float, float]:
    """Estimate and standard error of the difference with given spreads, years and the pilots' level free."""
    school, shock, noise, pupil = (
        spreads[name] ** 2 for name in ("school_sd", "shock_sd", "dispersion", "pupil_sd")
    )
    after = np.arange(YEARS) >= START
    pilot = (np.arange(SCHOOLS) < PILOTS)[:, None] * np.ones(YEARS)
    columns = [(pilot * after).ravel(), pilot.ravel(), *np.tile(np.eye(YEARS), (SCHOOLS, 1)).T]
    blocks = [school + shock * np.outer(after, after) + np.diag(noise + pupil / row) for row in pupils]
    weight = np.zeros((values.size, values.size))
    for at, block in enumerate(blocks):
        weight[at * YEARS : (at + 1) * YEARS, at * YEARS : (at + 1) * YEARS] = np.linalg.inv(block)
    x = np.array(columns).T
    covariance = np.linalg.inv(x.T @ weight @ x)
    return float((covariance @ x.T @ weight @ values.ravel())[0]), float(np.sqrt(covariance[0, 0]))


@pytest.mark.slow
def test_posterior_is_the_closed_form_with_known_spreads() -> None:
    values, pupils = draw_means()
    effect = estimate(design_of(values, pupils), "score", method="bayes_gaussian", draws=2_000, seed=3)
    found = (
        effect.tables["posterior"].set_index("parameter")["mean"]
        * effect.tables["scale"]["one_standard_deviation"][0]
    )
    best, error = generalised_least_squares(values, pupils, found.to_dict())
    # 2,000 draws give a mean within 0.03 errors; the neutral prior, of one standard deviation between schools (six
    # points), draws three points by (0.9 / 6)**2, a fortieth; spreads that are not known for certain widen a little
    assert effect.estimate == pytest.approx(best, abs=0.2 * error)
    assert 0.93 * error < float(effect.draws.std()) < 1.2 * error
    assert found["school_sd"] == pytest.approx(SCHOOL_SD, rel=0.35)
    # the moments' answer for the shocks: what changes within schools vary by, less what pupils and years explain
    moved = values[PILOTS:, START:].mean(1) - values[PILOTS:, :START].mean(1)
    chance = (2 / START * (NOISE_SD**2 + PUPIL_SD**2 / pupils[PILOTS:, 0])).mean()
    assert found["shock_sd"] == pytest.approx(np.sqrt(max(moved.var(ddof=1) - chance, 0.0)), abs=0.5)
    assert effect.interval[0] < TRUE < effect.interval[1]
    assert effect.estimand.scale == "difference"
    assert effect.change.attrs["units"] == effect.draws.attrs["units"] == "points"
    # a change in points is no number of events that could be averted
    with pytest.raises(UnitError, match="change"):
        effect.averted()
    assert effect.change.sizes["period"] == YEARS - START
    assert float(effect.change.mean()) == pytest.approx(effect.estimate, abs=2 * error)
    as_declared = effect.tables["prior_sensitivity"].set_index("power").loc[1.0]
    assert as_declared["estimate"] == pytest.approx(effect.estimate, abs=0.05 * error)
    assert as_declared["probability"] == pytest.approx(effect.probability_of_reduction(), abs=0.01)


def test_counts_and_means_are_kept_apart() -> None:
    design = design_of(*draw_means())
    with pytest.raises(EstimationError, match=r"takes a mean or a share.*'events' is not among the data's: score"):
        estimate(design, "events", method="bayes_gaussian")
    with pytest.raises(
        EstimationError, match=r"has no prior 'enthusiastic'\. It takes one of: neutral, sceptical"
    ):
        estimate(design, "score", method="bayes_gaussian", prior="enthusiastic")
    same = np.full((SCHOOLS, YEARS), 46.0)
    with pytest.raises(EstimationError, match="do not differ in score before the start"):
        estimate(design_of(same, np.full(same.shape, 100.0)), "score", method="bayes_gaussian")
    gone = draw_means()[0]
    gone[:PILOTS, START:] = np.nan
    with pytest.raises(EstimationError, match="no score is known for the pilots from their start on"):
        estimate(design_of(gone, np.full(gone.shape, 100.0)), "score", method="bayes_gaussian")
