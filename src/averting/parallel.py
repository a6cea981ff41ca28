"""Where independent tasks run: in this process, in several, or on a Dask cluster. Results never depend on which.

A few tasks for each worker are under way at a time, and a result is handed over as it arrives: memory holds what the caller
keeps, however many tasks there are. A worker that dies is replaced and its task is done again.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from averting.errors import EstimationError, MissingExtraError
from averting.provenance import own_code, versions

_WORTH_STARTING = 10.0
"""Seconds of work left from which processes save time: each takes one or two to start (``benchmarks/power.py``)."""
_AHEAD = 2  # tasks under way for each worker: one at work, one waiting

Advance = Callable[[int, int], None]
"""Is told how many tasks are done, of how many."""


def no_advance(_done: int, _of: int) -> None:
    """Tell nobody."""


def cores() -> int:
    """Return how many cores this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # Linux; fewer than there are in a container or batch job
    return len(allowed(0)) if allowed else os.cpu_count() or 1


@dataclass(frozen=True)
class Workers:
    """Where tasks run.

    Parameters
    ----------
    processes : int or None
        Processes on this machine; None takes every core where that saves time. In a script, other than 1 needs
        ``if __name__ == "__main__":``.
    cluster : str or None
        Address of a Dask scheduler, for example ``tcp://10.0.0.5:8786``, in place of processes here; its workers need the
        same averting on the same versions.

    Raises
    ------
    EstimationError
        If the number of processes is not positive.
    """

    processes: int | None = 1
    cluster: str | None = None

    def __post_init__(self) -> None:
        if self.processes is not None and self.processes < 1:
            raise EstimationError(f"workers is {self.processes}. Give 1 or more, or none for every core.")

    def count(self, tasks: int, *, seconds: float, threads: int = 1) -> int:
        """Return how many tasks run beside each other; on a cluster, as many as there are."""
        if self.cluster is not None:
            return max(2, tasks)
        if self.processes is not None:
            return min(self.processes, max(1, tasks))
        return min(max(1, cores() // threads), tasks) if seconds * tasks >= _WORTH_STARTING else 1

    def map[Task, Result](
        self, work: Callable[[Task], Result], tasks: Sequence[Task], *, advance: Advance = no_advance
    ) -> list[Result]:
        """Run one function over tasks and return all results in the tasks' order; see :meth:`each`."""
        results = dict(self.each(work, tasks, advance=advance))
        return [results[i] for i in range(len(tasks))]

    def each[Task, Result](
        self,
        work: Callable[[Task], Result],
        tasks: Sequence[Task],
        *,
        advance: Advance = no_advance,
        seconds: float | None = None,
        threads: int = 1,
    ) -> Generator[tuple[int, Result], None, None]:
        """Run one function over tasks, and yield each one's number and result as it ends.

        Parameters
        ----------
        work : callable
            Importable by name, or a ``functools.partial`` of such a one: what it carries goes to each worker once. What
            it returns may depend on that and its task only.
        tasks : sequence
            Each can be pickled, as can what ``work`` returns.
        advance : callable
            Is told of progress.
        seconds : float, optional
            About how long a task takes; without it the first is run here and timed, where that decides anything.
        threads : int
            Cores that one task uses by itself.

        Raises
        ------
        EstimationError
            If the cluster cannot be reached, is lost, or runs another averting, or if workers die again and again.
        MissingExtraError
            If a cluster is named and ``dask[distributed]`` is not installed.
        AvertingError
            That ``work`` raises; the tasks left are not begun.
        """
        done = 0
        advance(0, len(tasks))
        for i, result in self._each(work, tasks, seconds, threads):
            done += 1
            advance(done, len(tasks))
            yield i, result

    def _each[Task, Result](
        self, work: Callable[[Task], Result], tasks: Sequence[Task], seconds: float | None, threads: int
    ) -> Iterator[tuple[int, Result]]:
        left = dict(enumerate(tasks))
        if self.cluster is not None:
            yield from _on_cluster(work, left, self.cluster)
            return
        if self.processes is None and seconds is None and left:
            start = time.perf_counter()
            yield 0, work(left.pop(0))
            seconds = time.perf_counter() - start
        count = self.count(len(left), seconds=seconds or 0.0, threads=threads)
        if count <= 1:
            yield from ((i, work(task)) for i, task in left.items())
        else:
            yield from _in_processes(work, left, count)


HERE = Workers()
"""Everything in this process."""


def _in_processes[Task, Result](
    work: Callable[[Task], Result], left: dict[int, Task], count: int
) -> Iterator[tuple[int, Result]]:
    """Run tasks in so many processes; where one is killed, what is left goes to half as many new ones."""
    packed = pickle.dumps(work)
    while left:
        try:
            for i, result in _pooled(packed, left, count):
                del left[i]
                yield i, result
        except BrokenProcessPool as error:
            if count == 1:
                raise EstimationError(
                    "A process that worked on this was ended from outside, again and again: most often memory was short. "
                    "Close other programs, use a machine with more memory, or run with --workers 1."
                ) from error
            count = max(1, count // 2)


def _pooled(packed: bytes, left: dict[int, Any], count: int) -> Iterator[tuple[int, Any]]:
    # spawned, not forked: the same on every system, and safe beside threads
    spawn, under_way = multiprocessing.get_context("spawn"), dict[Future[Any], int]()
    with ProcessPoolExecutor(count, mp_context=spawn, initializer=_hold, initargs=(packed,)) as pool:
        try:
            for i, task in list(left.items()):
                under_way[pool.submit(_apply, task)] = i
                if len(under_way) >= _AHEAD * count:
                    yield from _ended(under_way)
            while under_way:
                yield from _ended(under_way)
        except BaseException:  # nobody waits for the rest
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ended(under_way: dict[Future[Any], int]) -> Iterator[tuple[int, Any]]:
    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
        yield under_way.pop(future), future.result()


_held: Callable[[Any], Any]


def _hold(packed: bytes) -> None:
    """Begin a worker process: keep what all its tasks share, and end quietly with the process that started it."""
    global _held
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _held = pickle.loads(packed)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _apply(task: Any) -> Any:
    return _held(task)


def _on_cluster[Task, Result](
    work: Callable[[Task], Result], left: dict[int, Task], address: str
) -> Iterator[tuple[int, Result]]:
    try:
        distributed: Any = importlib.import_module("distributed")
        dask: Any = importlib.import_module("dask")
    except ImportError as error:
        raise MissingExtraError("scale", "Running on a Dask cluster") from error
    try:
        client: Any = distributed.Client(address, timeout="10s", set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise EstimationError(
            f"No Dask scheduler answers at {address} ({error}). Give the address that dask scheduler prints, such "
            "as tcp://10.0.0.5:8786; its workers need averting installed."
        ) from error
    lost = (distributed.KilledWorker, distributed.comm.CommClosedError, distributed.CancelledError)
    # what the work carries may be a national panel
    with client, dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
        _refuse_other_software(client, address)
        try:
            yield from _clustered(distributed, client, pickle.dumps(work), left)
        except lost as error:
            raise EstimationError(
                f"The cluster at {address} was lost, or its workers died again and again ({type(error).__name__}). See that "
                "they have memory enough, then run it again."
            ) from error


def _clustered(distributed: Any, client: Any, packed: bytes, left: dict[int, Any]) -> Iterator[tuple[int, Any]]:
    # a task like the others, so that the scheduler can make it again where the workers that held it are gone
    shared = client.submit(pickle.loads, packed, pure=False)
    waiting, at = iter(left.items()), dict[str, int]()
    ended = distributed.as_completed(loop=client.loop, with_results=True)

    def send() -> bool:
        i, task = next(waiting, (None, None))
        if i is not None:
            # each computed afresh: an older result under the same key would hide a change of code
            future = client.submit(_call, shared, task, pure=False)
            at[future.key] = i
            ended.add(future)
        return i is not None

    room = _AHEAD * max(1, sum(client.nthreads().values()))
    while len(at) < room and send():
        pass
    for future, result in ended:
        yield at.pop(future.key), result
        send()


def _call(work: Callable[[Any], Any], task: Any) -> Any:
    return work(task)


def _software() -> tuple[str, dict[str, str]]:
    return own_code(), versions()


def _refuse_other_software(client: Any, address: str) -> None:
    here = _software()
    try:
        others = {worker: one for worker, one in client.run(_software).items() if one != here}
    except ImportError as error:
        raise EstimationError(
            f"The workers of the cluster at {address} have no averting ({error}). Install {here[1]['averting']} there."
        ) from error
    if others:
        _, found = next(iter(others.values()))
        names = [name for name in sorted({*found, *here[1]}) if found.get(name) != here[1].get(name)]
        what = [f"{name} {found.get(name, 'absent')}, here {here[1].get(name, 'absent')}" for name in names]
        raise EstimationError(
            f"{len(others)} workers of the cluster at {address} run other software: "
            f"{'; '.join(what) or 'another averting'}. Numbers could depend on where they are made. Install the same."
        )
