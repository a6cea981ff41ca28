"""Where simulation tasks run: here, in processes, or on a Dask cluster. Results never depend on which."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from averting.errors import EstimationError, MissingExtraError

_WORTH_STARTING = 20.0  # seconds of work on one core

Advance = Callable[[int, int], None]
"""Is told how many tasks are done, of how many."""


def no_advance(_done: int, _of: int) -> None:
    """Tell nobody."""


def run_tasks[Task, Result](
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    workers: int | None,
    cluster: str | None,
    advance: Advance,
) -> list[Result]:
    """Run one function over tasks and return the results in the tasks' order.

    Parameters
    ----------
    work : callable
        Importable by name; what it returns may depend on its task only.
    tasks : sequence
        Each can be pickled.
    workers : int or None
        Processes on this machine; None takes every core where the work would keep them busy for longer than
        it takes to start them.
    cluster : str or None
        Address of a Dask scheduler, for example ``tcp://10.0.0.5:8786``; overrides ``workers``.
    advance : callable
        Is told of progress.

    Raises
    ------
    EstimationError
        If the number of workers is not positive, or the cluster cannot be reached.
    MissingExtraError
        If a cluster is named and ``dask[distributed]`` is not installed.
    """
    if workers is not None and workers < 1:
        raise EstimationError(f"workers is {workers}. Give 1 or more, or none for every core.")
    results: dict[int, Result] = {}
    advance(0, len(tasks))
    if cluster is None and workers is None:
        start = time.perf_counter()
        results[0] = work(tasks[0])
        advance(1, len(tasks))
        ahead = (time.perf_counter() - start) * (len(tasks) - 1)
        workers = 1 if ahead < _WORTH_STARTING else os.cpu_count() or 1
    left = [(i, task) for i, task in enumerate(tasks) if i not in results]
    if cluster is not None:
        done = _on_cluster(work, left, cluster)
    elif workers == 1:
        done = ((i, work(task)) for i, task in left)
    else:
        done = _in_processes(work, left, min(workers or 1, len(tasks)))
    for i, result in done:
        results[i] = result
        advance(len(results), len(tasks))
    return [results[i] for i in range(len(tasks))]


def _in_processes[Task, Result](
    work: Callable[[Task], Result], tasks: Sequence[tuple[int, Task]], count: int
) -> Iterator[tuple[int, Result]]:
    # spawned, not forked: the same on every system, and safe beside threads
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(work, task): i for i, task in tasks}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _on_cluster[Task, Result](
    work: Callable[[Task], Result], tasks: Sequence[tuple[int, Task]], address: str
) -> Iterator[tuple[int, Result]]:
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        raise MissingExtraError("scale", "Running on a Dask cluster") from error
    try:
        client: Any = distributed.Client(address, timeout="10s", set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise EstimationError(
            f"No Dask scheduler answers at {address} ({error}). Give the address that dask scheduler prints, such "
            "as tcp://10.0.0.5:8786; its workers need averting installed."
        ) from error
    with client:
        # each task computed afresh: an older result under the same key would hide a change of code
        futures = client.map(work, [task for _, task in tasks], pure=False)
        at = {future.key: i for (i, _), future in zip(tasks, futures, strict=True)}
        for future, result in distributed.as_completed(futures, loop=client.loop, with_results=True):
            yield at[future.key], result
