import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from averting.costs.references import known_references, parse_references
from averting.errors import ParameterError
from averting.resources import models_dir

BIB = """
% a comment with @ and {
@misc{one, title = {The {NHS} report,
  in two lines}, year = 2019, institution = {DfE}, url = {https://example.org/a}}
@book{two,
  author = "Ann {"}Q{"} Other", title = {Two}, year = {2020},
}
"""


def test_reads_braces_quotes_bare_values_and_line_breaks() -> None:
    found = parse_references(BIB, where="x.bib")
    assert list(found) == ["one", "two"]
    assert found["one"].title == "The NHS report, in two lines"
    assert (found["one"].year, found["one"].author) == ("2019", "DfE")
    assert found["one"].short() == "DfE (2019). The NHS report, in two lines. https://example.org/a"
    assert found["two"].author == 'Ann "Q" Other'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@misc{a, title={T}, year={2000}}", "a] has no author"),
        ("@misc{a, author={A}}", "no title and no year"),
        ("@misc{a, title={T, year={2000}, author={A}", "not closed"),
        ("@misc{a, title={T}, year={1}, author={A}}@misc{a, title={T}, year={1}, author={A}}", "appears twice"),
    ],
)
def test_a_broken_entry_is_refused(text: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        parse_references(text, where="x.bib")


def _cited(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("source", "sources"):
                yield from [value] if isinstance(value, str) else value
            else:
                yield from _cited(value)
    elif isinstance(node, list):
        for value in node:
            yield from _cited(value)


def _citations(path: Path) -> set[str]:
    with path.open("rb") as handle:
        return set(_cited(tomllib.load(handle)))


def test_every_cited_key_exists() -> None:
    # Indicators, symbols and priors may cite in plain words instead.
    cost_files = [models_dir() / "prices.toml", models_dir() / "discounting.toml"]
    for path in [*cost_files, *sorted((models_dir() / "costs").glob("*.toml"))]:
        assert _citations(path), path.name
        assert _citations(path) <= set(known_references()), path.name


def test_every_source_is_cited() -> None:
    cited = set().union(*(_citations(path) for path in models_dir().rglob("*.toml")))
    assert set(known_references()) <= cited
