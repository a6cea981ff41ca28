"""Two areas' evaluations together, from their folders to what is said."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from averting.cli import main
from averting.data import simulate_pilot
from averting.data.disclosure import load_rules
from averting.effects.storage import load_effect
from averting.effects.verdict import Verdict
from averting.errors import EvaluationError, RenderError
from averting.evaluation import run
from averting.evaluation.areas import ALL, areas_together
from averting.evaluation.settings import FILE
from averting.reporting.controlled import control
from averting.reporting.results import open_results

NAMES = {"west": "West", "south": "South"}


def write(folder: Path, *, scale: object = 0.5, more: str = "", south: str = "") -> Path:
    text = f'[spread]\nscale = {scale}\nreason = "invented"\n{more}\n'
    text += '[[area]]\nname = "West"\nfolder = "west"\n'
    text += f'[[area]]\nname = "South"\nfolder = "south"\n{south}\n'
    path = folder / "areas.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def made(quick_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two evaluations with results and no school in common; for copying only."""
    root = tmp_path_factory.mktemp("areas")
    for number, folder in enumerate(NAMES):
        simulated = simulate_pilot(seed=3 + number, pilots=4, comparison=14)
        first = str(7 + number)
        pilots = [first + pilot[1:] for pilot in simulated.pilots]
        text = re.sub(r"(?m)^draws = .*", "draws = 200\n\n[diagnostics]\nrun = []\n", quick_text)
        text = re.sub(r"(?m)^pilots = .*", f"pilots = {json.dumps(pilots)}", text)
        (root / folder / "data").mkdir(parents=True)
        (root / folder / FILE).write_text(text, encoding="utf-8")
        frame = simulated.frame.assign(urn=first + simulated.frame["urn"].str[1:])
        frame.to_csv(root / folder / "data" / "simulated_schools.csv", index=False)
        run(root / folder)
    return root


@pytest.fixture
def here(made: Path, tmp_path: Path) -> Path:
    """Copies to spoil."""
    shutil.copytree(made, tmp_path / "here")
    return tmp_path / "here"


def change(path: Path, **values: object) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | values), encoding="utf-8")


def effect_of(folder: Path) -> Path:
    return folder / "results" / "estimates" / "main" / "effect.json"


def test_local_effects_are_those_of_the_evaluations(made):
    found = areas_together(write(made))
    table = found.tables["areas"].set_index("area")
    for folder, name in NAMES.items():
        own = load_effect(made / folder / "results" / "estimates" / "main")
        assert table.loc[name, ["alone", "alone_lower", "alone_upper"]].tolist() == [own.estimate, *own.interval]
    assert table["pilots"].tolist() == [4, 4]
    assert table["weight"].sum() == pytest.approx(1)
    assert found.pooled is not None
    assert min(table["with_others"]) <= found.pooled.shared <= max(table["with_others"])
    low, high = found.pooled.interval
    assert found.verdict is (Verdict.UNCERTAIN if low <= 1 <= high else Verdict.REDUCTION)
    assert found.statements[0].startswith("Together: too uncertain to tell")


def test_cash_adds_up_to_the_appraisals_by_payer_and_year(made):
    cash = areas_together(write(made)).tables["cash"]
    local, total = cash[cash["area"] != ALL], cash[cash["area"] == ALL]
    summed = local.groupby(["payer", "year"])["net"].sum()
    assert total.set_index(["payer", "year"])["net"].sort_index().to_numpy() == pytest.approx(summed.to_numpy())
    for folder, name in NAMES.items():
        flows = pd.read_csv(made / folder / "results" / "appraisal" / "flows.csv")
        wanted = flows[(flows["scenario"] == "central") & (flows["kind"] == "cashable")]["undiscounted"].sum()
        assert local.loc[local["area"] == name, "net"].sum() == pytest.approx(wanted)
    by_year = pd.read_csv(made / "west" / "results" / "appraisal" / "cash_by_year.csv")
    west = local[(local["area"] == "West") & (local["savings"] != 0)].set_index(["payer", "year"])["savings"]
    wanted = by_year[by_year["scenario"] == "central"].set_index(["payer", "year"])["mean"]
    assert west.to_dict() == pytest.approx(wanted[wanted != 0].to_dict())


def test_cash_of_another_price_year_is_refused_by_name(here):
    change(here / "south" / "results" / "appraisal" / "appraisal.json", price_year="2024-25")
    with pytest.raises(
        EvaluationError, match=r"(?s)West: cash in prices of 2023-24.*South: cash in prices of 2024-25"
    ):
        areas_together(write(here))


def test_an_area_without_an_appraisal_leaves_no_sum(here):
    shutil.rmtree(here / "south" / "results" / "appraisal")
    found = areas_together(write(here))
    assert set(found.tables["cash"]["area"]) == {"West"}
    assert any("no sum over areas: South has no appraisal" in said for said in found.statements)


def test_areas_with_a_school_in_common_are_refused(here):
    shutil.copyfile(
        here / "west" / "results" / "data" / "panel.nc", here / "south" / "results" / "data" / "panel.nc"
    )
    with pytest.raises(EvaluationError, match="18 schools or authorities are in its comparison"):
        areas_together(write(here))


def test_areas_that_measure_different_things_are_refused(here):
    with pytest.raises(EvaluationError, match="of suspensions, that of West of permanent_exclusions"):
        areas_together(write(here, south='estimate = "suspensions"'))


def test_an_area_without_bound_is_left_out_and_then_nothing_is_told(here):
    change(effect_of(here / "south"), interval=[0.0, 1.3])
    found = areas_together(write(here))
    assert (found.pooled, found.verdict) == (None, Verdict.NOT_ESTIMABLE)
    assert "South is not pooled: its interval has no end on one side" in " ".join(found.statements)
    assert set(found.tables) == {"cash"}


def test_two_clear_effects_are_evidence_and_it_is_said_what_it_hangs_on(here):
    for folder in NAMES:
        change(effect_of(here / folder), estimate=0.6, interval=[0.45, 0.8])
    found = areas_together(write(here, scale=0.1))
    assert found.verdict is Verdict.REDUCTION
    assert any("hangs on the prior" in said for said in found.statements)


def test_results_older_than_their_evaluation_are_refused(here):
    path = here / "west" / FILE
    path.write_text(path.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"West: .* was changed after its results"):
        areas_together(write(here))


def test_an_area_without_results_is_refused(here):
    shutil.rmtree(here / "south" / "results")
    with pytest.raises(RenderError, match="holds no results"):
        areas_together(write(here))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[area]]\nname='a'\nfolder='west'", "this table is missing"),
        ("[spread]\nscale=0.5\nreason='x'\n[[area]]\nname='a'\nfolder='west'", "it names 1 areas"),
        ("[spread]\nscale=-1\nreason='x'", "no scale of log ratios"),
        ("[spread]\nscale=0.5", "reason: this key is missing"),
        ("level=95\n[spread]\nscale=0.5\nreason='x'", "no level of an interval"),
        ("[spread]\nscale=0.5\nreason='x'\nkind='normal'", "this key is not known"),
        ("[spread]\nscale=0.5\nreason='x'\n[[area]]\nname='a'\nfolder='../west'", "no path within"),
        ("not toml", "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path, text, said):
    (tmp_path / "areas.toml").write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=said):
        areas_together(tmp_path / "areas.toml")


def test_a_file_or_estimate_that_is_not_there_is_refused(made, tmp_path):
    with pytest.raises(EvaluationError, match="cannot be read"):
        areas_together(tmp_path / "none.toml")
    with pytest.raises(EvaluationError, match="no estimate 'other'"):
        areas_together(write(made, south='estimate = "other"'))


def test_the_command_prints_words_and_json(made, capsys):
    path = write(made)
    with pytest.raises(SystemExit) as ended:
        main(["areas", str(path)])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "hardly speak about it" in said
    assert "Not shared between areas" in said
    with pytest.raises(SystemExit):
        main(["areas", str(path), "--json"])
    record = json.loads(capsys.readouterr().out)
    assert record["verdict"] == str(Verdict.UNCERTAIN)
    assert np.isfinite(record["tables"]["areas"][0]["with_others"])


def test_areas_leave_only_as_their_own_releases_do(here):
    """Where a year of one area's pilots is withheld, its cash by year is, and that of both together."""
    path = write(here)
    inside = areas_together(path)
    assert inside.record is None  # not checked, so it cannot leave
    found = areas_together(path, rules="under_five")
    assert found.record is not None
    own = {name: control(open_results(here / name / "results"), load_rules("under_five")) for name in NAMES}
    assert found.record.passes == all(made.record.passes for made in own.values())
    hidden = [NAMES[name] for name, made in own.items() if made.money_base is not None]
    assert hidden  # else this tests nothing
    cash = found.tables["cash"]
    gone = cash["area"].isin([*hidden, ALL])
    assert cash.loc[gone, ["savings", "net"]].isna().all().all()
    assert cash.loc[gone, "programme"].notna().all()
    kept = inside.tables["cash"].loc[~gone.to_numpy(), "savings"]
    assert cash.loc[~gone, "savings"].tolist() == kept.tolist()
    assert inside.verdict is found.verdict
