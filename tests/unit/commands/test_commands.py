"""Commands that stand alone: what they ask and print, and the status they end with."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from averting.commands.progress import expected, lasted, remaining, timed
from averting.data import simulate_pilot
from averting.evaluation import check
from averting.evaluation.public_data import look_for
from averting.evaluation.settings import FILE


@pytest.fixture
def schools(tmp_path):
    """A file of simulated schools, and which of them are pilots."""
    simulated = simulate_pilot(seed=3, pilots=2, comparison=12)
    path = tmp_path / "schools.csv"
    simulated.write(path)
    return path, list(simulated.pilots)


@pytest.mark.parametrize("command", ["new", "verify", "init-data"])
def test_help_teaches(call, command):
    status, out, _ = call(command, "--help")
    assert status == 0
    assert f"averting {command}" in out
    assert "Example:" in out
    listed = call("--help")[1]
    assert re.search(rf"│ {command} +\w", listed)
    assert len(out.splitlines()) > 10


def test_help_says_how_commands_end(call):
    out = " ".join(call("--help")[1].split())
    assert "status 0" in out
    assert "3 where verify finds a difference" in out


def test_a_wrong_option_is_an_input_that_cannot_be_used(call):
    status, out, err = call("run", "here", "--fast")
    assert status == 2
    assert "Unknown option" in out + err


def test_new_fills_in_what_it_is_told_and_the_rest_runs(call, schools, tmp_path):
    path, pilots = schools
    made = tmp_path / "mine"
    arguments = ("--title", 'Ours: "RootED"', "--pilots", *pilots, "--start", "2021/22", "--data", path)
    status, out, _ = call("new", made, *arguments)
    assert status == 0
    assert "still to say" not in out
    said = tomllib.loads((made / FILE).read_text(encoding="utf-8"))
    assert said["title"] == 'Ours: "RootED"'
    assert said["design"]["pilots"] == pilots
    assert said["data"]["path"] == "data/schools.csv"
    assert said["data"]["source"] == "dfe_exclusions"
    assert set(check(made).design.pilots) == set(pilots)


def test_new_says_what_is_left(call, tmp_path):
    status, out, _ = call("new", tmp_path / "mine", "--start", "2022/23")
    assert status == 0
    assert [line.split(": ", 2)[1] for line in out.splitlines() if line.startswith("still")] == [
        "title",
        "[design] pilots",
        "[data] path",
    ]


def test_new_asks_on_a_terminal(call, schools, tmp_path, monkeypatch):
    path, pilots = schools
    answers = iter(["A title", " ".join(pilots), "2021/22", str(path)])
    monkeypatch.setattr("builtins.input", lambda _words: next(answers))
    assert call("new", tmp_path / "mine", "--ask")[0] == 0
    assert check(tmp_path / "mine").evaluation.title == "A title"


def test_new_takes_a_table_of_another_layout_for_the_users_own(call, tmp_path):
    (tmp_path / "own.csv").write_text("school,year\n1,2\n", encoding="utf-8")
    status, out, _ = call("new", tmp_path / "mine", "--data", tmp_path / "own.csv")
    assert status == 0
    assert "[data.columns]" in out
    assert 'source = "tidy"' in (tmp_path / "mine" / FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize("wrong", [("--start", "2022"), ("--data", "nowhere.csv")])
def test_new_refuses_what_cannot_be_and_makes_nothing(call, tmp_path, wrong):
    status, _, err = call("new", tmp_path / "mine", *wrong)
    assert status == 2
    assert "Traceback" not in err
    assert not (tmp_path / "mine").exists()


def test_verify_ends_with_its_own_status(call, quick_copy):
    status, out, _ = call("verify", quick_copy, "-q")
    assert (status, out.splitlines()[0].split(":")[0]) == (0, "verified")
    path = quick_copy / "results" / "estimates" / "main" / "averted.csv"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    status, out, err = call("verify", quick_copy, "--json")
    found = json.loads(out)
    assert (status, err, found["holds"]) == (3, "", False)
    assert found["harmed"] == ["estimates/main"]
    assert found["differences"][0]["what"] == "bytes differ, values do not"


def test_public_files_are_named_and_checked(call, tmp_path, shared):
    status, out, _ = call("init-data", tmp_path)
    assert status == 0
    assert out.count("not there yet") == 4
    assert "Suspensions and permanent exclusions in England" in out
    data = shared / "data"
    copies = {
        "school_exclusions.csv.gz": "dfe_exclusions/schools_secondary_201011_201617.csv.gz",
        "authority_exclusions.csv.gz": "dfe_exclusions/local_authorities_200607_202324.csv.gz",
        "school_links.csv.gz": "dfe_exclusions/school_succession_links.csv.gz",
        "statistical_neighbours.xlsx": "dfe_neighbours/sn_may_2025.xlsx",
    }
    for name, file in copies.items():
        (tmp_path / name).symlink_to(data / file)
    found = {one.key: one for one in look_for(tmp_path)}
    assert {one.state for one in found.values()} == {"arrived"}
    # the years of the files are those of the data's own description
    assert "schools with secondary pupils, 2010/11 to 2016/17" in found["school_exclusions"].found
    assert "2006/07 to 2023/24" in found["authority_exclusions"].found


def test_a_public_file_that_is_another_is_said(call, tmp_path):
    (tmp_path / "school_links.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    status, out, _ = call("init-data", tmp_path)
    assert status == 2
    assert "cannot be used" in out
    assert "LinkType" in out


def test_time_left_is_what_it_took_the_last_time():
    steps = [("reading", 0.0), ("estimating", 1.0), ("checking", 6.0)]
    known = lasted(steps, 16.0)
    assert known == {"reading": 1.0, "estimating": 5.0, "checking": 10.0}
    assert remaining(known, ["reading"]) == 16.0
    assert remaining(known, ["reading", "estimating"]) == 15.0
    assert remaining(known, ["reading", "estimating", "checking"]) == 10.0
    assert remaining(known, ["reading", "something new"]) is None
    assert remaining({}, ["reading"]) is None


def test_a_first_run_is_forecast_from_usual_times_and_its_own_pace():
    usual = {"reading": 4.0, "estimating": 20.0, "valuing": 6.0}
    assert expected(usual, [("something else", 0.0)]) is None
    assert expected(usual, [("reading", 1.0)]) == 30.0
    # reading took twice as long as it usually does, so all will
    assert expected(usual, [("reading", 1.0), ("estimating", 9.0)]) == 2 * 26.0
    assert expected(usual, [("reading", 1.0), ("estimating", 9.0), ("a step of it", 19.0)]) == 2 * 26.0 - 10
    # a stage that takes longer than ever is not counted below nothing
    assert expected(usual, [("reading", 1.0), ("estimating", 9.0), ("a step of it", 99.0)]) == 2 * 6.0
    assert expected(usual, [("valuing", 3.0), ("a step of it", 5.0)]) == 4.0
    # too little is done to tell the pace by
    assert expected({"reading": 0.5, "valuing": 6.0}, [("reading", 0.0), ("valuing", 5.0)]) == 6.0
    assert expected({}, [("reading", 1.0)]) is None


def test_a_first_run_says_what_is_left_and_that_it_is_a_guess(tmp_path, capsys, monkeypatch):
    clock = iter(range(0, 1_000, 3))
    monkeypatch.setattr("averting.commands.progress.time.monotonic", lambda: next(clock))
    with timed(tmp_path, "run", quiet=False, usual={"reading": 3.0, "estimating": 30.0}) as tell:
        tell("reading")
    assert capsys.readouterr().err.endswith("reading (perhaps 33 s left)\n")


def test_time_left_is_said_the_second_time_and_never_of_short_runs(tmp_path, capsys, monkeypatch):
    clock = iter(range(0, 1_000, 3))
    monkeypatch.setattr("averting.commands.progress.time.monotonic", lambda: next(clock))
    for _ in range(2):
        with timed(tmp_path, "run", quiet=False) as tell:
            tell("estimating")
            tell("valuing")
    lines = capsys.readouterr().err.splitlines()
    assert not any("left" in line for line in lines[:2])
    assert all(re.search(r"\(about \d+ s left\)$", line) for line in lines[2:])
    (tmp_path / ".averting-cache" / "times.json").write_text("{", encoding="utf-8")
    with timed(tmp_path, "run", quiet=False) as tell:
        tell("estimating")
    assert "left" not in capsys.readouterr().err
