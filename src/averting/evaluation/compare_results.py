"""Compare two results folders: bytes where the same software made them, else numbers within tolerances.

A column, a list or an array of numbers agrees where no number is further off than the tolerance times the largest of
them: rounding differs between versions of NumPy and SciPy by less than :data:`EXACT`. What rests on a Bayesian fit may
differ by :data:`SAMPLED`, which allows for another path of the sampler with some thousands of draws. Text must be the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from averting.data.written import read_table
from averting.evaluation.store import KEY
from averting.provenance import tree_hashes

EXACT, SAMPLED = 1e-6, 0.1
_NOT_RESULTS = ("inputs", "stages")


@dataclass(frozen=True)
class Difference:
    """One file that is not the same in both folders.

    Parameters
    ----------
    file : str
        Path below the results.
    what : str
        What differs, in words; never a number of the results.
    off : float or None
        How far numbers are off, relative to the largest beside them; None where that cannot be said.
    tolerated : bool
        Whether that is within the tolerance.
    """

    file: str
    what: str
    off: float | None = None
    tolerated: bool = False

    def __str__(self) -> str:
        return f"{self.file}: {self.what}" + (
            "" if self.off is None else f" (off by {self.off:.1g} of the largest)"
        )


def differences(old: Path, new: Path, *, exact: bool) -> tuple[Difference, ...]:
    """List the files of two results folders that differ.

    Parameters
    ----------
    old, new : Path
        Folders as :func:`averting.run` writes them.
    exact : bool
        Whether every byte must agree; else numbers may differ within tolerances, and keys of stages are not compared.
    """
    one, other = tree_hashes(old, "*"), tree_hashes(new, "*")
    found = [Difference(name, "only in the results that are verified") for name in one if name not in other]
    found += [Difference(name, "only in the results made now") for name in other if name not in one]
    changed = [name for name in one if name in other and one[name] != other[name]]
    if exact:
        return (*found, *(Difference(name, _described(old, new, name)) for name in changed))
    numbers = [name for name in changed if Path(name).name != KEY]
    return (*found, *(_near(old, new, name) for name in numbers if _values(old / name) != _values(new / name)))


def _described(old: Path, new: Path, name: str) -> str:
    worst = _worst(old / name, new / name)
    return "bytes differ, values do not" if worst is not None and worst[1] == 0 else f"differs at {_place(worst)}"


def _place(worst: tuple[str, float] | None) -> str:
    return worst[0] if worst else "its words or layout"


def _near(old: Path, new: Path, name: str) -> Difference:
    worst = _worst(old / name, new / name)
    if worst is None:
        return Difference(name, "words or layout differ")
    limit = SAMPLED if _sampled(old, name) else EXACT
    return Difference(name, f"numbers differ at {worst[0]}", worst[1], worst[1] <= limit)


def _sampled(results: Path, name: str) -> bool:
    """Whether a file rests on a posterior: its own estimate's, or that of any where it belongs to none."""
    stage = results / Path(*Path(name).parts[:2])
    own = [stage / "effect.json"] if (stage / "effect.json").is_file() else results.glob("estimates/*/effect.json")
    return any(json.loads(path.read_text(encoding="utf-8"))["draw_kind"] == "posterior" for path in own)


def _values(path: Path) -> dict[str, Any]:
    """Return what a file says as named lists of numbers or text."""
    if path.suffix == ".csv":
        return {str(name): _plain(column.to_numpy()) for name, column in read_table(path).items()}
    if path.suffix == ".json":
        record = json.loads(path.read_text(encoding="utf-8"))
        kept = {k: v for k, v in record.items() if k not in _NOT_RESULTS} if isinstance(record, dict) else record
        return {where: _plain([value]) for where, value in _leaves(kept, "")}
    if path.suffix == ".nc":
        with xr.open_dataset(path, engine="scipy") as stored:
            return {str(name): _plain(array.to_numpy().ravel()) for name, array in stored.variables.items()}
    return {"text": [path.read_bytes().decode("utf-8", "replace")]}


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{where} {key}".strip())
    elif isinstance(value, list) and not all(_is_number(item) for item in value):
        for at, item in enumerate(value):
            yield from _leaves(item, f"{where} {at}")
    else:
        yield where, value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(values: Any) -> list[Any]:
    flat = values[0] if len(values) == 1 and isinstance(values[0], list) else list(values)
    return ["" if value is None or value != value else value for value in flat]  # no NaN: it equals nothing


def _worst(old: Path, new: Path) -> tuple[str, float] | None:
    """Return where numbers are furthest apart and how far, relative to the largest; None where words differ."""
    one, other = _values(old), _values(new)
    if one.keys() != other.keys():
        return None
    worst = ("", 0.0)
    for name, values in one.items():
        if values == other[name]:
            continue
        first, second = _numbers(values), _numbers(other[name])
        if first is None or second is None or first.shape != second.shape:
            return None
        if not np.array_equal(np.isfinite(first), np.isfinite(second)):
            return None
        sound = np.isfinite(first)
        scale = max(
            float(np.abs(first[sound]).max(initial=0)), float(np.abs(second[sound]).max(initial=0)), 1e-300
        )
        off = float(np.abs(first[sound] - second[sound]).max(initial=0)) / scale
        worst = max(worst, (name, off), key=lambda place: place[1])
    return worst


def _numbers(values: list[Any]) -> npt.NDArray[np.float64] | None:
    try:
        return np.array([np.nan if value == "" else value for value in values], dtype=np.float64)
    except (TypeError, ValueError):
        return None
