"""What the documentation shows must run, exist and agree with the code."""

from __future__ import annotations

import contextlib
import doctest
import html
import importlib.util
import io
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import averting as av
from averting.cli import app, main
from averting.costs import known_payers, load_parameters, overrides_from_table
from averting.data import load_indicators
from averting.effects import known_estimators
from averting.effects.bayes.priors import load_priors
from averting.errors import ParameterError
from averting.evaluation import load_evaluation
from averting.evaluation import toml_table as toml_table_module
from averting.evaluation.comparison import RULES
from averting.evaluation.toml_table import TomlTable


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


md = _module(Path(__file__).with_name("markdown.py"))
ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, *sorted(DOCS.glob("*.md"))]
SETTINGS = DOCS / "evaluation-toml.md"
LINKED = [*PAGES, *(ROOT / name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"))]


def _names(page: Path) -> str:
    return page.name


def assert_output(wanted: str, got: str) -> None:
    """Compare as doctest does, where ... stands for anything."""
    example, options = doctest.Example("", wanted), doctest.ELLIPSIS
    checker = doctest.OutputChecker()
    if not checker.check_output(wanted, got, options):
        pytest.fail(checker.output_difference(example, got, options))


def run_command(line: str) -> str:
    """Run one command line of averting here; return what it prints, and its refusal where it refuses."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(shlex.split(line)[1:])
        except SystemExit as ended:
            if ended.code not in (0, None):
                return out.getvalue() + err.getvalue()
    return out.getvalue()


def run_console(text: str) -> None:
    """Run every command of a console block, and compare with the lines shown under it."""
    for part in re.split(r"(?m)^\$ ", text)[1:]:
        line, _, wanted = part.partition("\n")
        assert_output(wanted, run_command(line))


def run_page(page: Path) -> None:
    """Run a page's blocks in order: Python, console, and TOML that names the file it is."""
    # a module of its own, so that what the blocks define can be found by name
    module = ModuleType(f"docs_page_{page.stem.replace('-', '_')}")
    for number, block in enumerate(md.blocks(page), 1):
        if block.not_run:
            continue
        if block.language == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(block.text, f"{page.name} block {number}", "exec"), module.__dict__)
            assert_output(block.output, out.getvalue())
        elif block.language == "console":
            run_console(block.text)
        elif named := re.match(r"# (\S+\.toml)\n", block.text):
            Path(named[1]).write_text(block.text, encoding="utf-8")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own to work in, with a schools.csv whose pilots are those that README names."""
    monkeypatch.chdir(tmp_path)
    simulated = av.simulate_pilot(seed=1, start="2022/23")
    renamed = dict(zip(simulated.pilots, ("100001", "100002", "100003"), strict=True))
    frame = simulated.frame.assign(urn=simulated.frame["urn"].replace(renamed))
    frame.to_csv(tmp_path / "schools.csv", index=False)
    return tmp_path


def test_the_pages_are_there() -> None:
    assert {page.name for page in PAGES} >= {
        "README.md",
        "costs.md",
        "effects.md",
        "evaluation-toml.md",
        "first-evaluation.md",
        "index.md",
        "simulation.md",
    }


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_page_runs_as_shown(page: Path, here: Path) -> None:
    run_page(page)
    if page.name == "first-evaluation.md":
        report = html.unescape(
            re.sub(r"<[^>]+>", "", (here / "my-pilot" / "report.html").read_text(encoding="utf-8"))
        )
        quoted = re.findall(r"(?m)^> (.+)$", md.prose(page))
        assert quoted
        assert [quote for quote in quoted if quote not in report] == []


def test_the_runner_sees_a_wrong_output(here: Path) -> None:
    page = here / "wrong.md"
    page.write_text("```python\nprint(1)\n```\n\n```text\n2\n```\n", encoding="utf-8")
    with pytest.raises(pytest.fail.Exception):
        run_page(page)
    page.write_text("```console\n$ averting check nowhere\nall is well\n```\n", encoding="utf-8")
    with pytest.raises(pytest.fail.Exception):
        run_page(page)


def test_what_is_not_run_says_that_it_needs_outside_data() -> None:
    reasons = [block.not_run for page in PAGES for block in md.blocks(page) if block.not_run]
    assert reasons == ["needs a file that you download"]


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_commands_exist(page: Path) -> None:
    for command in md.commands(page):
        words = shlex.split(command)
        if "--help" in words:
            words.remove("--help")
            known = app[words[0]] if words else app
            assert known is not None
        elif len(words) == 1:
            assert words[0] in app, command
        else:
            app.parse_args(words, exit_on_error=False, print_error=False)


def test_commands_are_found_in_every_kind_of_code() -> None:
    assert {command.split()[0] for command in md.commands(README)} >= {
        "demo",
        "new",
        "check",
        "run",
        "render",
        "sources",
    }
    assert "new my-pilot" in md.commands(DOCS / "first-evaluation.md")


@pytest.mark.parametrize("page", LINKED, ids=_names)
def test_links_resolve(page: Path) -> None:
    broken = []
    for target in md.links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        if not linked.exists() or (anchor and anchor not in md.anchors(linked)):
            broken.append(target)
    assert broken == []


def test_index_links_every_page() -> None:
    linked = {target.partition("#")[0] for target in md.links(DOCS / "index.md")}
    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} <= linked


# ------------------------------------------------------------------------- evaluation.toml: pages against the code

# every table and every branch of the settings code
_COMPLETE = """
schema = 1
[data]
[data.columns]
[data.wide]
[design]
[design.comparison]
rule = "{rule}"
[[event]]
[[estimate]]
[diagnostics]
[diagnostics.curve]
[guardrails]
[costs]
[appraisal]
[[programme]]
[[scenario]]
[[scenario.adjust]]
[[contribution]]
[[study]]
[[weight]]
[scale_up]
[protocol]
[[deviation]]
[intervention]
[roles]
[[assurance]]
[governance]
[[decision]]
"""
_KINDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    list: "list of text",
    dict: "table",
}
_REQUIRED = toml_table_module._REQUIRED


def _table_name(where: str) -> str:
    return ".".join(re.findall(r"\[+([a-z_]+)\]+", where))


@pytest.fixture
def asked(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[tuple[str, str], tuple[type, Any, tuple[str, ...]]]]:
    """Every key that the settings code asks for: its kind, default and allowed words, by (table, key)."""
    seen: dict[tuple[str, str], tuple[type, Any, tuple[str, ...]]] = {}
    take, choice = TomlTable.take, TomlTable.choice

    def taking(self: TomlTable, key: str, kind: type, default: Any = _REQUIRED, *, help: str = "") -> Any:
        seen.setdefault((_table_name(self.where), key), (kind, default, ()))
        return take(self, key, kind, default, help=help)

    def choosing(self: TomlTable, key: str, allowed: tuple[str, ...], default: Any = _REQUIRED) -> str:
        seen[_table_name(self.where), key] = (str, default, allowed)
        return choice(self, key, allowed, default)

    monkeypatch.setattr(TomlTable, "take", taking)
    monkeypatch.setattr(TomlTable, "choice", choosing)
    for rule in RULES:
        (here / "evaluation.toml").write_text(_COMPLETE.format(rule=rule), encoding="utf-8")
        with pytest.raises(av.AvertingError):
            load_evaluation(here)
    yield seen


def _documented() -> dict[tuple[str, str], list[str]]:
    found = {("", row[0].strip("`")): row for row in md.table(SETTINGS, "## Top of the file")}
    for heading in re.findall(r"(?m)^## \[+[a-z._]+\]+$", md.prose(SETTINGS)):
        name = heading.strip("# []")
        if name not in ("data.columns", "data.symbols", "scenario.override"):
            found |= {(name, row[0].strip("`")): row for row in md.table(SETTINGS, heading)}
    return found


def test_documented_keys_are_the_keys_asked_for(asked: dict[tuple[str, str], Any]) -> None:
    assert len(asked) > 40
    assert set(_documented()) == set(asked)


def test_documented_types_defaults_and_words_are_the_codes(asked: dict[tuple[str, str], Any]) -> None:
    wrong = []
    for at, row in _documented().items():
        kind, default, allowed = asked[at]
        word = row[1].replace("tables", "table") if kind is dict else row[1]
        is_kind = word == _KINDS[kind] or (
            kind is list and word in ("tables", "list of text, or table", "list of number", "list of two numbers")
        )
        if default is _REQUIRED:
            is_default = row[2] == "required"
        elif default is None or default in ([], {}):
            is_default = row[2] == "none"
        else:
            is_default = row[2] != "required" and tomllib.loads(f"x = {row[2].strip('`')}")["x"] == default
        missing = [option for option in allowed if f'"{option}"' not in row[3]]
        if not (is_kind and is_default) or missing:
            wrong.append((at, row, kind, default, missing))
    assert wrong == []


def test_documented_override_keys_are_the_keys_read() -> None:
    with pytest.raises(ParameterError) as refused:
        overrides_from_table({"ap_place": {"value": 1, "reason": "x", "nonsense": 1}}, where="here")
    known = re.search(r"Known: ([a-z_, ]+)", str(refused.value))
    assert known is not None
    rows = md.table(SETTINGS, "## [scenario.override]")
    assert {row[0].strip("`") for row in rows} == set(known[1].split(", "))


def test_every_payer_indicator_and_method_is_documented() -> None:
    text = SETTINGS.read_text(encoding="utf-8")
    assert [key for key in (*known_payers(), *load_indicators()) if f"`{key}`" not in text] == []
    effects = (DOCS / "effects.md").read_text(encoding="utf-8")
    assert [key for key in known_estimators() if f"\n## {key}\n" not in effects] == []


def test_toml_examples_parse_and_use_known_keys(asked: dict[tuple[str, str], Any]) -> None:
    free = (
        "data.columns",
        "data.symbols",
        "data.rows",
        "design.pilots",
        "scenario.override",
        "costs.override",
        "costs.deflator",
    )
    examples = [block.text for page in PAGES for block in md.blocks(page) if block.language == "toml"]
    assert len(examples) > 10
    for example in examples:
        for name, content in tomllib.loads(example).items():
            for table in content if isinstance(content, list) else [content]:
                keys = {(name, key) for key in table} if isinstance(table, dict) else {("", name)}
                keys |= {
                    (f"{name}.{key}", inner)
                    for key, values in (table.items() if isinstance(table, dict) else ())
                    if isinstance(values, dict) and f"{name}.{key}" not in free
                    for inner in values
                }
                assert keys <= set(asked), example


# ------------------------------------------------------------------------------------ pages against declared numbers


def test_pounds_on_the_costs_page_are_printed_or_declared() -> None:
    """Every amount in the text and tables stands in the output of a block, which is run, or is declared."""
    page = DOCS / "costs.md"
    amount = re.compile(r"−?£[\d,]+(?:\.\d+)?(?<!,)")
    printed = {found for block in md.blocks(page) for found in amount.findall(block.output)}
    declared = {f"£{parameter.central:,.0f}" for parameter in load_parameters("high_needs_block").values()}
    stated = amount.findall(md.prose(page))
    assert len(stated) > 30
    assert [found for found in stated if found not in printed | declared | {"£0"}] == []


def test_decimals_in_the_tables_of_the_costs_page_are_printed() -> None:
    page = DOCS / "costs.md"
    printed = {found for block in md.blocks(page) for found in re.findall(r"\d+\.\d+", block.output)}
    rows = [line for line in md.prose(page).splitlines() if line.startswith("|")]
    stated = re.findall(r"(?<!£)(?<![\d,])\d+\.\d+", " ".join(rows))
    assert len(stated) > 30
    assert [found for found in stated if found not in printed] == []


def test_numbers_of_the_worked_account_are_the_declared_ones() -> None:
    declared = load_parameters("high_needs_block")
    code = "".join(block.text for block in md.blocks(DOCS / "costs.md") if block.language == "python")
    shares = [declared[f"year_group_share_{group}"].central for group in range(7, 12)]
    assert f"hazard = {declared['return_to_mainstream_hazard'].central:.6g}\n" in code
    assert [share for share in shares if f": {share}" not in code] == []
    assert f"* {declared['provision_share'].central:.6g} * place" in code


def test_priors_on_the_page_are_the_declared_ones() -> None:
    declared = {f"`{name}`": str(prior) for name, prior in load_priors("bayes_count").items()}
    assert {row[0]: row[2] for row in md.table(DOCS / "effects.md", "### Priors")} == declared


@pytest.mark.slow
def test_error_rates_on_the_page_are_what_the_benchmark_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that are quick to do again; a table that is out of date is out of date in these too."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))  # as where the script is run: it imports its neighbour
    few_pilots = _module(ROOT / "benchmarks" / "few_pilots.py")
    rows = md.table(DOCS / "effects.md", "## Measured error rates")
    assert len(rows) == len(few_pilots.SETTINGS)
    for number, (row, (name, setting)) in enumerate(zip(rows, few_pilots.SETTINGS.items(), strict=True)):
        if name not in ("2 of 60", "1 of 20", "3 with 20 comparison schools"):
            continue
        wanted = few_pilots.row(setting, 2_000, number)
        assert [float(cell) for cell in row[1:]] == pytest.approx([*wanted[:5], wanted[-1]], abs=0.002), name


def test_no_page_names_a_machine() -> None:
    named = [page.name for page in PAGES if re.search(r"/work/|/home/|/tmp/|localhost", page.read_text("utf-8"))]
    assert named == []
