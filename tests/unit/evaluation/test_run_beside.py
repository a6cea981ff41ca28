"""Estimates and specifications made in other processes, or on a cluster, give the bytes that one process gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster

from averting.evaluation import run
from averting.evaluation.settings import FILE

MORE = """
[diagnostics]
run = ["placebo_in_time"]

[diagnostics.curve]
methods = ["ratio_did", "twfe"]
"""


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(small: Callable[[str], Path]) -> Path:
    made = small("beside")
    with (made / FILE).open("a", encoding="utf-8") as handle:
        handle.write(MORE)
    return made


@pytest.fixture
def address() -> Iterator[str]:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster.scheduler_address


@pytest.mark.parametrize("where", ["processes", pytest.param("cluster", marks=pytest.mark.slow)])
def test_results_are_the_same_bytes_wherever_they_are_made(
    folder: Path, where: str, request: pytest.FixtureRequest
) -> None:
    run(folder)
    whole = tree(folder / "results")
    (folder / "results").rename(folder / "first")
    told: list[str] = []
    if where == "processes":
        run(folder, workers=2, progress=told.append)
    else:
        run(folder, cluster=request.getfixturevalue("address"), progress=told.append)
    assert tree(folder / "results") == whole
    assert any("effects beside each other" in one for one in told)
    assert any("specification 2 of 2" in one for one in told)
    told.clear()
    run(folder, workers=2, progress=told.append)
    assert not any("beside" in one for one in told)
    assert told.count("kept from an earlier run") == len([one for one in whole if one.endswith("/key")])
