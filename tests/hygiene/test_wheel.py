"""The wheel, built and installed where no source tree can be seen, makes, checks, runs and renders an evaluation."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# what a checkout in use may hold beside the sources, and must never ship
PLANTED = (
    "analyses/2099-a-real-one/evaluation.toml",
    "analyses/2099-a-real-one/data/pupils.csv",
    "analyses/demo/data/pupils.csv",
    "analyses/demo/results/manifest.json",
    "analyses/demo/report.html",
    "analyses/_template/data/pupils.csv",
    "analyses/_template/results/manifest.json",
    "analyses/_template/.averting-cache/report.json",
)
LEFT_BEHIND = (
    ".venv",
    ".git",
    "*cache*",
    "__pycache__",
    ".hypothesis",
    "averting-demo",
    "dist",
    "results*",
    "data",
    "*.html",
)

pytestmark = pytest.mark.slow


def _environment() -> dict[str, str]:
    """Nothing that leads back to this checkout or this environment."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "UV_PROJECT", "UV_WORKING_DIR", "UV_PROJECT_ENVIRONMENT")
    return {key: value for key, value in os.environ.items() if key not in hidden}


def _run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=_environment(), capture_output=True, text=True, check=False
    )


def _must(*command: str | Path, cwd: Path) -> str:
    done = _run(*command, cwd=cwd)
    assert done.returncode == 0, f"{command[0]} {command[1]}: {done.stdout}\n{done.stderr}"
    return done.stdout


def _copy_of_the_sources(target: Path) -> Path:
    """A checkout in use: the project's files as git has them here, and what must not ship."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        # modules of averting may be called data: only a real evaluation's folder is left behind
        patterns = LEFT_BEHIND if "src" not in Path(folder).parts else ("__pycache__", "*.pyc")
        return set(shutil.ignore_patterns(*patterns)(folder, names))

    shutil.copytree(ROOT, target, ignore=ignored)
    for name in PLANTED:
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret\n", encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("build")
    sources = _copy_of_the_sources(home / "checkout")
    uv = shutil.which("uv")
    build = (
        [uv, "build", "--wheel", "--python", sys.executable] if uv else [sys.executable, "-m", "build", "--wheel"]
    )
    _must(*build, "--out" + ("-dir" if uv else "dir"), home / "dist", sources, cwd=home)
    (built,) = (home / "dist").glob("*.whl")
    # the sources go, so that nothing below can lean on them
    shutil.rmtree(sources)
    return built


@pytest.fixture(scope="module")
def shipped(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a clean environment with averting[report]."""
    home = tmp_path_factory.mktemp("clean")
    uv = shutil.which("uv")
    if uv:
        _must(uv, "venv", "--python", sys.executable, home / "env", cwd=home)
    else:
        _must(sys.executable, "-m", "venv", home / "env", cwd=home)
    (python,) = [path for path in (home / "env/bin/python", home / "env/Scripts/python.exe") if path.exists()]
    install = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    _must(*install, f"averting[report] @ {wheel.as_uri()}", cwd=home)
    return python.parent


@pytest.fixture
def averting(installed: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the installed command in a folder of its own."""
    return lambda *arguments: _run(installed / "averting", *arguments, cwd=tmp_path)


def test_models_and_the_template_ship(shipped: set[str]) -> None:
    for folder, home in (("models", "averting/_models"), ("analyses/_template", "averting/_analyses/_template")):
        for path in (ROOT / folder).rglob("*"):
            below = path.relative_to(ROOT / folder)
            if path.is_file() and not {"data", "results", ".averting-cache"} & set(below.parts[:1]):
                assert path.suffix == ".html" or f"{home}/{below.as_posix()}" in shipped
    assert "averting/_analyses/demo/evaluation.toml" in shipped
    assert "averting/py.typed" in shipped
    assert "averting/reporting/render/assets/template.html" in shipped


def test_every_module_ships(shipped: set[str]) -> None:
    modules = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    assert modules <= shipped


def test_no_other_evaluation_and_no_data_ship(shipped: set[str]) -> None:
    analyses = {name for name in shipped if name.startswith("averting/_analyses/")}
    assert {name.split("/")[2] for name in analyses} == {"_template", "demo"}
    assert {name for name in analyses if name.split("/")[2] == "demo"} == {
        "averting/_analyses/demo/evaluation.toml"
    }
    assert not [
        name for name in shipped if name.endswith(("pupils.csv", "manifest.json", "report.html", "report.json"))
    ]
    assert not [name for name in shipped if name.startswith(("tests/", "docs/", "benchmarks/"))]


def test_from_new_to_a_report(
    averting: Callable[..., subprocess.CompletedProcess[str]], installed: Path, tmp_path: Path
) -> None:
    where = "import averting, averting.resources as r; print(averting.__file__, r.models_dir(), r.analyses_dir())"
    found = _must(installed / "python", "-c", where, cwd=tmp_path)
    assert str(ROOT) not in found
    assert found.count(str(installed.parent)) == 3
    said = averting("new", "my-pilot")
    assert said.returncode == 0, said.stderr
    simulate = (
        "import json; from averting import simulate_pilot\n"
        "made = simulate_pilot(seed=5, pilots=2, comparison=12)\n"
        "made.write('my-pilot/data/schools.csv')\n"
        "print(json.dumps(made.pilots))"
    )
    pilots = json.loads(_must(installed / "python", "-c", simulate, cwd=tmp_path))
    path = tmp_path / "my-pilot" / "evaluation.toml"
    text = path.read_text(encoding="utf-8")
    for pattern, new in {
        r"(?m)^pilots = .*$": f"pilots = {json.dumps(pilots)}",
        r"(?m)^start = .*$": 'start = "2021/22"',
        r"(?m)^base_year = .*$": 'base_year = "2021-22"',
        r"(?m)^on = .*$": 'on = ["phase"]',
        r"(?m)^draws = .*$": "draws = 400",
    }.items():
        text, changed = re.subn(pattern, new, text)
        assert changed == 1, pattern
    path.write_text(text, encoding="utf-8")
    for command in ("check", "run"):
        said = averting(command, "my-pilot")
        assert said.returncode == 0, said.stderr
    said = averting("render", "my-pilot", "--engine", "embedded")
    assert said.returncode == 0, said.stderr
    page = (tmp_path / "my-pilot" / "report.html").read_text(encoding="utf-8")
    made = [Path(line.partition(": ")[2]) for line in said.stdout.splitlines()]
    assert [path.name for path in made if path.parent.name != "profiles"] == [
        "report.html",
        "scenarios.html",
        "summary.html",
    ]
    assert len([path for path in made if path.parent.name == "profiles"]) == len(pilots)
    assert page.count("<table") >= 8
    assert page.count("<img") == 10
    assert str(tmp_path) not in page


def test_what_is_not_installed_is_asked_for_by_name(
    averting: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    said = averting("demo", "demo", "--quiet")
    assert said.returncode == 2
    assert "pip install 'averting[bayes]'" in said.stderr
    assert "Traceback" not in said.stderr
    assert not (tmp_path / "demo" / "results").exists()
