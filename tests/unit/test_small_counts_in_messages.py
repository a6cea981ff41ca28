"""No message depends on a small count: data that differ in small counts only are refused in the same words."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from averting.data import Panel, read_panel
from averting.data.disclosure import CountTable, Sum, load_rules, protect
from averting.design import Design
from averting.effects import estimate
from averting.errors import AvertingError

SCHOOLS, YEARS = 4, ("2016/17", "2017/18", "2018/19", "2021/22")
FAULTS: dict[str, Callable[[str], str]] = {
    "negative": lambda count: f"-{count}",
    "fractional": lambda count: f"{count}.5",
    "starred": lambda count: f"{count}*",
    "words": lambda count: f"{count} pupils",
    "approximate": lambda count: f"~{count}",
    "spaced": lambda count: f"{count} {count}",
    "exponent": lambda count: f"{count}e-1",
}
SPOILS = ("count", "duplicate", "no_exposure", "zero_exposure", "year", "column", "none")
small = st.lists(st.integers(1, 4), min_size=SCHOOLS * len(YEARS), max_size=SCHOOLS * len(YEARS))


def frame(counts: list[int]) -> pd.DataFrame:
    rows = [(f"9000{s:02d}", year) for s in range(SCHOOLS) for year in YEARS]
    table = pd.DataFrame(rows, columns=["urn", "year"])
    return table.assign(perm=[str(count) for count in counts], pupils="1000")


def spoil(table: pd.DataFrame, how: str, fault: str, at: int) -> pd.DataFrame:
    table = table.copy()
    if how == "count":
        table.loc[at, "perm"] = FAULTS[fault](str(table.loc[at, "perm"]))
    elif how == "duplicate":
        table = pd.concat([table, table.iloc[[at]]], ignore_index=True)
    elif how in ("no_exposure", "zero_exposure"):
        table.loc[at, "pupils"] = "" if how == "no_exposure" else "0"
    elif how == "year":
        table.loc[at, "year"] = "soon"
    elif how == "column":
        table = table.drop(columns="pupils")
    return table


def message(work: Callable[[], object]) -> str:
    try:
        return repr(work())
    except AvertingError as error:
        return str(error)


def through_everything(table: pd.DataFrame, path: Path, start: str) -> list[str]:
    def panel() -> Panel:
        return Panel.from_frame(
            table, school="urn", period="year", counts={"permanent_exclusions": "perm"}, exposure="pupils"
        )

    def reader() -> Panel:
        columns = {"school": "urn", "period": "year", "exposure": "pupils", "permanent_exclusions": "perm"}
        return read_panel(path, source="tidy", columns=columns)

    def design(pilots: list[str]) -> Design:
        return Design(panel(), pilots, start=start)

    table.to_csv(path, index=False)
    return [
        message(panel),
        message(reader),
        message(lambda: design(["900000"])),
        message(lambda: design(["900000", "111111"])),
        message(lambda: estimate(design(["900000"]), "suspensions", draws=100)),
    ]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.tuples(small, small),
    st.sampled_from(SPOILS),
    st.sampled_from(sorted(FAULTS)),
    st.integers(0, SCHOOLS * len(YEARS) - 1),
    st.sampled_from(["2018/19", "2030/31"]),
)
def test_readers_panels_and_designs_say_the_same_whatever_the_small_counts(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    counts: tuple[list[int], list[int]],
    how: str,
    fault: str,
    at: int,
    start: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    one, other = (
        through_everything(spoil(frame(given_counts), how, fault, at), tmp_path / "schools.csv", start)
        for given_counts in counts
    )
    assert one == other
    assert not [record for record in caplog.records if record.name.startswith("averting")]


@settings(max_examples=15)
@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from(["sum", "tables", "told", "release", "rules"]))
def test_disclosure_control_says_the_same_whatever_the_small_counts(first: int, second: int, how: str) -> None:
    rules = load_rules("under_five_exact")
    keys = (("a",), ("b",), ("all",))
    sums = (Sum(("all",), keys[:2]),)

    def table(count: int, *, off: int = 0, told: frozenset[tuple[str, ...]] = frozenset()) -> CountTable:
        values = np.array([count, 20.0, 20.0 + count + off])
        return CountTable("counts", keys, values, values, sums, told)

    def attempt(count: int) -> object:
        if how == "sum":
            return table(count, off=1)
        if how == "tables":
            other = CountTable("other", (("a",),), np.array([count + 1.0]), np.array([count + 1.0]))
            return protect([table(count), other], rules)
        if how == "told":
            return protect([table(count, told=frozenset({("a",)}))], rules)[1].to_dict()
        if how == "release":
            public, _ = protect([table(count)], rules)
            later = CountTable("later", (("a",),), np.array([30.0]), np.array([30.0]))
            return protect([later], rules, previous=public)
        return load_rules("none such")

    assert message(lambda: attempt(first)) == message(lambda: attempt(second))
