"""What leaves: refused, or without a number that tells a small count."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from averting.data.disclosure import complementary, feasible_interval, load_rules
from averting.errors import DisclosureError, EstimationError, RenderError
from averting.evaluation import run
from averting.reporting import open_results, tables, wording
from averting.reporting.controlled import AFTER, BEFORE, control, write_controlled
from averting.reporting.pilot_schools import _Pilots, _system
from averting.reporting.publish import _refuse_unconverged, publish

EXACT = load_rules("under_five_exact")


@pytest.fixture(scope="module")
def release(quick_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(quick_run, tmp_path_factory.mktemp("public") / "first", engine="embedded")


def test_a_release_holds_report_tables_and_record_and_is_no_draft(release: Path, quick_run: Path) -> None:
    assert {path.name for path in release.iterdir()} == {
        "report.html",
        "scenarios.html",
        "summary.html",
        "tables",
        "counts.json",
        "disclosure.json",
    }
    report = (release / "report.html").read_text(encoding="utf-8")
    assert "passed disclosure control" in report
    assert "Draft: not for publication" not in report
    record = json.loads((release / "disclosure.json").read_text(encoding="utf-8"))
    assert record["passes"]
    assert {d["reason"] for d in record["decisions"]} == {"primary", "secondary", "derived", "rounding"}
    # results themselves stay a draft
    assert "Draft: not for publication" in wording.release(open_results(quick_run / "results"))


def test_no_school_is_named_and_no_withheld_count_is_in_any_file(release: Path, quick_run: Path) -> None:
    pilots = open_results(quick_run / "results").record("design/design")["pilots"]
    for path in release.rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert not any(pilot in text or about["name"] in text for pilot, about in pilots.items()), path.name
    record = json.loads((release / "disclosure.json").read_text(encoding="utf-8"))
    hidden = {tuple(d["cell"]) for d in record["decisions"] if d["reason"] in ("primary", "secondary")}
    counts = pd.read_csv(release / "tables" / "counts.csv", dtype=str).set_index(["indicator", "group", "period"])
    assert {key for key, row in counts.iterrows() if row["least"] == "c"} == hidden
    assert (counts.loc[counts["least"] == "c", "most"] == "c").all()


def test_estimates_without_a_school_or_a_year_stay_inside(release: Path, quick_run: Path) -> None:
    """With and without a school, an estimate tells the school's counts by subtraction."""
    inside = open_results(quick_run / "results").table("diagnostics/leave_one_out")
    assert inside["label"].str.contains("without pilot").sum() == 3
    report = (release / "report.html").read_text(encoding="utf-8")
    assert "could be found by subtraction" in report
    assert "One left out" in report
    assert "without pilot" not in report
    assert "without comparison" not in report
    assert {path.stem for path in (release / "tables").iterdir()} <= {
        "estimates", "averted", "balance", "suppression", "scenarios", "payers", "sources", "counts",
    }  # fmt: skip


def test_ratios_of_single_years_stay_inside(release: Path, quick_run: Path) -> None:
    """The check on the return to the mean tells one year's rate beside another's, so it does not leave."""
    words = "last rate of"
    assert words in (quick_run / "results" / "design" / "checks.json").read_text(encoding="utf-8")
    assert words not in (release / "report.html").read_text(encoding="utf-8")


def test_the_differencing_attack_on_the_release_recovers_no_count(release: Path, quick_run: Path) -> None:
    results = open_results(quick_run / "results")
    design = results.record("design/design")
    paths = results.table("design/paths_permanent_exclusions")
    counts = pd.read_csv(release / "tables" / "counts.csv", dtype=str)
    shown = {(row.group, row.period): row.least != "c" for row in counts.itertuples() if "perm" in row.indicator}
    first = design["treated_periods"][0]
    sides = [[p for p in design["periods"] if (p < first) == early] for early in (True, False)]
    assert shown["pilots", BEFORE] and shown["pilots", AFTER]
    for end, (group, side) in product(("lower", "upper"), product(("pilots", "comparison"), sides)):
        true = paths[paths["group"] == group].set_index("period")[end].loc[side]
        hidden = [period for period in side if not shown[group, period]]
        if not hidden:
            continue
        # the attacker has the exact total and every exact count that is shown, in any rounding
        left = true[hidden].sum()
        for i, period in enumerate(hidden):
            ends = [
                milp(
                    sign * np.eye(len(hidden))[i], integrality=np.ones(len(hidden)), bounds=Bounds(0, np.inf),
                    constraints=LinearConstraint(np.ones((1, len(hidden))), left, left),
                ).x[i]
                for sign in (1, -1)
            ]  # fmt: skip
            assert ends[0] <= true[period] <= ends[1]
            assert ends[1] - ends[0] >= EXACT.protection


def test_what_is_computed_from_a_withheld_count_is_withheld_with_it(quick_run: Path, tmp_path: Path) -> None:
    made = control(open_results(quick_run / "results"), load_rules("under_five"))
    public = write_controlled(made, tmp_path)
    paths = public.table("design/paths_permanent_exclusions")
    hidden = set(paths.loc[paths["lower"].isna() & (paths["group"] == "pilots"), "period"])
    averted, without = (public.table(f"estimates/main/{name}") for name in ("averted", "counterfactual"))
    treated = set(without["period"])
    assert hidden & treated
    assert set(averted.loc[averted["median"].isna(), "period"]) == hidden & treated
    assert set(without.loc[without["without_median"].isna(), "period"]) == hidden & treated
    assert paths.loc[paths["lower"].isna(), ["rate", "rate_lower", "rate_upper"]].isna().all(axis=None)
    flows = public.table("appraisal/flows")
    assert flows.loc[flows["line"] != "programme", "undiscounted"].isna().all()
    assert public.effect("main").change.sizes["school"] == 1
    assert "c" in {row[2] for row in tables.averted(public).rows}
    # without control, averted and the rate without the programme give the count back
    raw = open_results(quick_run / "results")
    both = raw.table("estimates/main/averted").set_index("period")["median"]
    back = raw.table("estimates/main/counterfactual").set_index("period")["without_median"] - both.drop("all")
    middle = raw.table("design/paths_permanent_exclusions").query("group == 'pilots'").set_index("period")
    period = min(hidden & treated)
    assert back[period] == pytest.approx(middle.loc[period, ["lower", "upper"]].mean())


def _with_pilots(folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
    path = folder / "results" / "design" / "paths_permanent_exclusions.csv"
    change(pd.read_csv(path)).to_csv(path, index=False)
    return folder


def test_totals_that_estimates_tell_are_refused_when_small(quick_copy: Path, tmp_path: Path) -> None:
    def few(paths: pd.DataFrame) -> pd.DataFrame:
        late = (paths["group"] == "pilots") & (paths["period"] >= "2021/22")
        paths.loc[late, ["lower", "upper"]] = 0.0
        paths.loc[late & (paths["period"] == "2021/22"), ["lower", "upper"]] = 3.0
        return paths

    with pytest.raises(DisclosureError, match="cannot leave") as caught:
        publish(_with_pilots(quick_copy, few), tmp_path / "public")
    assert "pilots / from the start" in str(caught.value)
    assert "3" not in str(caught.value).replace("2013/14", "").replace("2023/24", "")
    assert not (tmp_path / "public").exists()
    assert not list(tmp_path.glob(".publish*"))


def test_nothing_is_overwritten(release: Path, quick_run: Path) -> None:
    with pytest.raises(DisclosureError, match="exists"):
        publish(quick_run, release)


def test_results_of_another_evaluation_are_refused(quick_copy: Path, tmp_path: Path) -> None:
    (quick_copy / "evaluation.toml").write_text("schema = 1\n", encoding="utf-8")
    with pytest.raises(RenderError, match="changed since"):
        publish(quick_copy, tmp_path / "public")


@pytest.mark.parametrize("failed", ["sampler/divergences", "sampler/preview"])
def test_a_fit_whose_sampler_failed_is_refused(quick_copy: Path, tmp_path: Path, failed: str) -> None:
    results = open_results(quick_copy / "results")
    key = results.estimates[0]
    path = quick_copy / "results" / "estimates" / key / "effect.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    checks = record["checks"]
    bad = {
        **checks[0],
        "key": failed,
        "status": "fail",
        "message": "7 divergent transitions; there should be none.",
    }
    path.write_text(json.dumps({**record, "checks": [*checks, {**bad, "key": "design/other"}]}), encoding="utf-8")
    _refuse_unconverged(
        open_results(quick_copy / "results")
    )  # a failed check of another kind is said, not refused
    path.write_text(json.dumps({**record, "checks": [*checks, bad]}), encoding="utf-8")
    with pytest.raises(EstimationError, match=rf"Estimate '{key}': 7 divergent .*when-a-check-fails"):
        publish(quick_copy, tmp_path / "public")
    assert not (tmp_path / "public").exists()


def test_a_second_release_is_held_against_the_first(release: Path, quick_run: Path, tmp_path: Path) -> None:
    results = open_results(quick_run / "results")
    with pytest.raises(DisclosureError, match="is not a release"):
        publish(quick_run, tmp_path / "second", previous=[tmp_path])
    other = Path(shutil.copytree(release, tmp_path / "other"))
    counts = json.loads((other / "counts.json").read_text(encoding="utf-8"))
    (other / "counts.json").write_text(json.dumps({**counts, "groups": "else"}), encoding="utf-8")
    with pytest.raises(DisclosureError, match="other data or another design"):
        publish(quick_run, tmp_path / "second", previous=[other])
    from averting.data.disclosure import PublicTable

    before = tuple(PublicTable.from_dict(table) for table in counts["tables"])
    # the exact rules would show what the first release withheld, if they alone decided
    lax = load_rules("dfe_exclusions_2016_17")
    alone, held = control(results, lax), control(results, lax, before)
    first = {key for table in before for key in table.withheld}
    assert not first <= alone.withheld
    assert held.record.passes
    assert first <= held.withheld


@pytest.mark.parametrize(
    ("events", "told"), [((2.0, 30.0), True), ((12.0, 30.0), False), ((3.0, 2.0, 40.0, 11.0), None)]
)
def test_single_pilot_schools_cannot_be_solved_from_the_mean_rate(
    events: tuple[float, ...], told: bool | None
) -> None:
    n = len(events)
    pupils = np.array([1000.0, 5200.0, 3900.0, 6100.0])[:n]
    pilots = _Pilots(np.array(events), pupils, np.zeros(n), pupils * 0.6)
    small = (pilots.events > 0) & (pilots.events < 5)
    system = _system(pilots, small, [0.6])
    if told is not None:  # two schools: total and mean rate give both counts
        low, high = feasible_interval(system, system.must, 0)
        assert low == high == events[0]
    hidden = complementary(system, EXACT.protection, cost=np.ones(len(system.must)))
    assert hidden is not None
    assert bool(hidden[-1]) is (told if told is not None else bool(hidden[-1]))
    # by brute force: every split of the total that the printed numbers leave open
    total = int(sum(events))
    splits = np.array([s for s in product(range(total + 1), repeat=n - 1) if sum(s) <= total])
    splits = np.column_stack([splits, total - splits.sum(axis=1)])
    if not hidden[-1]:
        rates = np.round((100 * splits / pupils).mean(axis=1), 2)
        splits = splits[np.isclose(rates, round(float((100 * pilots.events / pupils).mean()), 2))]
    for school in np.flatnonzero(small):
        assert np.ptp(splits[:, school]) >= EXACT.protection


EVENTS = """
[[event]]
label = "Team at Northside"
kind = "co_intervention"
periods = ["2022/23"]
schools = ["900001"]
treatment = "sensitivity"
source = "Northside's newsletter"

[[event]]
label = "Strike at Southside"
kind = "other"
periods = ["2016/17"]
schools = ["900002"]
treatment = "exclude"

[[event]]
label = "New code"
kind = "method"
periods = ["2015/16"]
treatment = "sensitivity"
"""


def test_joined_schools_and_events_of_named_schools_do_not_leave(
    make_quick: Callable[[Path], Path], tmp_path: Path
) -> None:
    folder = make_quick(tmp_path / "demo")
    path = next((folder / "data").glob("*.csv"))
    frame = pd.read_csv(path, dtype=str)
    frame.loc[(frame["urn"] == "900007") & (frame["time_period"] >= "202223"), "urn"] = "910007"
    frame.to_csv(path, index=False)
    (folder / "links.csv").write_text(
        "URN,LinkURN,LinkName,LinkType,LinkEstablishedDate\n900007,910007,,Successor,01-09-2022\n",
        encoding="utf-8",
    )
    toml = folder / "evaluation.toml"
    text = toml.read_text(encoding="utf-8").replace("[data]\n", '[data]\nsuccession = "links.csv"\n') + EVENTS
    toml.write_text(text, encoding="utf-8")
    inside = open_results(run(folder))
    assert inside.estimates[2:] == ("main_without_team_at_northside", "main_without_new_code")
    assert "910007" in (inside.folder / "data" / "succession.csv").read_text(encoding="utf-8")
    (tmp_path / "controlled").mkdir()
    public = write_controlled(control(inside, load_rules("under_five")), tmp_path / "controlled")
    assert not (public.folder / "data" / "succession.csv").exists()
    assert tables.succession(public).rows[0][0] == "withheld"
    assert public.estimates == ("main", "suspensions")
    shown = [row[1] for row in tables.events(public).rows]
    assert shown[2:] == ["An event of named schools, withheld"] * 2 + ["New code"]
    release = publish(folder, tmp_path / "public", engine="embedded")
    for file in [*public.folder.rglob("*.*"), *release.rglob("*.*")]:
        if file.is_file() and file.suffix != ".nc":
            told = file.read_text(encoding="utf-8").lower()
            assert not any(word in told for word in ("910007", "900007", "northside", "southside")), file.name
    assert "which schools were joined would name them" in (release / "report.html").read_text(encoding="utf-8")


def test_checks_that_name_schools_leave_without_names(quick_copy: Path, tmp_path: Path) -> None:
    path = quick_copy / "results" / "data" / "checks.json"
    named = {
        "key": "data/likely_successors",
        "status": "warn",
        "message": "1 Northside, then 2",
        "guidance": "Join.",
    }
    path.write_text(json.dumps([named]), encoding="utf-8")
    public = write_controlled(control(open_results(path.parents[1]), EXACT), tmp_path)
    (check,) = public.checks("data")
    assert check.status == "warn"
    assert "Northside" not in check.message
    assert "looks the same" in check.message


def test_a_value_that_rests_on_an_estimate_without_an_event_does_not_leave(quick_copy: Path) -> None:
    path = quick_copy / "results" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for estimate in manifest["estimates"]:
        estimate["without"] = "team" if estimate["id"] == "main" else ""
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(DisclosureError, match="values main, an estimate without an event"):
        control(open_results(path.parent), EXACT)
