"""Progress on standard error: what is being done, since when, and how long is left."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_CACHE, _TIMES = ".averting-cache", "times.json"
_WORTH_SAYING = 2.0


def teller(quiet: bool) -> Callable[[str], None]:
    """Return a function that prints what is being done, with the time since now."""
    start = time.monotonic()

    def tell(message: str) -> None:
        if not quiet:
            print(f"[{time.monotonic() - start:5.1f} s] {message}", file=sys.stderr, flush=True)

    return tell


@contextmanager
def timed(
    folder: Path, command: str, *, quiet: bool, usual: Mapping[str, float] | None = None, keep: bool = True
) -> Iterator[Callable[[str], None]]:
    """Tell progress as :func:`teller` does, and how long is left: as the last time here, or else as such stages usually take.

    How long each step took is kept in the folder's cache, never in results, unless nothing may be written. Steps that take less
    than two seconds are not worth a forecast.
    """
    known = _read(folder).get(command, {})
    tell, start = teller(quiet), time.monotonic()
    steps: list[tuple[str, float]] = []

    def step(message: str) -> None:
        steps.append((message, time.monotonic() - start))
        left = remaining(known, [said for said, _ in steps]) if known else expected(usual or {}, steps)
        how = "about" if known else "perhaps"
        tell(f"{message} ({how} {left:.0f} s left)" if left is not None and left >= _WORTH_SAYING else message)

    yield step
    if keep:
        _write(folder, command, lasted(steps, time.monotonic() - start))


@contextmanager
def bar(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the time left on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    left = (TimeRemainingColumn(), TextColumn("left"))
    columns = (TextColumn("simulating"), BarColumn(), MofNCompleteColumn(), TextColumn("parts,"), *left)
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as shown:
        task = shown.add_task("power", total=None)
        yield lambda done, of: shown.update(task, completed=done, total=of)


def lasted(steps: list[tuple[str, float]], end: float) -> dict[str, float]:
    """Return how long each step took, by its message, from when each began."""
    ends = [*(begun for _, begun in steps[1:]), end]
    found: dict[str, float] = {}
    for (message, begun), over in zip(steps, ends, strict=True):
        found[message] = round(found.get(message, 0.0) + over - begun, 1)
    return found


def remaining(known: Mapping[str, float], said: list[str]) -> float | None:
    """Return how long it took, the last time, from the step that begins now; None where that step is new."""
    if not said or said[-1] not in known:
        return None
    return sum(seconds for message, seconds in known.items() if message not in said[:-1])


def expected(usual: Mapping[str, float], steps: list[tuple[str, float]]) -> float | None:
    """Return how long is left on a first run, from what stages usually take and the pace of those that are done.

    Parameters
    ----------
    usual : mapping of str to float
        Seconds of each stage, in order; steps that are not among them are part of the stage that began before.
    steps : list of (str, float)
        What was said, and when, the step that begins now last; None is returned before the first stage.
    """
    begun = [(words, at) for words, at in steps if words in usual]
    if not begun:
        return None
    (current, since), now = begun[-1], steps[-1][1]
    done = sum(usual[words] for words, _ in begun[:-1])
    pace = min(10.0, max(0.1, (since - begun[0][1]) / done)) if done >= _WORTH_SAYING else 1.0
    to_come = list(usual)[list(usual).index(current) + 1 :]
    return max(0.0, pace * usual[current] - (now - since)) + pace * sum(usual[words] for words in to_come)


def _read(folder: Path) -> dict[str, dict[str, float]]:
    try:
        found = json.loads((folder / _CACHE / _TIMES).read_text(encoding="utf-8"))
        return {
            str(command): {str(message): float(seconds) for message, seconds in steps.items()}
            for command, steps in found.items()
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # no forecast is the worst that can come of it


def _write(folder: Path, command: str, steps: Mapping[str, float]) -> None:
    if "kept from an earlier run" in steps:
        return  # it says nothing of how long a whole run takes
    try:
        cache = folder / _CACHE
        cache.mkdir(exist_ok=True)
        (cache / ".gitignore").write_text("*\n", encoding="utf-8")
        (cache / _TIMES).write_text(json.dumps({**_read(folder), command: dict(steps)}), encoding="utf-8")
    except OSError:
        return
