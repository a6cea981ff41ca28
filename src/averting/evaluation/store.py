"""The results folder: stages are kept as they finish, and the folder changes all at once or not at all.

A finished stage is a folder that holds a ``key`` file with the hash of everything it depends on, and the hash of all
it holds: a stage that was cut short, or changed since, is not taken for a finished one. While a run is under way
stages gather in ``results.partial``; an interrupted run finds them there. Only when every stage is done does the new
folder take the place of ``results``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from averting.provenance import content_key, tree_hashes

KEY = "key"


@dataclass(frozen=True)
class Store:
    """Where one evaluation keeps its results.

    Parameters
    ----------
    folder : Path
        The evaluation's folder.
    """

    folder: Path

    @property
    def results(self) -> Path:
        """The finished results."""
        return self.folder / "results"

    @property
    def _partial(self) -> Path:
        return self.folder / "results.partial"

    @property
    def _previous(self) -> Path:
        return self.folder / "results.previous"

    def recover(self) -> None:
        """Put back the previous results if a run was stopped while they were being replaced."""
        if self._previous.exists() and not self.results.exists():
            self._previous.rename(self.results)

    def holds(self, name: str, key: str) -> bool:
        """Return whether a finished stage with this key is there, so that it need not be written."""
        return _is(self._partial / name, key) or _is(self.results / name, key)

    def stage(self, name: str, key: str, write: Callable[[Path], None]) -> tuple[Path, bool]:
        """Return a stage's folder, writing it only where no finished one with the same key exists.

        Parameters
        ----------
        name : str
            Path of the stage below the results, for example ``estimates/main``.
        key : str
            Hash of everything the stage depends on.
        write : callable
            Fills an empty folder.

        Returns
        -------
        folder : Path
            The finished stage, in ``results.partial``.
        reused : bool
            Whether it was there already.
        """
        target = self._partial / name
        if _is(target, key):
            return target, True
        if _is(self.results / name, key):
            _replace(target, lambda new: _copy(self.results / name, new))
            return target, True

        def fill(new: Path) -> None:
            write(new)
            (new / KEY).write_text(f"{key}\n{_content(new)}\n", encoding="utf-8")

        _replace(target, fill)
        return target, False

    def publish(self, stages: list[str], files: Mapping[str, str]) -> None:
        """Make the gathered stages and some text files the results, in one step; other stages are left behind."""
        for name, text in files.items():
            (self._partial / name).write_bytes(text.encode())
        self._sweep({*stages, *files})
        shutil.rmtree(self._previous, ignore_errors=True)
        if self.results.exists():
            self.results.rename(self._previous)
        self._partial.rename(self.results)
        shutil.rmtree(self._previous, ignore_errors=True)

    def _sweep(self, names: Collection[str]) -> None:
        """Remove whatever is not a stage or file asked for: also what a kill left of an earlier removal."""
        wanted = {self._partial / name for name in names}
        for path in sorted(self._partial.rglob("*"), reverse=True):  # what is inside a folder before the folder
            if wanted.isdisjoint([path, *path.parents]):
                if not path.is_dir() or path.is_symlink():
                    path.unlink()
                elif not any(path.iterdir()):
                    path.rmdir()


def harmed(results: Path, keys: Mapping[str, str]) -> tuple[str, ...]:
    """Return the stages whose files are not those that were written; ``keys`` has what each depends on."""
    return tuple(name for name, key in sorted(keys.items()) if not _is(results / name, key))


def _is(folder: Path, key: str) -> bool:
    marker = folder / KEY
    return marker.is_file() and marker.read_text(encoding="utf-8").splitlines() == [key, _content(folder)]


def _content(folder: Path) -> str:
    """Return the hash of every file of a stage but its key."""
    return content_key({name: digest for name, digest in tree_hashes(folder, "*").items() if name != KEY})


def _copy(folder: Path, new: Path) -> None:
    """Copy a stage's files; unlike shutil.copytree, the first that cannot be written ends it and says why."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            copy = new / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def _replace(target: Path, fill: Callable[[Path], object]) -> None:
    """Fill a folder beside the target and put it in the target's place: never half a stage under its name."""
    new = target.with_name(target.name + ".writing")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    fill(new)
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)
