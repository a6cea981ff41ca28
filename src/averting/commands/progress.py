"""Progress on standard error: what is being done, since when, and, from the last time, how long is left."""

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
def timed(folder: Path, command: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Tell progress as :func:`teller` does, and how long is left if the same command has ended here before.

    How long each step took is kept in the folder's cache, never in results. Steps that take less than two seconds are
    not worth a forecast.
    """
    known = _read(folder).get(command, {})
    tell, start = teller(quiet), time.monotonic()
    steps: list[tuple[str, float]] = []

    def step(message: str) -> None:
        steps.append((message, time.monotonic() - start))
        left = remaining(known, [said for said, _ in steps])
        tell(f"{message} (about {left:.0f} s left)" if left is not None and left >= _WORTH_SAYING else message)

    yield step
    _write(folder, command, lasted(steps, time.monotonic() - start))


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
