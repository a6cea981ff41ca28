"""The command line: words for the Python functions, progress aside from results, and orderly ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from averting import cli
from averting.costs import known_families, load_parameters
from averting.errors import AvertingError, DataError
from averting.evaluation import check

COMMANDS = ["demo", "new", "check", "run", "render", "sources"]


def test_help_names_every_command(call):
    status, out, _ = call("--help")
    assert status == 0
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", out)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_its_options(call, command):
    status, out, _ = call(command, "--help")
    assert status == 0
    assert len(out.splitlines()) > 5
    if command != "new":
        assert "--" in out.replace("--help", "")


def test_the_version_is_that_of_the_package(call):
    from importlib.metadata import version

    assert call("--version")[1].strip() == version("averting")


def test_check_prints_the_design_and_its_checks(call, quick_copy):
    status, out, err = call("check", quick_copy)
    assert (status, err) == (0, "")
    assert out.startswith("Design(3 pilots from 2021/22, 40 comparison schools")
    expected = check(quick_copy).checks
    for line, result in zip(out.splitlines()[1:], expected, strict=True):
        assert line.split()[0] == result.status
        assert result.message in line


def test_check_prints_json_where_asked(call, quick_copy):
    status, out, _ = call("check", quick_copy, "--json")
    assert status == 0
    assert json.loads(out) == [result.to_dict() for result in check(quick_copy).checks]


def test_check_writes_nothing(call, quick_copy):
    before = {path: path.stat().st_mtime_ns for path in quick_copy.rglob("*")}
    call("check", quick_copy)
    assert {path: path.stat().st_mtime_ns for path in quick_copy.rglob("*")} == before


def test_run_tells_progress_aside_from_its_result(call, quick_copy):
    status, out, err = call("run", quick_copy)
    assert status == 0
    assert out == f"results: {quick_copy / 'results'}\n"
    lines = err.splitlines()
    assert all(re.match(r"\[ *\d+\.\d s\] \w", line) for line in lines)
    assert sum("kept from an earlier run" in line for line in lines) == 7
    assert call("run", quick_copy, "--quiet") == (0, out, "")
    assert call("run", quick_copy, "-q") == (0, out, "")
    status, out, err = call("run", quick_copy, "--json")
    assert (status, json.loads(out), err) == (0, {"results": str(quick_copy / "results")}, "")


def test_run_takes_data_from_elsewhere(call, quick_copy, tmp_path):
    moved = tmp_path / "elsewhere.csv"
    (quick_copy / "data" / "simulated_schools.csv").rename(moved)
    assert call("run", quick_copy, "-q")[0] == 2
    assert call("run", quick_copy, "-q", "--data", moved)[0] == 0


def test_sources_lists_every_declared_cost(call):
    status, out, _ = call("sources", "--json")
    assert status == 0
    rows = json.loads(out)
    # families that are alternatives are not loaded together, and what they share is listed once
    every = [key for family in known_families() for key in load_parameters(family)]
    assert [row["key"] for row in rows] == list(dict.fromkeys(every))
    assert all(row["source"] and row["locator"] and row["review_by"] for row in rows)


def test_sources_prints_each_number_whole_with_its_source_and_place(call):
    """Nothing is folded or cut off, however narrow the terminal: the mark, the locator and the key stand in one line each."""
    status, out, _ = call("sources", "high_needs_block", "--as-of", "2030-01-01")
    assert status == 0
    declared = load_parameters("high_needs_block")
    lines = out.splitlines()
    assert [line.split(":")[0] for line in lines if not line.startswith("  ")] == list(declared)
    for parameter in declared.values():
        assert f"  {parameter.source}: {parameter.locator}" in lines
        assert f"{parameter.key}: {parameter.label}" in lines
    assert any(line.startswith("  8,850 (") and line.endswith("GBP/pupil/year, 2021-22 prices") for line in lines)
    assert sum(line.startswith("  beware: stale") for line in lines) == len(declared)


def test_sources_of_nothing_known_are_refused(call):
    status, out, err = call("sources", "gold")
    assert (status, out) == (2, "")
    assert "no family of parameters 'gold'" in err
    assert call("sources", "--local-authority", "Atlantis")[0] == 2


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [(DataError("schools.csv is odd."), 2, "averting: schools.csv is odd."), (KeyboardInterrupt(), 130, "resume")],
)
def test_ends_are_orderly(call, monkeypatch, quick_run, error, status, words):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("averting.evaluation.run", fail)
    ended, out, err = call("run", quick_run)
    assert (ended, out) == (status, "")
    assert words in err
    assert "Traceback" not in err


def test_a_fault_of_averting_itself_is_not_hidden(monkeypatch, quick_run):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("averting.evaluation.run", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["run", str(quick_run)])
    assert not issubclass(ZeroDivisionError, AvertingError)


def test_the_module_is_the_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "averting", "check", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("averting: ")
    assert "Traceback" not in done.stderr


def test_a_claim_is_reconciled_and_refused(call, tmp_path):
    path = tmp_path / "claim.toml"
    path.write_text(
        'text = "t"\nsource = "s"\n[saving]\nreduction = "50 %"\nannual = "£822,535"\nlifetime = "£4.2m"\n'
    )
    status, out, _ = call("reconcile", path)
    assert status == 0
    assert out.startswith("refused: t (s)")
    assert "baseline: how many exclusions" in out
    found = json.loads(call("reconcile", path, "--json")[1])
    assert found["verdict"] == "refused"
    assert len(found["alternatives"]) == 3
    status, _, err = call("reconcile", tmp_path / "none.toml")
    assert status == 2
    assert "cannot be read" in err


@pytest.mark.parametrize("command", [name for name in cli.app if not name.startswith("-")])
def test_every_command_says_what_it_does_and_shows_an_example(call, command):
    status, out, err = call(command, "--help")
    assert (status, err) == (0, "")
    said = " ".join(out.split())
    assert f"Example: averting {command}" in said
    assert len(said.split("Example")[0]) > 60
    assert "--empty-" not in said


def test_output_that_nobody_reads_to_its_end_is_no_fault(monkeypatch):
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # main replaces it
    monkeypatch.setattr(cli, "app", lambda *_, **__: (_ for _ in ()).throw(BrokenPipeError))
    with pytest.raises(SystemExit) as ended:
        cli.main(["sources"])
    sys.stdout.close()
    assert ended.value.code == 141


def test_linear_algebra_has_one_thread_whatever_the_machine(monkeypatch):
    """A product large enough for OpenBLAS to share out comes out otherwise with two threads; a command must not tell which."""
    script = (
        "import sys; from averting import cli; assert 'numpy' not in sys.modules\n"
        "def app(*_, **__):\n"
        "    import hashlib, numpy as np\n"
        "    draw = np.random.default_rng(1)\n"
        "    print(hashlib.sha256((draw.normal(size=(1000, 1000)) @ draw.normal(size=(1000, 15))).tobytes()).hexdigest())\n"
        "cli.app = app; cli.main([])"
    )
    found = set()
    for threads in ("1", "2"):
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            monkeypatch.setenv(name, threads)
        found.add(
            subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        )
    assert len(found) == 1
