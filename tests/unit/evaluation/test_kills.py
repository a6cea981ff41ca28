"""A run that is killed, at any moment and any number of times, ends with the bytes of one that never was."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import pytest

from averting.evaluation import run

RUN = "import sys; from averting.evaluation import run; run(sys.argv[1])"


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _seconds(folder):
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", RUN, str(folder)], check=True)
    return time.monotonic() - start


def kills(small, edit, count, seed):
    """Kill runs of one folder, each at another moment, and let the last one end; return killed and final trees."""
    whole, folder = small("whole"), small("killed")
    run(folder)
    before = tree(folder / "results")
    for each in (whole, folder):
        edit(each, "seed = 1", "seed = 2")
    lasting, chance, killed = _seconds(whole), random.Random(seed), 0
    for _ in range(count):
        begun = time.monotonic()
        process = subprocess.Popen([sys.executable, "-c", RUN, str(folder)])
        try:
            process.wait(timeout=chance.uniform(0.1, 1.1 * lasting))
            lasting = min(lasting, time.monotonic() - begun)  # the machine may have been busy when it was measured
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
        # at no moment are there half of the old results and half of the new
        held = folder / "results" if (folder / "results").exists() else folder / "results.previous"
        assert tree(held) in (before, tree(whole / "results"))
        if process.returncode == 0:  # begin again from nothing finished
            edit(folder, "seed = 2", "seed = 3")
            run(folder)
            before = tree(folder / "results")
            edit(folder, "seed = 3", "seed = 2")
    run(folder)
    return killed, tree(folder), tree(whole)


def test_a_few_kills_lose_nothing(small, edit):
    killed, ended, whole = kills(small, edit, count=4, seed=7)
    assert killed >= 1
    assert ended == whole


@pytest.mark.nightly
def test_a_hundred_kills_lose_nothing(small, edit):
    killed, ended, whole = kills(small, edit, count=120, seed=1)
    assert killed >= 50
    assert ended == whole
