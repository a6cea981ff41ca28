from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from averting.checks import CheckResult
from averting.effects import Averted, Effect, Estimand, Verdict
from averting.errors import EstimationError, UnitError

Make = Callable[..., Effect]


# --- what an Effect refuses ---------------------------------------------------------------------------


@pytest.mark.parametrize("empty", ["indicator", "contrast", "population"])
def test_empty_estimand(make_effect: Make, empty: str) -> None:
    words = {"indicator": "suspensions", "contrast": "with over without", "population": "two", empty: ""}
    with pytest.raises(EstimationError, match="without a complete estimand"):
        make_effect(estimand=Estimand(**words, scale="ratio"))


def test_wrong_dims(make_effect: Make) -> None:
    effect = make_effect()
    with pytest.raises(EstimationError, match=r"ratio_did: draws must have dims \('draw',\), not \('chain',\)"):
        make_effect(draws=effect.draws.rename(draw="chain"))
    with pytest.raises(EstimationError, match="change must have dims"):
        make_effect(change=effect.change.sum("school"))
    with pytest.raises(EstimationError, match="change must have dims"):
        make_effect(change=effect.change.transpose("school", "draw", "period"))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["draws", "change"])
def test_draws_that_are_not_finite(make_effect: Make, name: str, bad: float) -> None:
    array = getattr(make_effect(), name).copy()
    array[{dim: 0 for dim in array.dims}] = bad
    with pytest.raises(EstimationError, match=f"{name} must be there and finite"):
        make_effect(**{name: array})


@pytest.mark.parametrize("name", ["draws", "change"])
def test_no_draws(make_effect: Make, name: str) -> None:
    with pytest.raises(EstimationError, match=f"{name} must be there and finite"):
        make_effect(**{name: getattr(make_effect(), name).isel(draw=slice(0))})


def test_draws_and_change_of_different_number(make_effect: Make) -> None:
    effect = make_effect()
    with pytest.raises(EstimationError, match="share one draw index"):
        make_effect(change=effect.change.isel(draw=slice(100)))


# --- what it says -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["confidence", "bootstrap"])
def test_probability_is_refused_unless_it_is_one(make_effect: Make, kind: str) -> None:
    with pytest.raises(EstimationError, match=f"{kind} draws.*only from a posterior"):
        make_effect(draw_kind=kind).probability_of_reduction()


def test_probability_of_a_posterior(make_effect: Make) -> None:
    draws = xr.DataArray(np.repeat([0.5, 1.5], [150, 50]), dims="draw")
    assert make_effect(draw_kind="posterior", draws=draws).probability_of_reduction() == 0.75
    difference = Estimand("suspensions", "with less without", "two pilots", "difference")
    posterior = make_effect(draw_kind="posterior", draws=draws - 1.2, estimand=difference)
    assert posterior.probability_of_reduction() == 0.75


def test_no_effect_depends_on_the_scale() -> None:
    assert Estimand("a", "b", "c", "ratio").no_effect == 1.0
    assert Estimand("a", "b", "c", "difference").no_effect == 0.0


def test_verdict_follows_interval_and_checks(make_effect: Make) -> None:
    assert make_effect(interval=(0.5, 0.9)).verdict is Verdict.REDUCTION
    failed = CheckResult("sampler/r_hat", "fail", "Largest R-hat is 1.4.")
    assert make_effect(interval=(0.5, 0.9), checks=(failed,)).verdict is Verdict.NOT_ESTIMABLE


def test_one_row_says_it_all(make_effect: Make) -> None:
    row = make_effect(p_value=0.031, interval=(0.5, np.inf)).to_frame().iloc[0].to_dict()
    assert row == {
        "indicator": "suspensions",
        "method": "ratio_did",
        "scale": "ratio",
        "estimate": 0.75,
        "lower": 0.5,
        "upper": np.inf,
        "level": 0.95,
        "p_value": 0.031,
        "verdict": "too uncertain to tell",
    }
    assert np.isnan(make_effect().to_frame()["p_value"][0])


def test_repr_says_estimate_interval_and_verdict(make_effect: Make) -> None:
    assert repr(make_effect()) == (
        "Effect(suspensions, ratio_did: ratio 0.75, 95% interval 0.50 to 1.25; too uncertain to tell)"
    )


def test_effects_can_be_compared_without_error(make_effect: Make) -> None:
    effect = make_effect()
    assert effect in (make_effect(), effect)
    assert effect != make_effect()


def test_plot_draws_interval_and_line_of_no_effect(make_effect: Make) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.use("Agg")
    given = Figure().subplots()
    ax = make_effect(interval=(0.5, np.inf)).plot(ax=given)
    assert ax is given
    assert ax.get_title() == "too uncertain to tell"
    assert any(np.allclose(line.get_xdata(), 1.0) for line in ax.get_lines())


# --- averted ------------------------------------------------------------------------------------------


def test_sign_turns_once(make_effect: Make) -> None:
    effect = make_effect()
    averted = effect.averted()
    np.testing.assert_array_equal(averted.quantity, -effect.change)
    assert averted.indicator == "suspensions"
    assert averted.draw_kind == "confidence"
    # the change says about three fewer events a cell
    assert float(averted.quantity.mean()) == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize(("indicator", "units"), [("permanent_exclusions", "pupils"), ("suspensions", "events")])
def test_units_of_what_was_averted(make_effect: Make, indicator: str, units: str) -> None:
    averted = Averted.from_change(make_effect().change, indicator=indicator, draw_kind="confidence")
    for array in (averted.quantity, averted.by_period(), averted.total()):
        assert array.attrs["units"] == units


def test_change_in_other_units_is_refused(make_effect: Make) -> None:
    change = make_effect().change.assign_attrs(units="rate")
    with pytest.raises(UnitError, match="'events' is needed"):
        Averted.from_change(change, indicator="suspensions", draw_kind="confidence")


def test_sums_of_what_was_averted(make_effect: Make) -> None:
    averted = make_effect().averted()
    values = averted.quantity.to_numpy()
    assert averted.by_period().dims == ("draw", "period")
    assert averted.total().dims == ("draw",)
    np.testing.assert_allclose(averted.by_period(), values.sum(axis=1))
    np.testing.assert_allclose(averted.total(), values.sum(axis=(1, 2)))


def test_summary_is_median_and_equal_tails(make_effect: Make) -> None:
    averted = make_effect().averted()
    total = np.sort(averted.total().to_numpy())
    summary = averted.summary(0.9)
    assert summary["level"] == 0.9
    assert summary["median"] == pytest.approx(np.median(total))
    assert (total < summary["lower"]).mean() == pytest.approx(0.05, abs=0.005)
    assert (total > summary["upper"]).mean() == pytest.approx(0.05, abs=0.005)
