"""Which cost lines count the same money: declared in ``models/overlaps.toml``, and refused when used together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from averting.errors import Fault
from averting.resources import read_model

type Table = Mapping[str, Any]


@cache
def known_overlaps() -> tuple[tuple[frozenset[str], str], ...]:
    """Return sets of lines of which no two may be counted together, each with the reason."""
    declared = read_model("overlaps.toml")["overlap"]
    return tuple((lines, str(entry["why"])) for entry in declared for lines in _together(entry))


def _together(entry: Table) -> list[frozenset[str]]:
    """Return the sets that an entry declares: one, or with ``against`` a pair for each two lines across its lists."""
    if "against" not in entry:
        return [frozenset(entry["lines"])]
    return [frozenset(pair) for pair in product(entry["lines"], entry["against"])]


def overlap_matrix(lines: Sequence[str]) -> NDArray[np.bool_]:
    """Return which lines count the same money: shape (line, line), symmetric, False on the diagonal."""
    matrix = np.zeros((len(lines), len(lines)), dtype=np.bool_)
    for (row, one), (column, other) in combinations(enumerate(lines), 2):
        same = any({one, other} <= together for together, _ in known_overlaps())
        matrix[row, column] = matrix[column, row] = same
    return matrix


def overlap_faults(lines: Sequence[str], *, where: str) -> list[Fault]:
    """Return a fault for every two lines that count the same money, with the declared reason."""
    found = []
    for one, other in combinations(lines, 2):
        for together, why in known_overlaps():
            if {one, other} <= together:
                what = f"lines '{one}' and '{other}' count the same money: {why}"
                found.append(Fault(where, what, "Use the family of one of them"))
    return found


def repeated_faults(plain: Mapping[str, Table], *, where: str) -> list[Fault]:
    """Return a fault for two plain lines with the same quantity and unit cost that are not parts of one whole.

    Two lines may share them only where one takes a share and the other the rest of it.
    """
    found = []
    for (one, first), (other, second) in combinations(plain.items(), 2):
        if any(first[name] != second[name] for name in ("quantity", "unit_cost")):
            continue
        if first.get("share") and second.get("rest_of") == first["share"]:
            continue
        if second.get("share") and first.get("rest_of") == second["share"]:
            continue
        what = f"lines '{one}' and '{other}' both count {first['quantity']} x {first['unit_cost']}"
        found.append(Fault(where, what, "Keep one, or make one the rest_of the other's share"))
    return found
