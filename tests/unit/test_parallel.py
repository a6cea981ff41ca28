"""The same answer in this process, in two, and on a real cluster of two workers, also where one of them is killed."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from distributed import LocalCluster

from averting import parallel
from averting.effects.power import DeclaredNoise, simulate_power
from averting.errors import AvertingError, EstimationError, Fault, MissingExtraError
from averting.parallel import HERE, Workers
from averting.years import AcademicYear

ASKED: dict[str, Any] = {"pilots": [2], "years_after": [2], "ratios": [0.5], "trials": 800, "seed": 9}


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as made:
        yield made


@pytest.fixture(scope="module")
def here() -> pd.DataFrame:
    return simulate_power(DeclaredNoise(comparison=20), **ASKED).table


@pytest.fixture(params=["processes", "cluster"])
def away(request: pytest.FixtureRequest) -> Workers:
    if request.param == "processes":
        return Workers(2)
    return Workers(cluster=request.getfixturevalue("cluster").scheduler_address)


def test_two_processes_give_the_same_and_tell_how_far_they_are(here: pd.DataFrame) -> None:
    told: list[tuple[int, int]] = []
    two = simulate_power(
        DeclaredNoise(comparison=20), **ASKED, workers=2, advance=lambda done, of: told.append((done, of))
    )
    pd.testing.assert_frame_equal(here, two.table, check_exact=True)
    assert told == [(i, 8) for i in range(9)]
    assert here["reduction"].nunique() == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_process_is_replaced(here: pd.DataFrame) -> None:
    killed: list[int] = []

    def kill(done: int, _of: int) -> None:
        if done == 3:
            killed.extend(child.pid or 0 for child in multiprocessing.active_children()[:1])
            os.kill(killed[0], signal.SIGKILL)

    found = simulate_power(DeclaredNoise(comparison=20), **ASKED, workers=2, advance=kill)
    assert killed
    pd.testing.assert_frame_equal(here, found.table, check_exact=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the connection that is cut
def test_a_killed_worker_of_a_cluster_changes_nothing(here: pd.DataFrame, cluster: LocalCluster) -> None:
    killed: list[int] = []

    def kill(done: int, _of: int) -> None:
        if done == 3:
            killed.append(cluster.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    address = cluster.scheduler_address
    found = simulate_power(DeclaredNoise(comparison=20), **ASKED, cluster=address, advance=kill)
    assert killed and cluster.workers[0].pid != killed[0]
    pd.testing.assert_frame_equal(here, found.table, check_exact=True)


def test_results_are_in_the_order_of_tasks(away: Workers) -> None:
    tasks = list(range(40))
    assert away.map(partial(pow, 2), tasks) == HERE.map(partial(pow, 2), tasks) == [2**task for task in tasks]
    assert away.map(partial(pow, 2), []) == []


def test_a_plain_error_comes_back_whole(away: Workers) -> None:
    with pytest.raises(AvertingError) as caught:
        away.map(AcademicYear.parse, ["2020/21", "not a year", "2021/22"])
    with pytest.raises(AvertingError) as same:
        AcademicYear.parse("not a year")
    assert (str(caught.value), type(caught.value)) == (str(same.value), type(same.value))


def test_few_tasks_are_under_way_at_a_time(away: Workers, tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}" for i in range(60)]
    results = away.each(Path.touch, paths)
    next(results)
    time.sleep(0.5)  # time enough for all of them
    assert len(list(tmp_path.iterdir())) < 10
    assert len(list(results)) == 59
    assert len(list(tmp_path.iterdir())) == 60


def test_what_was_under_way_is_left_where_nobody_waits_for_it(away: Workers, tmp_path: Path) -> None:
    results = away.each(Path.touch, [tmp_path / f"{i}" for i in range(60)])
    next(results)
    results.close()
    assert len(list(tmp_path.iterdir())) < 20


def test_a_cluster_that_runs_other_code_is_refused(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "own_code", lambda: "another")
    with pytest.raises(EstimationError, match=r"2 workers of the cluster .* run other software: another averting"):
        Workers(cluster=cluster.scheduler_address).map(partial(pow, 2), [1])
    monkeypatch.setattr(parallel, "versions", lambda: {"averting": "9", "python": "1"})
    with pytest.raises(EstimationError, match=r"python 3\.\d+\.\d+, here 1"):
        Workers(cluster=cluster.scheduler_address).map(partial(pow, 2), [1])


@pytest.mark.parametrize("seconds", [0.0, None])
def test_little_work_stays_here(seconds: float | None) -> None:
    found = dict(Workers(None).each(os.getppid, [], seconds=seconds))
    assert found == {}
    assert {pid for _, pid in Workers(None).each(partial(_this_process), range(5), seconds=seconds)} == {
        os.getpid()
    }


def _this_process(_task: int) -> int:
    return os.getpid()


def test_much_work_goes_to_every_core_that_a_task_leaves_free(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(parallel, "_in_processes", lambda _work, _left, count: asked.append(count) or iter(()))
    monkeypatch.setattr(parallel, "cores", lambda: 8)
    for threads, tasks, seconds in ((1, 20, 60.0), (2, 20, 60.0), (2, 3, 60.0), (1, 20, 0.01), (16, 20, 60.0)):
        list(Workers(None).each(_this_process, range(tasks), seconds=seconds, threads=threads))
    assert asked == [8, 4, 3]


def test_it_ends_where_processes_die_again_and_again() -> None:
    with pytest.raises(EstimationError, match="memory was short"):
        Workers(2).map(os._exit, [1, 1, 1])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_processes_leave_with_the_one_that_started_them() -> None:
    code = "import time; from averting.parallel import Workers\nif __name__ == '__main__': Workers(2).map(time.sleep, [60, 60])"
    run = subprocess.Popen([sys.executable, "-c", code])
    started = psutil.Process(run.pid)
    limit = time.monotonic() + 60
    while len(workers := [p for p in started.children() if "spawn_main" in " ".join(p.cmdline())]) < 2:
        assert time.monotonic() < limit
        time.sleep(0.1)
    time.sleep(1)  # they are at work
    run.kill()
    run.wait()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []


def test_errors_survive_the_way_between_processes() -> None:
    errors = (
        AvertingError("Two faults", [Fault("a", "b", "c"), Fault("d", "e", "f")]),
        MissingExtraError("bayes", "It"),
    )
    for error in errors:
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), again.message, again.faults) == (str(error), error.message, error.faults)


@pytest.mark.parametrize("processes", [0, -1])
def test_no_processes_are_refused(processes: int) -> None:
    with pytest.raises(EstimationError, match=f"workers is {processes}"):
        Workers(processes)
