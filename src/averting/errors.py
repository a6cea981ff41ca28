"""Every error averting raises on purpose.

A message says what was found, where (file, table, key, row), what is allowed and what to do next.
It never repeats a school's small count.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with an input.

    Parameters
    ----------
    where : str
        File, table, row or key, as a reader would look for it, for example ``schools.csv, row 12, headcount``.
    found : str
        What is there.
    fix : str
        What is allowed and what to do.
    """

    where: str
    found: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.found}. {self.fix}"


class AvertingError(Exception):
    """Root of every error raised on purpose.

    Parameters
    ----------
    message : str
        What is wrong, where, and what to do.
    faults : iterable of Fault
        The single faults, where one input has several; listed below the message.

    Examples
    --------
    >>> try:
    ...     av.load_parameters("gold")
    ... except av.AvertingError as error:
    ...     print(error.message.split(".")[0])
    There is no family of parameters 'gold'
    """

    def __init__(self, message: str, faults: Iterable[Fault] = ()) -> None:
        self.message = message
        self.faults = tuple(faults)
        super().__init__("\n".join([message, *(f"  - {fault}" for fault in self.faults)]))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, self.faults)  # else another process would give it back without its parts


class DataError(AvertingError):
    """A data file or frame cannot be read as it stands."""


class DesignError(AvertingError):
    """Pilots, comparison schools or periods do not make a comparison."""


class EvaluationError(AvertingError):
    """An ``evaluation.toml`` is wrong, or a stage lacks what it needs."""


class EstimationError(AvertingError):
    """An effect cannot be estimated from this design."""


class ParameterError(AvertingError):
    """A declared cost or prior is incomplete, unsourced or implausible."""


class UnitError(AvertingError):
    """Quantities in different units, price years or bases meet."""


class RenderError(AvertingError):
    """A report cannot be rendered."""


class DisclosureError(AvertingError):
    """Results cannot leave without giving away a small count."""


class StorageError(AvertingError):
    """A folder cannot be written to: its disk is full or read-only, or another run is at work in it."""


class MissingExtraError(AvertingError):
    """An optional part of averting is not installed.

    Parameters
    ----------
    extra : str
        The extra that brings it, for example ``bayes``.
    purpose : str
        What it is needed for.
    """

    def __init__(self, extra: str, purpose: str) -> None:
        self._told = (extra, purpose)
        super().__init__(
            f"{purpose} needs the '{extra}' extra, which is not installed. "
            f"Install it with: pip install 'averting[{extra}]'"
        )

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        return type(self), self._told  # what it was made from, so that it comes back whole from another process


def refuse(error: type[AvertingError], heading: str, faults: Iterable[Fault], *, most: int | None = None) -> None:
    """Raise one error that lists every fault, or do nothing where there is none.

    Parameters
    ----------
    error : type of AvertingError
        What to raise.
    heading : str
        First line; the number of faults is added to it.
    faults : iterable of Fault
        Everything found, in the order a reader would meet it.
    most : int, optional
        List no more than this many; the first line then says how many more there are. All by default.

    Raises
    ------
    AvertingError
        Of the type given, if there is any fault.
    """
    found = tuple(faults)
    if found:
        count = "1 fault" if len(found) == 1 else f"{len(found):,} faults"
        shown = found if most is None else found[:most]
        if len(shown) < len(found):
            count += f" ({len(shown)} listed, and {len(found) - len(shown):,} more)"
        raise error(f"{heading}: {count}", shown)


_TROUBLE = {
    errno.ENOSPC: ("the disk is full", "Make room"),
    errno.EDQUOT: ("your share of the disk is used up", "Make room"),
    errno.EFBIG: ("a file would be larger than is allowed here", "Allow larger files, or use another disk"),
    errno.EROFS: ("the disk is read-only", "Copy the folder to a disk that can be written to"),
    errno.EACCES: ("you may not write there", "Ask for the right to, or copy the folder to where you may"),
    errno.EPERM: ("you may not write there", "Ask for the right to, or copy the folder to where you may"),
    errno.EIO: ("the disk does not work", "Copy the folder to another disk"),
}


@contextmanager
def writing(folder: Path, *, after: str) -> Iterator[None]:
    """Turn the system's refusal to write below a folder into an error that says what to do.

    Parameters
    ----------
    folder : Path
        Where files are written.
    after : str
        What to do once the trouble is mended, and what has become of earlier work.

    Raises
    ------
    StorageError
        In place of an OSError; other errors pass.
    """
    try:
        yield
    except OSError as error:
        unknown = (error.strerror or type(error).__name__, "Mend that")
        found, fix = _TROUBLE.get(error.errno or 0, unknown)
        raise StorageError(f"{folder} cannot be written to: {found}. {fix}. {after}") from error
