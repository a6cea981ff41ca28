"""Effects of every kind leave without what their methods keep: yearly tables, single schools, traces, weights."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.optimize import Bounds, LinearConstraint, milp

from averting import cli
from averting.checks import CheckResult
from averting.data.disclosure import feasible_interval, load_rules
from averting.effects.storage import save_effect
from averting.evaluation import render, run
from averting.evaluation.settings import FILE
from averting.provenance import file_hash
from averting.reporting import open_results
from averting.reporting.controlled import AFTER, BEFORE, STARTED, WAITING, control, write_controlled
from averting.reporting.pilot_schools import after_system
from averting.reporting.publish import publish
from averting.reporting.render.banner import with_banner

RULES, EXACT = load_rules("under_five"), load_rules("under_five_exact")
SECRET = "4242.4242"


def _all_text(folder: Path) -> str:
    return "\n".join(path.read_bytes().decode("latin-1") for path in sorted(folder.rglob("*")) if path.is_file())


def test_traces_and_tables_of_single_schools_and_years_stay_inside(quick_copy: Path, tmp_path: Path) -> None:
    inside = open_results(quick_copy / "results")
    effect = inside.effect("main")
    table = pd.DataFrame({"of": ["900007"], "count": [float(SECRET)]})
    names = [
        "schools",
        "forest",
        "path",
        "placebo",
        "event_study",
        "group_time",
        "weights",
        "coefficients",
        "means",
    ]
    posterior = xr.Dataset({"school_effect": (("chain", "draw"), np.full((1, 4), float(SECRET)))})
    telling = CheckResult("synthetic_control/pre_fit", "warn", f"misses by {SECRET}", "")
    made = replace(
        effect,
        draw_kind="posterior",
        checks=(*effect.checks, telling),
        tables={**effect.tables, **dict.fromkeys(names, table)},
        trace=xr.DataTree.from_dict({"posterior": posterior}),
    )
    save_effect(made, quick_copy / "results" / "estimates" / "main")
    table.to_csv(quick_copy / "results" / "design" / "weights.csv", index=False)
    assert (quick_copy / "results" / "estimates" / "main" / "trace_posterior.nc").is_file()
    controlled = control(open_results(quick_copy / "results"), RULES)
    (tmp_path / "public").mkdir()
    public = write_controlled(controlled, tmp_path / "public")
    written = {path.name for path in (public.folder / "estimates" / "main").iterdir()}
    assert written == {
        "averted.csv", "counterfactual.csv", "detectable.csv", "draws.nc", "effect.json", "method.json", "permutation.csv",
    }  # fmt: skip
    assert public.effect("main").trace is None
    assert not (public.folder / "design" / "weights.csv").exists()
    text = _all_text(public.folder)
    assert SECRET not in text
    assert "900007" not in text
    notes = " ".join(controlled.record.notes)
    assert all(name in notes for name in (*names, "trace", "Weights"))
    assert SECRET not in notes


STAGGERED = """
[[estimate]]
id = "{id}"
role = "{role}"
indicator = "{indicator}"
method = "{method}"
"""


@pytest.fixture(scope="module")
def staggered(make_quick: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pilots that start in 2021/22 and one in 2023/24, on the scale of differences."""
    folder = make_quick(tmp_path_factory.mktemp("staggered") / "demo")
    path = folder / FILE
    head = path.read_text(encoding="utf-8").split("[[estimate]]")[0]
    pilots = re.search(r"pilots = \[(.*?)\]", head)
    assert pilots
    urns = re.findall(r"\d+", pilots[1])
    head = re.sub(r"(?m)^(pilots|start) = .*\n", "", head).replace("draws = 4000", "draws = 200")
    starts = "\n".join(
        f'{urn} = "{year}"' for urn, year in zip(urns, ["2021/22", "2021/22", "2023/24"], strict=True)
    )
    kinds = [
        ("main", "primary", "permanent_exclusions", "callaway_santanna"),
        ("imputed", "secondary", "permanent_exclusions", "imputation"),
        ("suspensions", "secondary", "suspensions", "imputation"),
    ]
    names = ("id", "role", "indicator", "method")
    text = "".join(STAGGERED.format(**dict(zip(names, kind, strict=True))) for kind in kinds)
    path.write_text(head.replace("[design]\n", f"[design]\n[design.pilots]\n{starts}\n") + text, encoding="utf-8")
    run(folder)
    return folder


def test_staggered_starts_and_differences_leave_no_single_school_or_year(staggered: Path, tmp_path: Path) -> None:
    inside = open_results(staggered / "results")
    assert {"event_study", "group_time"} <= set(inside.effect("main").tables)
    assert inside.effect("main").estimand.scale == "difference"
    made = control(inside, RULES)
    assert made.record.passes
    public = write_controlled(made, tmp_path)
    for key in public.estimates:
        assert set(public.effect(key).tables) <= {"permutation", "detectable", "priors"}
        assert public.effect(key).change.sizes["school"] == 1
    # a year in which one pilot waits is that school's own: its count is withheld where it is small
    counts = {key: value for table in made.tables for key, value in zip(table.keys, table.lower, strict=True)}
    waiting = [key for key in counts if key[0] == "permanent_exclusions" and key[1] == WAITING]
    assert waiting
    starts = {pilot: about["start"] for pilot, about in inside.record("design/design")["pilots"].items()}
    last = max(starts, key=lambda pilot: starts[pilot])
    panel = xr.open_dataset(inside.folder / "data" / "panel.nc", engine="scipy")
    for key in waiting:
        alone = panel.sel(indicator=key[0], school=last, period=key[2])
        waits = key[2] < starts[last]
        if waits and 0 < alone["upper"].item() and alone["lower"].item() < RULES.threshold:
            assert np.isnan(counts[key])
    panel.close()
    hidden = {key[2] for key, value in counts.items() if key[1] == STARTED and np.isnan(value)}
    averted = public.table("estimates/main/averted").set_index("period")["median"]
    assert averted.loc[sorted(hidden & set(averted.index))].isna().all()


@pytest.mark.parametrize(("events", "told"), [((2.0, 30.0), True), ((3.0, 9.0, 24.0, 15.0), False)])
def test_a_difference_must_not_tell_a_single_schools_count(events: tuple[float, ...], told: bool) -> None:
    pupils = np.array([1000.0, 5200.0, 3900.0, 6100.0])[: len(events)]
    small = np.array(events) < EXACT.threshold
    system = after_system(np.array(events), pupils, small)
    low, high = feasible_interval(system, system.must, 0)
    assert (high - low < EXACT.protection) is told
    # by brute force, over every split of the total
    total = int(sum(events))
    splits = np.array([s for s in product(range(total + 1), repeat=len(events) - 1) if sum(s) <= total])
    splits = np.column_stack([splits, total - splits.sum(axis=1)])
    away = np.abs((100 * splits / pupils).mean(axis=1) - (100 * np.array(events) / pupils).mean())
    assert (low, high) == (splits[away <= 0.005, 0].min(), splits[away <= 0.005, 0].max())


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write an empty page in place of a report: the files beside it are what is looked at."""

    def write(_source: Path, *, outputs: Sequence[Path], **_options: object) -> tuple[Path, ...]:
        for output in outputs:
            output.write_text("<html></html>", encoding="utf-8")
        return tuple(outputs)

    monkeypatch.setattr("averting.reporting.publish.render_files", write)


@pytest.mark.usefixtures("page")
def test_every_file_of_a_release_is_in_its_record(
    quick_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    public = tmp_path / "public"
    with pytest.raises(SystemExit) as ended:
        cli.main(["publish", str(quick_run), str(public), "--rules", "under_five_exact", "--quiet"])
    assert not ended.value.code
    assert str(public) in capsys.readouterr().out
    record = json.loads((public / "disclosure.json").read_text(encoding="utf-8"))
    others = [path for path in public.rglob("*") if path.is_file() and path.name != "disclosure.json"]
    assert record["files"] == {path.relative_to(public).as_posix(): file_hash(path) for path in others}
    assert record["rules"]["key"] == "under_five_exact"
    assert record["notes"]


@pytest.mark.usefixtures("page")
def test_two_releases_on_disk_together_recover_no_withheld_count(quick_run: Path, tmp_path: Path) -> None:
    first = publish(quick_run, tmp_path / "first", rules="under_five")
    second = publish(quick_run, tmp_path / "second", rules="dfe_exclusions_2016_17", previous=[first])
    tables = [pd.read_csv(folder / "tables" / "counts.csv", dtype=str) for folder in (first, second)]
    keys = ["indicator", "group", "period"]
    shown = [table[table["least"] != "c"].set_index(keys) for table in tables]
    hidden = tables[0][tables[0]["least"] == "c"].set_index(keys).index
    assert len(hidden)
    assert not set(hidden) & set(shown[1].index)
    design = open_results(quick_run / "results").record("design/design")
    true = (
        open_results(quick_run / "results")
        .table("design/paths_permanent_exclusions")
        .set_index(["group", "period"])
    )
    first_treated = min(design["treated_periods"])
    for group, early in product(("pilots", "comparison"), (True, False)):
        side = [p for p in design["periods"] if (p < first_treated) == early]
        gone = [p for p in side if ("permanent_exclusions", group, p) in hidden]
        if not gone:
            continue
        name = BEFORE if early else AFTER
        total = float(shown[1].loc[("permanent_exclusions", group, name), "least"])
        left = total - sum(
            float(shown[1].loc[("permanent_exclusions", group, p), "least"]) for p in side if p not in gone
        )
        for i, period in enumerate(gone):
            least, most = (
                milp(
                    sign * np.eye(len(gone))[i], integrality=np.ones(len(gone)), bounds=Bounds(0, np.inf),
                    constraints=LinearConstraint(np.ones((1, len(gone))), left, left),
                ).x[i]
                for sign in (1, -1)
            )  # fmt: skip
            assert least <= true.loc[(group, period), "lower"] <= most
            assert most - least >= RULES.protection


def test_a_draft_says_so_on_screen_and_on_every_printed_page(
    quick_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, object] = {}

    def keep(_source: Path, *, outputs: Sequence[Path], **options: object) -> tuple[Path, ...]:
        given.update(options)
        return tuple(outputs)

    monkeypatch.setattr("averting.evaluation.report.render_files", keep)
    render(quick_copy)
    assert given["watermark"] == "Draft: not for publication"
    html = with_banner("<html><head></head><body class='a'><p>x</p></body></html>", str(given["watermark"]))
    assert html.count("Draft: not for publication") == 3
    shown, printed = html.index('class="averting-banner"'), html.index('class="averting-banner-print"')
    assert html.index("<body") < shown < printed < html.index("<p>x")
    # browsers repeat a fixed element on every sheet; those that know margin boxes print the words there as well
    assert re.search(r"@media print \{.*averting-banner-print \{[^}]*position: fixed", html, re.DOTALL)
    assert '@page { @top-center { content: "Draft: not for publication"' in html
    assert with_banner("<p>x</p>", "") == "<p>x</p>"
    assert "<script" not in with_banner("<head></head><body></body>", "<script>")
