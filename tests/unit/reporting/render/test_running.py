"""Running cells: errors by line, parameters, cache, and a kernel that never outlives its report."""

from __future__ import annotations

import json
import os
import signal
import threading

import psutil
import pytest

from averting.errors import RenderError
from averting.reporting.render import cache, kernel, render


def _kernels() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if any("ipykernel" in word for word in child.cmdline())]


def _message(source, **options) -> str:
    with pytest.raises(RenderError) as caught:
        render(source, engine="embedded", **options)
    assert _kernels() == []
    return str(caught.value)


FAILING = """\
```{python}
#| echo: false
def divide(x):
    return 1 / x
```

text

```{python}
#| label: second

y = 1
z = divide(
    0
)
```
"""


def test_failing_cell_names_the_innermost_line_and_leaves_the_old_page(report):
    source = report(FAILING)
    old = source.with_suffix(".html")
    old.write_text("the page of yesterday", encoding="utf-8")
    message = _message(source)
    assert message.startswith("report.qmd:8: ZeroDivisionError: division by zero.")
    assert old.read_text(encoding="utf-8") == "the page of yesterday"
    assert sorted(path.name for path in source.parent.iterdir()) == ["report.html", "report.qmd"]


def test_failing_inline_code_names_its_line(report):
    source = report("`{python} 1`\n\nfine `{python} 2`\nbroken `{python} nothing`")
    assert _message(source).startswith("report.qmd:8: NameError: name 'nothing' is not defined")


def test_syntax_error_in_an_included_cell(report):
    source = report("{{< include part.qmd >}}", part__qmd="```{python}\nx = 1\ny = (\n```\n")
    message = _message(source)
    assert "part.qmd:3: SyntaxError: '(' was never closed" in message


def test_dead_kernel(report):
    message = _message(report("```{python}\nx = 1\n```\n\n```{python}\nimport os\nos._exit(3)\n```"))
    assert message.startswith("report.qmd:10: Python ended")


def test_cell_that_takes_too_long(report, monkeypatch):
    monkeypatch.setattr(kernel, "CELL_TIMEOUT", 1)
    message = _message(report("```{python}\nimport time\ntime.sleep(60)\n```"))
    assert message.startswith("report.qmd:6: the cell ran for more than 1 s")


def test_interrupt_ends_the_kernel(report):
    source = report("```{python}\nimport time\ntime.sleep(60)\n```")
    started = []

    def progress(words: str) -> None:
        if "running" in words:
            started.extend(_kernels())
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()

    # a job started in the background inherits a shell's ignored SIGINT, and Python then raises nothing
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            render(source, engine="embedded", progress=progress)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(started) >= 1
    assert _kernels() == []
    assert not source.with_suffix(".html").exists()


PARAMETERS = (
    "```{python}\n#| tags: [parameters]\nschools = 3\nname = 'a'\n```\n\n`{python} f'{schools} of {name}'`"
)


def test_parameters(report):
    html = render(report(PARAMETERS), engine="embedded", parameters={"schools": 9, "name": "<b>"}).read_text(
        "utf-8"
    )
    assert "9 of &lt;b&gt;" in html


@pytest.mark.parametrize(
    ("body", "parameters", "what"),
    [
        (PARAMETERS, {"school": 9}, "report.qmd:5: there is no parameter 'school'. Declared: name, schools."),
        (PARAMETERS, {"schools": object()}, "Parameter 'schools' is a object"),
        ("text", {"schools": 9}, "no cell has the option 'tags: [parameters]'"),
        (PARAMETERS + "\n\n" + PARAMETERS, {}, "report.qmd:13: a second cell is tagged"),
    ],
)
def test_wrong_parameters(report, body, parameters, what):
    assert what in _message(report(body), parameters=parameters)


def _count_runs(source, **options) -> int:
    told = []
    render(source, engine="embedded", progress=told.append, **options)
    return sum("running" in words for words in told)


def test_cache_follows_code_data_and_parameters(report):
    source = report(PARAMETERS)
    assert _count_runs(source, cache_key=["data 1"]) == 2
    assert _count_runs(source, cache_key=["data 1"]) == 0
    assert _count_runs(source, cache_key=["data 2"]) == 2
    assert _count_runs(source, cache_key=["data 1"], parameters={"schools": 4}) == 2
    entries = list((source.parent / cache.FOLDER).glob("*.json"))
    assert len(entries) == 3
    assert (source.parent / cache.FOLDER / ".gitignore").read_text() == "*\n"


def test_damaged_cache_is_ignored(report):
    source = report("`{python} 6 * 7` schools")
    first = render(source, engine="embedded").read_bytes()
    (entry,) = (source.parent / cache.FOLDER).glob("*.json")
    good = json.loads(entry.read_text())
    for damage in (b"", b"\xff\xfe", b"[]", json.dumps({**good, "outputs": []}).encode()):
        entry.write_bytes(damage)
        assert cache.load(source, good["key"], len(good["outputs"])) is None
    assert render(source, engine="embedded").read_bytes() == first
    assert json.loads(entry.read_text()) == good


def test_old_cache_entries_are_dropped(tmp_path):
    source = tmp_path / "report.qmd"
    for number in range(12):
        assert cache.store(source, f"{number:016d}", [[]])
    assert len(list((tmp_path / cache.FOLDER).glob("*.json"))) == 8


def test_each_set_of_parameters_keeps_entries_of_its_own(tmp_path):
    source = tmp_path / "report.qmd"
    for variant in (f"{number:08d}" for number in range(12)):
        assert cache.store(source, "0" * 16, [[]], variant=variant)
    assert len(list((tmp_path / cache.FOLDER).glob("*.json"))) == 12
    assert cache.load(source, "0" * 16, 1, variant="00000003") == [[]]
    assert cache.load(source, "0" * 16, 1) is None


def test_cache_that_cannot_be_written(tmp_path):
    (tmp_path / cache.FOLDER).write_text("a file in the way")
    assert not cache.store(tmp_path / "report.qmd", "0" * 16, [[]])


def test_a_report_without_code_starts_no_python(report):
    told = []
    render(report("Only words."), engine="embedded", progress=told.append)
    assert not any("starting Python" in words for words in told)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("```{python}\n#| label: fig-a\nx = 1\n```", "nothing is shown under the label 'fig-a'"),
        (
            "```{python}\nfrom IPython.display import SVG\nSVG('<svg/>')\n```",
            "the cell shows 1 image and has 0 alternative",
        ),
        (
            "```{python}\nfrom IPython.display import display\ndisplay({'application/x': '1'}, raw=True)\n```",
            "the cell displays only application/x",
        ),
        (
            "```{python}\n#| label: tbl-a\n#| tbl-cap: C\nfrom IPython.display import HTML\n"
            "HTML('<table><caption>Own</caption><tr><td>1</td></tr></table>')\n```",
            "the table under 'tbl-a' has a caption and a tbl-cap",
        ),
    ],
)
def test_outputs_that_cannot_be_shown(report, body, what):
    message = _message(report(body))
    assert "report.qmd:5: " in message
    assert what in message


def test_an_output_no_notebook_can_hold(report):
    message = _message(
        report("```{python}\nfrom IPython.display import display\ndisplay({'a/x': 1}, raw=True)\n```")
    )
    assert message.startswith("report.qmd:6: the cell could not be run: ")
    assert "\n" not in message
