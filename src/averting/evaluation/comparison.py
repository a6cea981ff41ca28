"""``[design.comparison]`` of evaluation.toml: which rule, and its keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from averting.data.neighbours import Neighbours, read_neighbours
from averting.design import (
    ComparisonRule,
    EntropyBalancing,
    NearestNeighbours,
    SameAsPilots,
    StatisticalNeighbours,
)
from averting.errors import AvertingError
from averting.evaluation.toml_table import TomlTable

Asked = str | tuple[str, ...] | ComparisonRule
RULES = ("all", "same", "list", "nearest", "statistical_neighbours", "entropy")


def read_comparison(table: TomlTable | None, folder: Path) -> Asked:
    """Return what the table asks for; faults are noted in it.

    Parameters
    ----------
    table : TomlTable or None
        None stands for every school.
    folder : Path
        The evaluation's folder, to which paths are relative.
    """
    if table is None:
        return "all"
    rule = table.choice("rule", RULES)
    if rule == "list":
        schools = table.texts("schools", [])
        table.done()
        return schools
    readers: dict[str, Callable[[TomlTable, Path], Asked]] = {
        "nearest": _nearest,
        "statistical_neighbours": _statistical,
        "entropy": _entropy,
    }
    try:
        found = readers.get(rule, _same)(table, folder)
    except AvertingError as error:
        table.fault("on" if "on" in table.values else "rule", error.message, "")
        found = "all"
    table.done()
    return found


def _pool(table: TomlTable, on: tuple[str, ...]) -> SameAsPilots:
    """Read which schools may be taken at all; these keys are every rule's."""
    return SameAsPilots(
        on=on,
        balanced=bool(table.take("balanced", bool, True)),
        exclude=table.texts("exclude", []),
        exclude_same_la=bool(table.take("exclude_same_la", bool, False)),
    )


def _same(table: TomlTable, folder: Path) -> Asked:
    everybody = table.values.get("rule") == "all"
    return _pool(table, () if everybody else table.texts("on", ["phase", "region"]))


def _nearest(table: TomlTable, folder: Path) -> Asked:
    kind = table.choice("distance", ("standardised", "mahalanobis"), "standardised")
    distance: Literal["standardised", "mahalanobis"] = "mahalanobis" if kind == "mahalanobis" else "standardised"
    return NearestNeighbours(
        k=table.take("k", int, 10),
        on=table.texts("on", []),
        distance=distance,
        replace=bool(table.take("replace", bool, True)),
        caliper=table.take("caliper", float, None),
        pool=_pool(table, table.texts("same", [])),
    )


def _statistical(table: TomlTable, folder: Path) -> Asked:
    help = "Give the path of the DfE's .xlsx, or of a .csv, from this folder."
    path = table.path("neighbours", folder, help=help)
    most, pool = table.take("most", int, 10), _pool(table, table.texts("same", []))
    neighbours = read_neighbours(path) if path else Neighbours({}, {})
    return StatisticalNeighbours(neighbours, most=most, pool=pool)


def _entropy(table: TomlTable, folder: Path) -> Asked:
    return EntropyBalancing(
        on=table.texts("on", []),
        by_period=table.texts("by_period", []),
        moments=table.take("moments", int, 1),
        pool=_pool(table, table.texts("same", [])),
    )
