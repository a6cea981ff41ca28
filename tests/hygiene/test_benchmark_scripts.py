"""Every script of ``benchmarks`` finds what it uses: one that a rename has broken is noticed before someone runs it."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPTS = sorted(path.stem for path in BENCHMARKS.glob("*.py"))


@pytest.fixture
def found_as_when_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the scripts' folder first on the path, as Python does for the script it runs."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield
    for name in SCRIPTS:
        sys.modules.pop(name, None)


def missing(module: ModuleType, text: str) -> Iterator[str]:
    """Yield names that code takes from averting or from its neighbours, at any depth, and that are not there."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.ImportFrom(module=str(source)) if source.split(".")[0] in ("averting", *SCRIPTS):
                from_there = importlib.import_module(source)
                modules = {one.name for one in iter_modules(getattr(from_there, "__path__", []))}
                names = {one.name for one in node.names} - modules
                yield from (f"{source}.{name}" for name in sorted(names) if not hasattr(from_there, name))
            case ast.Attribute(value=ast.Name(id=held), attr=name):
                of = getattr(module, held, None)
                if isinstance(of, ModuleType) and not hasattr(of, name):
                    yield f"{of.__name__}.{name}"


@pytest.mark.usefixtures("found_as_when_run")
@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_finds_what_it_uses(name: str) -> None:
    module = importlib.import_module(name)
    assert list(missing(module, (BENCHMARKS / f"{name}.py").read_text(encoding="utf-8"))) == []


def test_a_name_that_moved_is_noticed() -> None:
    """As once: ``sources`` had moved from ``tables``, and nothing but a run of the script would have said so."""
    used = ModuleType("used")
    text = """
from averting.reporting import tables
REPORT = {"sources": tables.sources, "scenarios": tables.scenarios}
def later():
    from averting.data import no_such_reader
    from averting.data import disclosure
"""
    exec(compile("from averting.reporting import tables", "used", "exec"), used.__dict__)
    assert set(missing(used, text)) == {"averting.reporting.tables.sources", "averting.data.no_such_reader"}
