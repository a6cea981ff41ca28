"""The registry: a new file is enough to add one, and a file that declares nothing is an error."""

from __future__ import annotations

import importlib
import sys

import pytest

from averting.registry import collect


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a package of modules and make it importable."""

    def write(**modules):
        home = tmp_path / "things_for_registry"
        home.mkdir()
        for name, text in {"__init__": "", **modules}.items():
            (home / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()
        return "things_for_registry"

    yield write
    for name in [name for name in sys.modules if name.startswith("things_for_registry")]:
        del sys.modules[name]


def test_each_module_gives_one_in_order_of_names(package):
    name = package(b="THING = 2", a="THING = 1", c="THING = 3\nOTHER = 'x'")
    assert list(collect(name, "THING", int).items()) == [("a", 1), ("b", 2), ("c", 3)]


def test_an_empty_package_gives_nothing(package):
    assert collect(package(), "THING", int) == {}


@pytest.mark.parametrize("text", ["", "THING = 'text'", "thing = 1", "THING = None"])
def test_a_module_that_declares_something_else_is_named(package, text):
    name = package(a="THING = 1", odd=text)
    with pytest.raises(TypeError, match=r"things_for_registry\.odd must declare THING of type int"):
        collect(name, "THING", int)
