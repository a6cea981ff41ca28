"""Group-time effects against published tables, the authors' formulas' implementations, and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.effects.kernels.aggregation import (
    Shares,
    aggregate,
    bootstrap_errors,
    coefficients,
    multiplier_draws,
    overall,
    simultaneous_critical,
    standard_errors,
)
from averting.effects.kernels.group_time import group_time_effects
from averting.effects.kernels.two_period import compare_changes


@pytest.fixture(scope="module")
def mpdta(shared):
    """Outcome, cohort, time, covariate and the frame of Callaway and Sant'Anna's minimum-wage example."""
    frame = pd.read_csv(shared / "reference" / "causal" / "mpdta.csv").sort_values(["countyreal", "year"])
    wide = {
        name: frame.pivot(index="countyreal", columns="year", values=name).to_numpy() for name in ("lemp", "lpop")
    }
    cohort = frame.groupby("countyreal")["first.treat"].first().to_numpy().astype(float)
    cohort = np.where(cohort == 0, np.inf, cohort)
    return wide["lemp"], cohort, np.arange(2003.0, 2008.0), wide["lpop"][:, :, None], frame


def _all(cells, shares):
    parts = {by: aggregate(cells, shares, by).overall for by in ("event_time", "cohort", "period")}
    parts["simple"] = overall(cells, shares)
    return {
        name: (float(part.effect[0]), float(standard_errors(part.influence)[0])) for name, part in parts.items()
    }


# ../shared/reference/causal/README.md, six digits
PUBLISHED = {
    None: {
        "simple": (-0.039951, 0.012034),
        "event_time": (-0.077240, 0.019965),
        "cohort": (-0.031018, 0.012446),
        "period": (-0.041700, 0.015972),
    },
    "doubly_robust": {
        "simple": (-0.041752, 0.011503),
        "event_time": (-0.080354, 0.018958),
        "cohort": (-0.032820, 0.011898),
        "period": (-0.044177, 0.015038),
    },
    "regression": {
        "simple": (-0.041969, 0.011445),
        "event_time": (-0.080782, 0.018746),
        "cohort": (-0.032929, 0.011860),
        "period": (-0.044532, 0.014885),
    },
}


@pytest.mark.parametrize("adjustment", PUBLISHED)
def test_every_aggregation_has_the_published_digits(mpdta, adjustment):
    outcome, cohort, time, lpop, _ = mpdta
    options = {} if adjustment is None else {"covariates": lpop, "adjustment": adjustment}
    found = group_time_effects(outcome, cohort, time, **options)
    for name, got in _all(found.cells, Shares(cohort, np.ones(len(cohort)), True)).items():
        assert got == pytest.approx(PUBLISHED[adjustment][name], abs=6e-7), name


def test_event_study_has_the_published_digits(mpdta):
    outcome, cohort, time, _, _ = mpdta
    cells = group_time_effects(outcome, cohort, time).cells
    rows = aggregate(cells, Shares(cohort, np.ones(len(cohort)), True), "event_time").rows
    np.testing.assert_array_equal(rows.label, np.arange(-3, 4))
    published = [0.0305, -0.0006, -0.0245, -0.0199, -0.0510, -0.1373, -0.1008]
    np.testing.assert_allclose(rows.effect, published, atol=5.1e-5)
    errors = [0.0150, 0.0133, 0.0142, 0.0118, 0.0169, 0.0364, 0.0344]
    np.testing.assert_allclose(standard_errors(rows.influence), errors, atol=5.1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("control", ["never", "not_yet"])
@pytest.mark.parametrize(
    "adjustment", ["regression", "weighting"]
)  # doubly robust: they trim propensities; see csdid
@pytest.mark.filterwarnings("ignore")  # the peer's own
def test_cells_are_those_of_diff_diff(mpdta, peer, control, adjustment):
    outcome, cohort, time, lpop, frame = mpdta
    method = {"regression": "reg", "weighting": "ipw"}[adjustment]
    other = {"never": "never_treated", "not_yet": "not_yet_treated"}[control]
    model = peer("diff_diff").CallawaySantAnna(control_group=other, estimation_method=method)
    named = frame.rename(columns={"first.treat": "first"})
    theirs = model.fit(named, "lemp", "countyreal", "year", "first", covariates=["lpop"]).group_time_effects
    cells = group_time_effects(
        outcome, cohort, time, covariates=lpop, control=control, adjustment=adjustment
    ).cells
    assert len(cells.effect) == len(theirs) == 12
    for cell, error in enumerate(standard_errors(cells.influence)):
        peers = theirs[(cells.cohort[cell], cells.time[cell])]
        assert cells.effect[cell] == pytest.approx(peers["effect"], rel=1e-6)
        if adjustment == "regression":
            assert error == pytest.approx(peers["se"], rel=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", ["dr", "reg"])
def test_aggregations_are_those_of_csdid(mpdta, peer, method):
    outcome, cohort, time, lpop, frame = mpdta
    named = frame.rename(columns={"first.treat": "first"})
    model = (
        peer("csdid.att_gt")
        .ATTgt(
            yname="lemp",
            tname="year",
            idname="countyreal",
            gname="first",
            data=named,
            xformla="lemp~lpop",
            control_group="nevertreated",
        )
        .fit(est_method=method, bstrap=False)
    )
    adjustment = {"dr": "doubly_robust", "reg": "regression"}[method]
    cells = group_time_effects(outcome, cohort, time, covariates=lpop, adjustment=adjustment).cells
    mine = _all(cells, Shares(cohort, np.ones(len(cohort)), True))
    for kind, name in [
        ("simple", "simple"),
        ("dynamic", "event_time"),
        ("group", "cohort"),
        ("calendar", "period"),
    ]:
        theirs = model.aggte(typec=kind, bstrap=False, cband=False).atte
        got = (theirs["overall_att"], theirs["overall_se"])
        assert mine[name] == pytest.approx([float(np.ravel(part)[0]) for part in got], rel=1e-6), kind


@pytest.mark.parametrize("options", [{}, {"control": "not_yet"}, {"base": "universal"}])
def test_effects_are_weighted_sums_of_outcomes(mpdta, options):
    outcome, cohort, time, lpop, _ = mpdta
    found = group_time_effects(outcome, cohort, time, covariates=lpop, **options)
    shares = Shares(cohort, np.ones(len(cohort)), True)
    part = coefficients(found.cells, found.cells.after[None, :], shares)[0]
    weights = found.outcome_weights(part, len(time))
    assert np.vdot(weights, outcome) == pytest.approx(float(overall(found.cells, shares).effect[0]), rel=1e-9)
    treated = time >= cohort[:, None]
    assert weights[treated].sum() == pytest.approx(1.0)
    np.testing.assert_allclose(weights.sum(1), 0.0, atol=1e-12)  # a school's own level cancels


def test_weighting_by_hand():
    """Two covariate values: controls are reweighted to the pilots' shares of each."""
    x = np.array([0, 0, 1, 0, 0, 1, 1, 1], dtype=float)
    treated = np.arange(8) < 3
    change = np.array([1.0, 2, 6, 0, 1, 3, 4, 5])
    expected = 3.0 - (2 / 3 * 0.5 + 1 / 3 * 4.0)
    for adjustment in ("weighting", "regression", "doubly_robust"):
        found = compare_changes(
            change, treated, ~treated, weight=np.ones(8), covariates=x[:, None], adjustment=adjustment
        )
        assert found.effect == pytest.approx(expected)


def test_weights_are_repetitions():
    rng = np.random.default_rng(2)
    outcome, cohort, time = rng.normal(size=(12, 4)), np.array([2.0] * 4 + [np.inf] * 8), np.arange(4.0)
    weight = np.array([1.0] * 4 + [1, 2, 3, 1, 2, 3, 1, 1])
    repeats = weight.astype(int)
    one = group_time_effects(outcome, cohort, time, weight=weight).cells.effect
    other = group_time_effects(np.repeat(outcome, repeats, 0), np.repeat(cohort, repeats), time).cells.effect
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_nothing_to_compare_with_is_not_a_number():
    outcome, time = np.random.default_rng(1).normal(size=(6, 4)), np.arange(4.0)
    everybody = np.array([2.0, 2, 2, 3, 3, 3])
    never = group_time_effects(outcome, everybody, time).cells
    assert np.isnan(never.effect).all()
    later = group_time_effects(outcome, everybody, time, control="not_yet").cells
    usable = np.isfinite(later.effect)
    # the last cohort can be a control until it starts
    np.testing.assert_array_equal(usable[later.cohort == 2], [True, True, False])
    no_past = group_time_effects(outcome, np.array([0.0, 0, 0, np.inf, np.inf, np.inf]), time).cells
    assert no_past.effect.size == 0


def test_collinear_and_separating_covariates_are_not_a_number():
    rng = np.random.default_rng(1)
    treated, change = np.arange(20) < 8, rng.normal(size=20)
    x = rng.normal(size=20)
    collinear = np.column_stack([x, 2 * x])
    for covariates, adjustment in [(collinear, "regression"), (treated[:, None] * 1.0, "weighting")]:
        found = compare_changes(
            change, treated, ~treated, weight=np.ones(20), covariates=covariates, adjustment=adjustment
        )
        assert np.isnan(found.effect)


def test_bootstrap_agrees_with_influences():
    influence = np.random.default_rng(5).normal(size=(400, 6)) / 20
    drawn = multiplier_draws(influence, 4_000, np.random.default_rng(1))
    errors = standard_errors(influence)
    # quartiles of 4,000 draws are within some 3 % of the truth
    np.testing.assert_allclose(bootstrap_errors(drawn), errors, rtol=0.08)
    band = simultaneous_critical(drawn, errors, 0.95)
    # six independent normals stay within 2.63; one within 1.96
    assert 2.5 < band < 2.78


@pytest.mark.parametrize(("base", "earlier"), [("varying", [0, 1, 2, 2]), ("universal", [2, 2, 2, 2])])
def test_what_is_compared_with_what(base, earlier):
    """Each change before the start is from the period before it, or all are from the last period before the start."""
    outcome = np.random.default_rng(1).normal(size=(9, 5))
    cohort = np.array([3.0] * 4 + [np.inf] * 5)
    found = group_time_effects(outcome, cohort, np.arange(5.0), base=base)
    later = [1, 2, 3, 4] if base == "varying" else [0, 1, 3, 4]
    assert found.cells.time.tolist() == later
    for cell, (to, since) in enumerate(zip(later, earlier, strict=True)):
        change = outcome[:, to] - outcome[:, since]
        assert found.cells.effect[cell] == pytest.approx(change[:4].mean() - change[4:].mean())


@pytest.mark.parametrize("adjustment", [None, "regression", "weighting", "doubly_robust"])
def test_influence_is_what_a_little_more_of_a_unit_does(adjustment):
    """An influence is the derivative of the effect by the unit's weight, times that weight; weights of change give the effect."""
    rng = np.random.default_rng(12)
    treated, left_out = np.arange(40) < 15, np.arange(40) == 39
    x = rng.normal(size=(40, 2)) + 0.4 * treated[:, None]
    change, weight = x @ [1.0, -0.5] + x[:, 0] ** 2 + rng.normal(size=40), rng.uniform(0.5, 2, 40)

    def found(weight):
        more = {} if adjustment is None else {"covariates": x, "adjustment": adjustment}
        return compare_changes(change, treated, ~treated & ~left_out, weight=weight, **more)

    one = found(weight)
    assert one.unit_weights @ change == pytest.approx(one.effect, rel=1e-9)
    assert one.influence[39] == one.unit_weights[39] == 0
    step = 1e-5
    for unit in (0, 7, 14, 15, 22, 38):
        raised, lowered = (found(weight + sign * step * np.eye(40)[unit]).effect for sign in (1, -1))
        assert one.influence[unit] == pytest.approx(
            weight[unit] * (raised - lowered) / (2 * step), rel=1e-5, abs=1e-9
        )


def test_one_period_before_the_start_is_enough():
    outcome = np.random.default_rng(1).normal(size=(9, 3))
    found = group_time_effects(outcome, np.array([1.0] * 4 + [np.inf] * 5), np.arange(3.0))
    change = outcome[:, 1:] - outcome[:, :1]
    np.testing.assert_allclose(found.cells.effect, change[:4].mean(0) - change[4:].mean(0))
