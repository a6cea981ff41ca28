"""Tables of counts before and after disclosure control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from averting.data.disclosure.protection import Floats
from averting.errors import DisclosureError, Fault, refuse

Key = tuple[str, ...]
ALL = "all"
WITHHELD = "c"
"""What stands in place of a withheld number, as in DfE's open data standards."""


@dataclass(frozen=True)
class Sum:
    """A cell that is the sum of others.

    Parameters
    ----------
    total : tuple of str
        Key of the total.
    parts : tuple of tuple of str
        Keys of its parts.
    """

    total: Key
    parts: tuple[Key, ...]


@dataclass(frozen=True, eq=False)
class CountTable:
    """Counts before disclosure control: for inside use only.

    Parameters
    ----------
    name : str
        What the table is called in the record.
    keys : tuple of tuple of str
        What each cell counts. The same key in two tables or releases is the same count.
    lower, upper : array of float, shape (cell,)
        Bounds of each count, equal where it is known.
    sums : tuple of Sum
        How cells add up. Every total and subgroup that a reader could form is to be among them.
    told : frozenset of tuple of str
        Cells that a reader learns from elsewhere, so that they cannot be withheld.

    Raises
    ------
    DisclosureError
        If a key occurs twice, a sum names a cell that is not there or does not add up, or a count is not whole.
    """

    name: str
    keys: tuple[Key, ...]
    lower: Floats
    upper: Floats
    sums: tuple[Sum, ...] = ()
    told: frozenset[Key] = frozenset()

    def __post_init__(self) -> None:
        at = {key: i for i, key in enumerate(self.keys)}
        faults = [Fault(self.name, "two cells share a key", "Give each its own")] * (len(at) < len(self.keys))
        for bounds in (self.lower, self.upper):
            if (
                bounds.shape != (len(self.keys),)
                or not np.array_equal(bounds, np.round(bounds))
                or (bounds < 0).any()
            ):
                faults.append(
                    Fault(self.name, "its counts are not whole numbers, one for each key", "Correct them")
                )
            elif not faults:
                faults += self._sum_faults(at, bounds)
        refuse(DisclosureError, "A table of counts cannot be protected", dict.fromkeys(faults))

    def _sum_faults(self, at: Mapping[Key, int], bounds: Floats) -> list[Fault]:
        faults = []
        for total, parts in ((s.total, s.parts) for s in self.sums):
            where = f"{self.name}, {' / '.join(total)}"
            if not {total, *parts} <= set(at):
                faults.append(Fault(where, "a sum names a cell that is not in the table", "Add the cell"))
            elif bounds[at[total]] != sum(bounds[at[part]] for part in parts):
                faults.append(Fault(where, "the cell is not the sum of its parts", "Correct the cells or the sum"))
        return faults

    @classmethod
    def from_counts(
        cls, name: str, labels: Sequence[Sequence[str]], counts: NDArray[np.int64], *, prefix: Key = ()
    ) -> CountTable:
        """Make a table with every margin from its inner cells.

        Parameters
        ----------
        name : str
            What the table is called.
        labels : sequence of sequences of str
            Labels along each dimension; ``all`` is kept for margins.
        counts : array of int, one dimension for each sequence of labels
            Inner cells.
        prefix : tuple of str
            Put before each key, for example the indicator.
        """
        margins, sums = np.asarray(counts, dtype=float), []
        for axis in range(margins.ndim):
            margins = np.concatenate([margins, margins.sum(axis=axis, keepdims=True)], axis=axis)
        wider = [(*names, ALL) for names in labels]
        keys = tuple((*prefix, *key) for key in product(*wider))
        for axis, names in enumerate(labels):
            for key in product(*wider[:axis], [ALL], *wider[axis + 1 :]):
                parts = tuple((*prefix, *key[:axis], part, *key[axis + 1 :]) for part in names)
                sums.append(Sum((*prefix, *key), parts))
        return cls(name, keys, margins.ravel(), margins.ravel(), tuple(sums))


@dataclass(frozen=True, eq=False)
class PublicTable:
    """A table after disclosure control: holds nothing that may not be known.

    Parameters
    ----------
    name, keys, sums
        As in :class:`CountTable`.
    lower, upper : array of float, shape (cell,)
        What is printed, rounded; NaN where withheld.
    least, most : array of float, shape (2, cell)
        Least and most that the printed table itself says of the cell's lower bound (row 0) and upper bound
        (row 1); infinite where it says nothing.
    """

    name: str
    keys: tuple[Key, ...]
    sums: tuple[Sum, ...]
    lower: Floats
    upper: Floats
    least: Floats
    most: Floats

    @property
    def withheld(self) -> frozenset[Key]:
        """Keys of the withheld cells."""
        return frozenset(key for key, value in zip(self.keys, self.lower, strict=True) if np.isnan(value))

    def to_dict(self) -> dict[str, object]:
        """Return the table as plain values for JSON; null where withheld or unlimited."""
        plain = {
            name: np.where(np.isfinite(values), values, np.nan).tolist()
            for name in ("lower", "upper", "least", "most")
            for values in [getattr(self, name)]
        }
        sums = [[list(s.total), [list(part) for part in s.parts]] for s in self.sums]
        arrays = {name: _nulls(values) for name, values in plain.items()}
        return {"name": self.name, "keys": [list(key) for key in self.keys], "sums": sums, **arrays}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PublicTable:
        """Read what :meth:`to_dict` wrote."""
        lower, upper, least, most = (
            np.array(values[name], dtype=float) for name in ("lower", "upper", "least", "most")
        )
        return cls(
            name=values["name"],
            keys=tuple(tuple(key) for key in values["keys"]),
            sums=tuple(Sum(tuple(total), tuple(tuple(p) for p in parts)) for total, parts in values["sums"]),
            lower=lower,
            upper=upper,
            least=least,
            most=np.where(np.isnan(most), np.inf, most),
        )


def _nulls(values: Any) -> Any:
    if isinstance(values, list):
        return [_nulls(value) for value in values]
    return None if values != values else values
