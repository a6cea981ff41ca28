"""Estimators that are regressions: did_2x2, twfe, event_study, poisson_fe."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from averting.data import Panel
from averting.design import Design
from averting.effects import Effect, Verdict, estimate, known_estimators
from averting.effects.kernels.ols import ols
from averting.errors import AvertingError, EstimationError

Counts = Callable[..., np.ndarray]
DesignOf = Callable[..., Design]

RATES = ("did_2x2", "twfe", "event_study")
ALL = (*RATES, "poisson_fe")
EVERY = [
    (method, kind)
    for method in ALL
    for kind in known_estimators()[method].inferences
    if kind != "subcluster"  # which needs clusters, and has tests of its own
]


def fit(design: Design, method: str, *, draws: int = 200, **options: object) -> Effect:
    return estimate(design, "events", method=method, draws=draws, **options)  # type: ignore[arg-type]


def with_covariates(events: np.ndarray, columns: dict[str, np.ndarray], *, pilots: int = 3) -> Design:
    schools, years = events.shape
    names = [f"s{number:03d}" for number in range(schools)]
    labels = [f"{2006 + year}/{(7 + year) % 100:02d}" for year in range(years)]
    table = {
        "school": np.repeat(names, years),
        "period": np.tile(labels, schools),
        "events": events.ravel().astype(int),
    }
    table |= {"pupils": np.full(events.size, 900)} | {name: values.ravel() for name, values in columns.items()}
    panel = Panel.from_frame(
        pd.DataFrame(table),
        school="school",
        period="period",
        counts=["events"],
        exposure="pupils",
        covariates=list(columns),
    )
    return Design(panel, names[:pilots], start=labels[3], exclude_periods=())


# --- estimates ------------------------------------------------------------------------------------------


def test_card_and_krueger_table_3_row_4(shared) -> None:
    # a balanced before and after of stores; New Jersey is treated: published -2.28, 0.47, and 2.75 (1.34)
    table = pd.read_csv(shared / "reference/causal/card_krueger.csv").dropna(subset=["fte"])
    wide = table.pivot_table(index=["id", "nj"], columns="d", values="fte").dropna()
    outcome, jersey = wide.to_numpy(), wide.index.get_level_values("nj").to_numpy()
    treated = np.zeros_like(outcome)
    treated[jersey == 1, 1] = 1
    found = ols(outcome, treated[..., None], np.ones_like(outcome))
    changes = outcome[:, 1] - outcome[:, 0]
    published = [changes[jersey == 0].mean(), changes[jersey == 1].mean(), found.coefficients[0]]
    assert np.round(published, 2).tolist() == [-2.28, 0.47, 2.75]
    # their standard error takes the two states' variances apart, as CR2 by store does here
    from averting.effects.kernels.sandwich import cr2

    assert np.sqrt(cr2(found).matrix[0, 0]) == pytest.approx(1.34, abs=0.005)


def test_two_by_two_is_the_difference_of_mean_changes_and_equals_twfe(counts: Counts, design_of: DesignOf) -> None:
    events = counts(1)
    rates = 100 * events / 900
    change = rates[:, 3:].mean(1) - rates[:, :3].mean(1)
    expected = change[:3].mean() - change[3:].mean()
    for method in ("did_2x2", "twfe"):
        assert fit(design_of(events), method).estimate == pytest.approx(expected, rel=1e-9)


def test_event_study_compares_with_the_last_year_before(counts: Counts, design_of: DesignOf) -> None:
    events = counts(2)
    rates = 100 * events / 900
    gap = rates[:3].mean(0) - rates[3:].mean(0)
    effect = fit(design_of(events), "event_study", inference="cr3")
    table = effect.tables["event_study"].set_index("event_time")
    np.testing.assert_allclose(table["estimate"], gap - gap[2], atol=1e-9)
    assert effect.estimate == pytest.approx((gap - gap[2])[3:].mean(), rel=1e-9)
    assert (table["simultaneous_upper"] >= table["upper"]).all()
    assert (table.loc[0, "simultaneous_upper"]) > table.loc[0, "upper"]


def test_twfe_with_covariates_and_staggered_starts_equals_linearmodels(peer, counts: Counts) -> None:
    events = counts(3)
    rng = np.random.default_rng(3)
    design = with_covariates(events, {"fsm": rng.normal(size=events.shape), "eal": rng.normal(size=events.shape)})
    labels = design.periods
    design = Design(
        design.panel, dict(zip(design.pilots, (labels[2], labels[3], labels[4]), strict=True)), exclude_periods=()
    )
    ours = fit(design, "twfe", covariates=["fsm", "eal"], inference="cr3")
    outcome = 100 * events / 900
    covariates = design.covariates(["fsm", "eal"])
    treated = design.counts("events").treated
    linear = peer("linearmodels")
    frame = pd.DataFrame(
        {"y": outcome.ravel(), "d": treated.ravel().astype(float), "a": covariates[..., 0].ravel()}
    ).assign(b=covariates[..., 1].ravel())
    frame.index = pd.MultiIndex.from_product([range(15), range(6)])
    theirs = linear.PanelOLS(frame["y"], frame[["d", "a", "b"]], entity_effects=True, time_effects=True).fit()
    np.testing.assert_allclose(ours.tables["coefficients"]["coefficient"], theirs.params, rtol=1e-8)
    staggered = next(check for check in ours.checks if check.key == "twfe/staggered")
    assert staggered.status == "warn"


def test_bacon_share_equals_the_published_castle_doctrine_weight(shared) -> None:
    from averting.effects.kernels.bacon import forbidden_share

    table = pd.read_csv(shared / "reference/causal/castle_bacon.csv")
    state = next(name for name in ("state", "sid") if name in table)
    first = table[table["post"] > 0].groupby(state)["year"].min()
    years = np.sort(table["year"].unique())
    never = table[state].nunique() - len(first)
    # published: later compared with earlier treated .032
    assert forbidden_share(np.searchsorted(years, first), never, len(years)) == pytest.approx(0.032, abs=5e-4)


def test_poisson_of_two_years_is_the_ratio_of_ratios(design_of: DesignOf) -> None:
    # two years have a closed form: observed over expected of pilots, over that of the others
    events = np.array([[12.0, 5.0], [15.0, 11.0], [5.0, 5.0]])
    effect = fit(design_of(events, pilots=1, start=1), "poisson_fe", inference="cr1")
    assert effect.estimate == pytest.approx((5 / 12) / (16 / 20), rel=1e-9)


# --- inference ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "inference"), EVERY)
def test_interval_p_value_and_draws_agree(
    counts: Counts, design_of: DesignOf, method: str, inference: str
) -> None:
    effect = fit(design_of(counts(4, ratio=0.3, schools=25)), method, inference=inference, draws=2_000)
    low, high = effect.interval
    nothing = effect.estimand.no_effect
    assert low <= effect.estimate <= high
    assert effect.p_value is not None
    assert (effect.p_value <= 0.05) == (not low <= nothing <= high)
    inside = float(((effect.draws >= low) & (effect.draws <= high)).mean())
    assert inside > 0.9
    assert effect.draw_kind == "confidence"
    assert effect.change.sizes["period"] == 3
    again = fit(design_of(counts(4, ratio=0.3, schools=25)), method, inference=inference, draws=2_000)
    assert again.interval == effect.interval
    np.testing.assert_array_equal(again.draws, effect.draws)


@pytest.mark.parametrize("method", ALL)
def test_suppressed_cells_widen_the_interval(counts: Counts, design_of: DesignOf, method: str) -> None:
    events = counts(5)
    hidden = (events == 1) | (events == 2)
    kind = "cr3"
    plain = fit(design_of(events), method, inference=kind).interval
    wide = fit(design_of(events, hidden=hidden), method, inference=kind).interval
    assert wide[0] <= plain[0]
    assert plain[1] <= wide[1]


def test_change_is_the_difference_of_rates_times_pupils(counts: Counts, design_of: DesignOf) -> None:
    effect = fit(design_of(counts(6)), "twfe", inference="cr3")
    np.testing.assert_allclose(effect.change.sum(("school", "period")), effect.draws * 900 * 9 / 100, rtol=1e-9)


def test_few_pilots_are_permuted_and_clustered_errors_fail(counts: Counts, design_of: DesignOf) -> None:
    design = design_of(counts(7))
    chosen = fit(design, "twfe")
    assert "permutation" in chosen.inference
    assert "too few schools" in chosen.inference
    failed = {check.key for check in fit(design, "twfe", inference="cr1").checks if check.status == "fail"}
    assert failed == {"twfe/treated_schools"}


@pytest.mark.parametrize(
    ("inference", "status"), [("permutation", "fail"), ("cr3", "warn"), ("conley_taber", "fail")]
)
def test_a_gap_in_levels_is_told(counts: Counts, design_of: DesignOf, inference: str, status: str) -> None:
    events = counts(8, mean=20.0)
    events[:3] *= 4
    effect = fit(design_of(events), "twfe", inference=inference)
    assert next(check.status for check in effect.checks if check.key == "twfe/level_gap") == status
    if status == "fail":
        assert effect.verdict == Verdict.NOT_ESTIMABLE


def test_permutation_of_every_set_is_the_share_of_sets_as_extreme(counts: Counts, design_of: DesignOf) -> None:
    events = counts(9)
    change = (events[:, 3:].mean(1) - events[:, :3].mean(1)) / 9
    from itertools import combinations

    gaps = [
        change[list(chosen)].mean() - np.delete(change, list(chosen)).mean()
        for chosen in combinations(range(15), 3)
    ]
    expected = np.mean(np.abs(gaps) >= abs(gaps[0]) - 1e-9)
    assert fit(design_of(events), "did_2x2", inference="permutation").p_value == pytest.approx(expected, abs=1e-12)


# --- bad input ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["twfe", "event_study", "poisson_fe"])
@pytest.mark.parametrize("kind", ["constant", "same for all", "twice"])
def test_collinear_covariates_are_refused_by_name(counts: Counts, method: str, kind: str) -> None:
    events = counts(10)
    rng = np.random.default_rng(10)
    good = rng.normal(size=events.shape)
    bad = {
        "constant": np.broadcast_to(rng.normal(size=(15, 1)), events.shape),
        "same for all": np.broadcast_to(rng.normal(size=6), events.shape),
        "twice": 2 * good + 1,
    }[kind]
    design = with_covariates(events, {"good": good, "bad": bad})
    with pytest.raises(EstimationError, match=r"1 fault\n  - bad: it follows exactly"):
        fit(design, method, covariates=["good", "bad"])


@pytest.mark.parametrize("method", ["twfe", "event_study", "poisson_fe"])
def test_missing_covariates_are_refused_by_name(counts: Counts, method: str) -> None:
    events = counts(11)
    values = np.random.default_rng(11).normal(size=events.shape)
    values[7, 2] = np.nan
    with pytest.raises(EstimationError, match=r"covariate fsm: it is not known in 1 cells.*s007 in 2008/09"):
        fit(with_covariates(events, {"fsm": values}), method, covariates=["fsm"])


@pytest.mark.parametrize("method", ALL)
def test_schools_without_a_side_or_pupils_are_named(counts: Counts, design_of: DesignOf, method: str) -> None:
    events = counts(12)
    events[5, 3:] = np.nan
    events[0, :3] = np.nan
    with pytest.raises(EstimationError, match=r"2 faults\n  - school s000.*\n  - school s005"):
        fit(design_of(events), method)


@pytest.mark.parametrize("method", RATES)
def test_pilots_without_any_event_are_estimated_from_rates(
    counts: Counts, design_of: DesignOf, method: str
) -> None:
    events = counts(13)
    events[:3] = 0
    effect = fit(design_of(events), method, inference="permutation")
    assert np.isfinite(effect.estimate)
    assert effect.verdict == Verdict.NOT_ESTIMABLE


@pytest.mark.parametrize("when", [slice(0, 3), slice(3, 6)], ids=["before", "after"])
@pytest.mark.parametrize("inference", ["permutation", "cr3", "cr1"])
def test_poisson_refuses_pilots_without_events(
    counts: Counts, design_of: DesignOf, when: slice, inference: str
) -> None:
    events = counts(14)
    events[:3, when] = 0
    with pytest.raises(EstimationError, match=r"no finite ratio fits \(perfect separation\).*ratio_did"):
        fit(design_of(events), "poisson_fe", inference=inference)


def test_poisson_refuses_a_covariate_that_separates(counts: Counts) -> None:
    events = counts(15) + 1
    flag = np.zeros(events.shape)
    flag[8:12, 4] = 1
    events[8:12, 4] = 0
    design = with_covariates(events, {"flag": flag})
    with pytest.raises(EstimationError, match="perfect separation"):
        fit(design, "poisson_fe", covariates=["flag"], inference="cr3")


@pytest.mark.parametrize(("method", "inference"), EVERY)
def test_one_pilot_and_two_comparison_schools_prove_nothing(
    counts: Counts, design_of: DesignOf, method: str, inference: str
) -> None:
    design = design_of(counts(17)[2:5], pilots=1)
    try:
        effect = fit(design, method, inference=inference)
    except AvertingError as error:
        assert "data" in str(error)
    else:
        assert effect.verdict not in (Verdict.REDUCTION, Verdict.INCREASE)


# --- clusters -------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")  # of the peer's own making
@pytest.mark.parametrize("method", ["twfe", "poisson_fe"])
def test_errors_clustered_by_authority_equal_pyfixest(
    peer, counts: Counts, design_of: DesignOf, method: str
) -> None:
    pyfixest = peer("pyfixest")
    events = counts(20, schools=40)
    areas = [f"area{number // 4}" for number in range(40)]
    design = design_of(events, areas=areas, pilots=14)
    effect = fit(design, method, inference="cr1", cluster="la")
    treated = np.zeros(events.shape)
    treated[:14, 3:] = 1
    index = np.indices(events.shape)
    frame = pd.DataFrame(
        {"s": index[0].ravel(), "t": index[1].ravel(), "d": treated.ravel(), "n": events.ravel()}
    ).assign(y=lambda f: f["n"] / 9, la=np.repeat(areas, 6))
    run, outcome = (pyfixest.feols, "y") if method == "twfe" else (pyfixest.fepois, "n")
    theirs = run(f"{outcome} ~ d | s + t", frame, vcov={"CRV1": "la"})
    low, high = np.log(effect.interval) if method == "poisson_fe" else effect.interval
    error = (high - low) / 2 / stats.t.ppf(0.975, 9)  # ten clusters
    assert error == pytest.approx(float(theirs.se()["d"]), rel=1e-6)
    assert "clustered by la" in effect.inference
    assert next(check.status for check in effect.checks if check.key == f"{method}/clusters") == "fail"


def test_clusters_of_one_school_each_change_nothing(counts: Counts, design_of: DesignOf) -> None:
    events = counts(21)
    alone = design_of(events, areas=[f"area{number:02d}" for number in range(15)])
    for inference in ("cr1", "cr2", "cr3", "wild"):
        expected = fit(design_of(events), "twfe", inference=inference).interval
        assert fit(alone, "twfe", inference=inference, cluster="la").interval == pytest.approx(expected, rel=1e-9)


def test_subclusters_flip_schools_and_cluster_by_authority(counts: Counts, design_of: DesignOf) -> None:
    events = counts(22, schools=40)
    design = design_of(events, areas=[f"area{number // 4}" for number in range(40)], pilots=14)
    whole = fit(design, "twfe", inference="wild", cluster="la")
    single = fit(design, "twfe", inference="subcluster", cluster="la")
    assert single.estimate == whole.estimate
    assert single.interval != whole.interval
    assert "single units flipped" in single.inference


def test_clusters_are_refused_where_they_mean_nothing(counts: Counts, design_of: DesignOf) -> None:
    events = counts(23)
    design = design_of(events, areas=["a", "b", "c"] * 5)
    with pytest.raises(EstimationError, match="'permutation' does not cluster by la"):
        fit(design, "twfe", cluster="la")
    with pytest.raises(EstimationError, match="'region' is not known of every one of the schools"):
        fit(design, "twfe", inference="cr3", cluster="region")
    with pytest.raises(EstimationError, match=r"'subcluster' flips single schools.*no cluster is named"):
        fit(design, "twfe", inference="subcluster")
    with pytest.raises(EstimationError, match="ratio_did cannot use clusters of its units"):
        fit(design, "ratio_did", cluster="la")


def test_methods_refuse_what_they_cannot_do(counts: Counts, design_of: DesignOf) -> None:
    staggered = design_of(counts(18), starts=[2, 3, 4])
    with pytest.raises(EstimationError, match="did_2x2 cannot use pilots that start in different periods"):
        fit(staggered, "did_2x2")
    for method in ("twfe", "event_study", "poisson_fe"):
        assert np.isfinite(fit(staggered, method).estimate)
