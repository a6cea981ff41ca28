"""The Quarto engine, driven with a stand-in for the command that records how it was called."""

from __future__ import annotations

import json
import os
import sys

import pytest

from averting.errors import MissingExtraError, RenderError
from averting.reporting import render as package
from averting.reporting.render import render

STAND_IN = """\
#!{python}
import json, os, sys
seen = {{name: os.environ.get(name) for name in ("AVERTING_RENDER", "PYTHONHASHSEED", "QUARTO_PYTHON")}}
params = next((open(sys.argv[i + 1]).read() for i, word in enumerate(sys.argv) if word == "--execute-params"), "")
json.dump({{"argv": sys.argv[1:], "cwd": os.getcwd(), "env": seen, "params": params}}, open({record!r}, "w"))
{body}
"""


@pytest.fixture
def quarto(tmp_path, monkeypatch):
    record = tmp_path / "record.json"

    def install(body: str):
        command = tmp_path / "bin" / "quarto"
        command.parent.mkdir(exist_ok=True)
        command.write_text(STAND_IN.format(python=sys.executable, record=str(record), body=body), encoding="utf-8")
        command.chmod(0o755)
        monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
        return record

    return install


def test_auto_takes_quarto_where_it_is(report, quarto):
    record = quarto('print("<html><p>By Quarto</p></html>")')
    source = report("text")
    target = render(source, parameters={"schools": 3})
    assert "By Quarto" in target.read_text(encoding="utf-8")
    call = json.loads(record.read_text())
    assert call["argv"][:6] == ["render", "report.qmd", "--to", "html", "--output", "-"]
    assert call["cwd"] == str(source.parent)
    assert call["env"] == {"AVERTING_RENDER": "1", "PYTHONHASHSEED": "0", "QUARTO_PYTHON": sys.executable}
    assert json.loads(call["params"]) == {"schools": 3}


def test_its_error_is_passed_on_and_the_old_page_stays(report, quarto):
    quarto('print("ERROR: no such thing", file=sys.stderr); sys.exit(1)')
    source = report("text")
    source.with_suffix(".html").write_text("old", encoding="utf-8")
    with pytest.raises(
        RenderError, match=r"(?s)report\.qmd: quarto render failed \(exit 1\).*ERROR: no such thing"
    ):
        render(source, engine="quarto")
    assert source.with_suffix(".html").read_text(encoding="utf-8") == "old"


def test_outside_loads_are_refused_here_too(report, quarto):
    quarto("""print('<script src="https://cdn.jsdelivr.net/x.js"></script>')""")
    with pytest.raises(RenderError, match="the page would load"):
        render(report("text"), engine="quarto")


def test_quarto_asked_for_but_absent(report, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RenderError, match="no 'quarto' on the PATH"):
        render(report("text"), engine="quarto")


def test_missing_extra(report, monkeypatch):
    monkeypatch.setattr(package, "_NEEDED", ("nbclient", "a_module_nobody_has"))
    with pytest.raises(MissingExtraError, match=r"averting\[report\]"):
        render(report("text"), engine="embedded")
