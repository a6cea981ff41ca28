"""Run results again from their own record, and say whether they come out the same."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from averting.effects.estimator import Progress, silent
from averting.errors import EvaluationError, Fault, refuse
from averting.evaluation.compare_results import Difference, differences
from averting.evaluation.runner import check_evaluation, software, write_results
from averting.evaluation.sequence import READING
from averting.evaluation.settings import FILE, INDICATORS, Evaluation, read_evaluation
from averting.evaluation.store import Store, harmed
from averting.provenance import file_hash
from averting.reporting.results import Results, open_results


@dataclass(frozen=True)
class Verified:
    """What came of running results again.

    Parameters
    ----------
    results : Path
        The folder that was verified.
    software : tuple of str
        What differs between the software that made them and this one, in words; empty where nothing does. Only then
        must every byte agree.
    harmed : tuple of str
        Stages whose files are not as they were written.
    differences : tuple of Difference
        Files that came out otherwise, with what differs most in each.
    """

    results: Path
    software: tuple[str, ...]
    harmed: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def holds(self) -> bool:
        """Whether they are the same: byte for byte on the same software, else within the stated tolerances."""
        return not self.harmed and not any(not found.tolerated for found in self.differences)

    def lines(self) -> list[str]:
        """Return the answer in sentences; no number of a result is in them."""
        basis = "byte for byte" if not self.software else "within tolerances, because the software differs"
        said = [f"{'verified' if self.holds else 'NOT verified'}: {self.results}, compared {basis}"]
        said += [f"software: {one}" for one in self.software]
        said += [f"changed since it was written: stage {stage}" for stage in self.harmed]
        said += [str(found) for found in self.differences if not found.tolerated]
        near = sum(found.tolerated for found in self.differences)
        return said + ([f"{near} files differ within tolerances"] if near else [])

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain values, for JSON."""
        return {"holds": self.holds, **asdict(self), "results": str(self.results)}


def verify(results: str | Path, *, data: str | Path | None = None, progress: Progress = silent) -> Verified:
    """Run a results folder again from the ``evaluation.toml`` it keeps, and compare every file.

    Nothing is written beside it. On the same versions, code and declared costs every byte must agree. On others numbers
    must agree within the tolerances of :mod:`averting.evaluation.compare_results`.

    Parameters
    ----------
    results : str or Path
        A ``results`` folder, or the evaluation's folder that holds it.
    data : str or Path, optional
        Where the data are now; by default where ``evaluation.toml`` says.
    progress : callable
        Is told, in words, what is being done.

    Raises
    ------
    EvaluationError
        If the record is incomplete, or data, indicators or another input are not those that were used.
    RenderError
        If the folder holds no results.

    Examples
    --------
    >>> av.verify("my-pilot").holds
    True
    """
    folder = Path(results)
    folder = folder / "results" if (folder / "results").is_dir() else folder
    opened = open_results(folder)
    evaluation = _recorded(opened, data)
    now, then = software(), opened.manifest["inputs"]
    with tempfile.TemporaryDirectory(prefix="averting-verify-") as scratch:
        progress(READING)
        checked = check_evaluation(_named(evaluation, then["data"]["file"], Path(scratch)))
        made = write_results(checked, Store(Path(scratch)), progress=progress)
        progress("comparing every file")
        other = _other_software(then, now)
        found = differences(folder, made, exact=not other)
    return Verified(folder, other, harmed(folder, opened.manifest["stages"]), found)


def _recorded(opened: Results, data: str | Path | None) -> Evaluation:
    """Return the evaluation that a results folder keeps, if every input is the one that was used."""
    then, own = opened.manifest["inputs"], opened.folder / FILE
    beside = opened.folder.parent
    if not own.is_file():  # results written before they kept a copy
        own = beside / FILE
    if not own.is_file() or file_hash(own) != then[FILE]:
        raise EvaluationError(
            f"{opened.folder} has no copy of the {FILE} it was made from, or a changed one. Make the results again: "
            f"averting run {beside}"
        )
    evaluation = read_evaluation(own, beside)
    if data is not None:
        evaluation = evaluation.with_data(Path(data))
    read = evaluation.data
    others = {"succession": read.succession, "headcount": read.headcount}
    others["local_figures"] = evaluation.costs.local_figures if evaluation.costs else None
    files = {"data": read.path, **{name: path for name, path in others.items() if path}}
    faults = [fault for name, path in files.items() if (fault := _input_fault(path, then[name]["sha256"]))]
    if INDICATORS in then and (fault := _input_fault(beside / INDICATORS, then[INDICATORS])):
        faults.append(fault)
    refuse(EvaluationError, f"{opened.folder} cannot be verified", faults)
    return evaluation


def _named(evaluation: Evaluation, name: str, scratch: Path) -> Evaluation:
    """Return the evaluation with its data under the name they had, which messages and keys repeat."""
    if evaluation.data.path.name == name:
        return evaluation
    if not name or name in (".", "..") or {"/", "\\", ":", "\0"} & set(name):  # a record may be anybody's
        raise EvaluationError(
            f"The record calls the data {name!a}, which is no file's name, so it was changed. Make the results again."
        )
    return evaluation.with_data(Path(shutil.copyfile(evaluation.data.path, scratch / name)))


def _input_fault(path: Path, wanted: str) -> Fault | None:
    if not path.is_file():
        return Fault(str(path), "the file is not there", "Put it back, or name the data with --data")
    if file_hash(path) != wanted:
        return Fault(
            str(path), "the file is not the one these results were made from", "Name that one with --data"
        )
    return None


def _other_software(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what of the software is another than it was."""
    said = [
        f"{package} was {then['versions'].get(package, 'absent')}, and is {now['versions'].get(package, 'absent')}"
        for package in sorted({*then["versions"], *now["versions"]})
        if then["versions"].get(package) != now["versions"].get(package)
    ]
    if then["code"] != now["code"]:
        said.append("the code of averting has changed")
    names = sorted({*then["models"], *now["models"]})
    moved = [name for name in names if then["models"].get(name) != now["models"].get(name)]
    return (*said, *(f"declared numbers have changed: models/{name}" for name in moved))
