from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from distributed import LocalCluster
from scipy import stats

import averting as av
from averting.data import Panel
from averting.draws import stream
from averting.effects.kernels.permutation import treated_sets
from averting.effects.kernels.trials import call_verdicts, change_counts
from averting.effects.power import DeclaredNoise, PanelNoise, simulate_power
from averting.errors import EstimationError

YEARS = [f"20{y}/{y + 1}" for y in range(10, 18)]
VERDICTS = ["evidence of a reduction", "evidence of an increase", "too uncertain to tell", "not estimable"]


def panel_of(counts: np.ndarray, hidden: tuple[int, int] | None = None) -> Panel:
    """A panel of counts (school, period), in which counts between two bounds are published as x."""
    schools, periods = counts.shape
    cells = [
        "x" if hidden and hidden[0] <= count <= hidden[1] else str(count) for count in counts.ravel().tolist()
    ]
    frame = pd.DataFrame(
        {
            "urn": np.repeat([f"{100 + i}" for i in range(schools)], periods),
            "year": np.tile(YEARS[:periods], schools),
            "permanent_exclusions": cells,
            "pupils": 1000,
        }
    )
    return Panel.from_frame(
        frame,
        school="urn",
        period="year",
        counts=["permanent_exclusions"],
        exposure="pupils",
        symbols={"x": hidden} if hidden else None,
    )


@pytest.mark.parametrize("hidden", [None, (1, 2)])
@pytest.mark.parametrize("mean", [0.15, 1.0, 4.0])
def test_verdicts_are_those_of_the_estimator_itself(hidden: tuple[int, int] | None, mean: float) -> None:
    noise = DeclaredNoise(comparison=25, mean=mean, years_before=4)
    trials = noise.draw(2, 3, 12, stream(3, f"test/{mean}"))
    counts = trials.counts.copy()
    counts[:6, :2, 4:] = change_counts(counts[:6, :2, 4:], trials.expected[:6, :2, 4:], 0.1, stream(3, "thin"))
    counts[6:, :2, 4:] = change_counts(counts[6:, :2, 4:], trials.expected[6:, :2, 4:], 8.0, stream(3, "thicken"))
    sets, exact = treated_sets(27, np.arange(2), most=20_000, rng=stream(1, "sets"))
    assert exact
    codes = call_verdicts(counts, trials.exposure, trials.after, pilots=2, sets=sets, alpha=0.05, hidden=hidden)
    said = []
    for problem in counts:
        try:
            design = av.Design(panel_of(problem, hidden), ["100", "101"], start=YEARS[4])
            said.append(str(av.estimate(design, "permanent_exclusions", draws=100).verdict))
        except EstimationError:
            said.append("not estimable")
    assert [VERDICTS[code] for code in codes] == said
    assert len(set(said)) > 1


def test_without_an_effect_five_in_a_hundred_are_called_one() -> None:
    power = simulate_power(DeclaredNoise(comparison=40), pilots=[3], years_after=[3], ratios=[1.0], trials=4_000)
    error = np.sqrt(0.05 * 0.95 / 4_000)
    assert abs(power.smallest()["false_alarm"].item() - 0.05) < 4 * error


@pytest.mark.parametrize("ratio", [0.9, 0.95, 1.08])
def test_power_of_many_events_is_that_of_the_normal_test(ratio: float) -> None:
    # no difference between schools, so the pilots' log ratio of Poisson totals has a known variance
    noise = DeclaredNoise(comparison=120, mean=100, size=np.inf, years_before=4)
    power = simulate_power(noise, pilots=[4], years_after=[4], ratios=[ratio], trials=2_000, seed=5)
    before, after, others = 4 * 4 * 100, 4 * 4 * 100 * ratio, 120 * 4 * 100
    deviation = np.sqrt(1 / before + 1 / after + 2 / others)
    expected = stats.norm.cdf(-1.96 + abs(np.log(ratio)) / deviation)
    found = power.table[power.table["ratio"] == ratio].iloc[0]
    assert found["reduction" if ratio < 1 else "increase"] == pytest.approx(expected, abs=0.035)


def test_verdicts_sum_to_one_and_power_grows_with_pilots_years_and_effect() -> None:
    noise = DeclaredNoise(comparison=30, mean=6.0, size=3.0)
    power = simulate_power(noise, pilots=[1, 4], years_after=[1, 4], trials=600)
    chances = power.table[["reduction", "increase", "uncertain", "not_estimable"]]
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    at = power.table.set_index(["pilots", "years_after", "ratio"])["reduction"]
    assert at[4, 4, 0.3] > at[1, 4, 0.3] + 0.1
    assert at[4, 4, 0.3] > at[4, 1, 0.3]
    assert at[4, 4, 0.3] > at[4, 4, 0.7] > at[4, 4, 1.0]
    smallest = power.smallest().set_index(["pilots", "years_after"])["reduction"]
    assert 0.3 < smallest[4, 4] < 0.9


def test_declared_counts_have_the_moments_and_persistence_declared() -> None:
    noise = DeclaredNoise(comparison=60, mean=3.0, pilot_mean=9.0, size=2.0, lasting=0.4, ar=0.5, years_before=6)
    trials = noise.draw(4, 2, 400, stream(1, "test"))
    others, pilots = trials.counts[:, 4:], trials.counts[:, :4]
    assert others.mean() == pytest.approx(3.0, rel=0.03)
    assert others.var() == pytest.approx(3 + 9 / 2, rel=0.06)
    assert pilots.mean() == pytest.approx(9.0, rel=0.06)
    normal = stats.norm.ppf(stats.gamma.cdf(trials.expected[:, 4:] / 3.0 * 2.0, 2.0))
    flat = normal.reshape(-1, 8)
    for lag in (1, 3):
        correlation = np.corrcoef(flat[:, 0], flat[:, lag])[0, 1]
        assert correlation == pytest.approx(0.4 + 0.6 * 0.5**lag, abs=0.02)


def test_thickening_and_thinning_have_the_right_mean_and_spread() -> None:
    expected = np.full(200_000, 4.0)
    counts = stream(1, "counts").poisson(expected)
    for ratio in (0.0, 0.25, 1.0, 2.5):
        changed = change_counts(counts, expected, ratio, stream(2, "change"))
        assert changed.mean() == pytest.approx(4 * ratio, rel=0.02)
        assert changed.var() == pytest.approx(4 * ratio, rel=0.02)
    np.testing.assert_array_equal(change_counts(counts, expected, 1.0, stream(2, "change")), counts)


@pytest.fixture(scope="module")
def simulated() -> av.data.Panel:
    return av.simulate_pilot(seed=4, suppress=False).panel()


def noise_of(panel: Panel, pilots: list[str], past: int = 6) -> PanelNoise:
    others = [school for school in panel.schools if school not in pilots]
    return PanelNoise.from_panel(
        panel, "permanent_exclusions", pilots=pilots, comparison=others, periods=panel.periods[:past]
    )


def test_stand_ins_exclude_about_as_much_as_the_pilots(simulated: Panel) -> None:
    counts = simulated.data["value"].sel(indicator="permanent_exclusions").to_numpy()[:, :6].sum(1)
    ranked = [simulated.schools[i] for i in np.argsort(counts)]
    for pilots in (ranked[-6:-3], ranked[15:18]):
        noise = noise_of(simulated, pilots)
        wanted = np.nansum(noise.upper[:3])
        trials = noise.draw(3, 2, 300, stream(1, "test"))
        found = trials.counts[:, :3].sum(axis=(1, 2))
        assert np.median(np.abs(np.log(found / wanted))) < 0.3
        # the split between before and after is left to chance: no return to the mean is built in
        late = trials.counts[:, :3, 4:].sum(axis=(1, 2)) / found
        rest = noise.upper[3:, 4:].sum() / noise.upper[3:].sum()
        assert abs(late.mean() - rest) < 0.12
        assert len({tuple(row) for row in trials.counts[:, :3].sum(axis=2).tolist()}) > 30


def test_panel_noise_never_shows_the_pilots_and_no_school_twice(simulated: Panel) -> None:
    pilots = list(simulated.schools[:3])
    noise = noise_of(simulated, pilots)
    counts, exposure = noise._known_counts(50, stream(1, "c"))
    order = noise._orders(3, 50, noise._usable(np.arange(6) >= 4), counts, exposure, stream(1, "o"))
    assert order.min() >= 3
    assert all(len(set(row)) == len(row) == len(simulated.schools) - 3 for row in order.tolist())


def test_panel_power_sees_large_falls_and_says_its_false_alarms(simulated: Panel) -> None:
    power = simulate_power(
        noise_of(simulated, list(simulated.schools[:3])), pilots=[3], years_after=[2], ratios=[0.05], trials=1_000
    )
    chance = power.table.set_index("ratio")["reduction"]
    alarm = next(check for check in power.checks if check.key == "power/false_alarm")
    assert (alarm.status == "warn") == (power.smallest()["false_alarm"].item() > 0.09)
    assert power.smallest()["false_alarm"].item() < 0.12
    assert chance[0.05] > chance[1.0] + 0.2


def test_suppression_costs_power() -> None:
    open_, hidden = (
        simulate_power(
            DeclaredNoise(comparison=40, mean=2.0, size=5.0, hidden=interval),
            pilots=[4],
            years_after=[3],
            trials=500,
        ).table.set_index("ratio")["reduction"]
        for interval in (None, (1, 4))
    )
    assert open_[0.4] > hidden[0.4] + 0.1


def test_the_answer_is_the_same_on_one_process_two_or_a_cluster(simulated: Panel) -> None:
    noise = noise_of(simulated, list(simulated.schools[:3]))
    asked = {"pilots": [1, 3], "years_after": [2], "ratios": [0.5, 2.0], "trials": 250, "seed": 9}
    here = simulate_power(noise, **asked)  # type: ignore[arg-type]
    told: list[tuple[int, int]] = []
    two = simulate_power(noise, **asked, workers=2, advance=lambda done, of: told.append((done, of)))  # type: ignore[arg-type]
    assert told == [(i, 6) for i in range(7)]
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        far = simulate_power(noise, **asked, cluster=cluster.scheduler_address)  # type: ignore[arg-type]
    for other in (two, far):
        pd.testing.assert_frame_equal(here.table, other.table, check_exact=True)
    assert here.table["reduction"].nunique() > 2


def test_another_seed_draws_other_pilots() -> None:
    tables = [
        simulate_power(DeclaredNoise(comparison=20), pilots=[2], years_after=[2], trials=200, seed=seed).table
        for seed in (1, 1, 2)
    ]
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])


def test_too_few_sets_are_not_estimable_and_said() -> None:
    power = simulate_power(DeclaredNoise(comparison=10), pilots=[1, 2], years_after=[2], trials=100)
    chance = power.table.groupby("pilots")["not_estimable"].min()
    assert chance[1] == 1.0
    assert chance[2] < 1.0
    check = next(check for check in power.checks if check.key == "power/permutations")
    assert check.status == "fail"
    assert "Pilots: 1." in check.message


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pilots": []}, "pilots"),
        ({"pilots": [0]}, "pilots"),
        ({"years_after": [0]}, "years_after"),
        ({"level": 0.2}, "level"),
        ({"trials": 10}, "trials"),
        ({"ratios": [-1.0]}, "ratios"),
        ({"workers": 0}, "workers"),
    ],
)
def test_options_out_of_range_are_refused_by_name(options: dict[str, object], said: str) -> None:
    asked: dict[str, object] = {"pilots": [1], "years_after": [1], **options}
    with pytest.raises(EstimationError, match=said):
        simulate_power(DeclaredNoise(comparison=20), **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"mean": 0.0}, {"size": 0.0}, {"ar": 1.0}, {"lasting": 2.0}, {"comparison": 1}])
def test_declared_parameters_out_of_range_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(EstimationError, match=next(iter(wrong))):
        DeclaredNoise(**{"comparison": 20, **wrong})  # type: ignore[arg-type]


def test_a_past_that_is_too_short_is_refused(simulated: Panel) -> None:
    noise = noise_of(simulated, list(simulated.schools[:3]), past=3)
    with pytest.raises(EstimationError, match="at most 2"):
        simulate_power(noise, pilots=[1], years_after=[3])
    with pytest.raises(EstimationError, match="Two are the least"):
        noise_of(simulated, list(simulated.schools[:3]), past=1)


def test_no_cluster_at_the_address() -> None:
    with pytest.raises(EstimationError, match=r"No Dask scheduler answers at tcp://127.0.0.1:1"):
        simulate_power(DeclaredNoise(comparison=20), pilots=[1], years_after=[1], cluster="tcp://127.0.0.1:1")
