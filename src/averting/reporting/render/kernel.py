"""Run code in a Python kernel of this very interpreter, quietly, and shut it down whatever happens."""

from __future__ import annotations

import asyncio
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from .environment import cell_environment

CELL_TIMEOUT = 1800
"""Seconds a single cell may run."""

_IPYTHON_CONFIG = """\
c = get_config()
c.IPKernelApp.log_level = 40
c.HistoryManager.enabled = False
c.InlineBackend.figure_formats = {"svg"}
c.InlineBackend.print_figure_kwargs = {"bbox_inches": "tight", "metadata": {"Date": None, "Creator": None}}
"""
# Glyphs as paths need no font on the reader's machine; the salt makes ids the same each time.
_MATPLOTLIBRC = """\
svg.hashsalt: averting
svg.fonttype: path
figure.figsize: 7, 4
figure.dpi: 144
"""


class _Manager(AsyncKernelManager):
    """A manager that needs no installed kernelspec."""

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="averting", language="python")


@contextmanager
def _home() -> Iterator[Path]:
    """Give the kernel settings of its own, so that a user's IPython and Matplotlib files change nothing."""
    with tempfile.TemporaryDirectory(prefix="averting-kernel-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        profile = home / "ipython" / "profile_default"
        profile.mkdir(parents=True)
        (profile / "ipython_kernel_config.py").write_text(_IPYTHON_CONFIG, encoding="utf-8")
        (home / "matplotlibrc").write_text(_MATPLOTLIBRC, encoding="utf-8")
        yield home


def _environment(home: Path) -> dict[str, str]:
    return {
        **cell_environment(),
        "IPYTHONDIR": str(home / "ipython"),
        "MATPLOTLIBRC": str(home / "matplotlibrc"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


class KernelFailed(Exception):
    """The kernel broke; the text is the end of what it wrote to its standard error."""


def execute(notebook: nbformat.NotebookNode, folder: Path, started: Callable[[int], None]) -> None:
    """Run a notebook in place.

    Parameters
    ----------
    notebook : NotebookNode
        Gains outputs and execution counts.
    folder : Path
        Working folder of the cells.
    started : callable of int
        Called in the caller's thread with the index of each cell that starts.

    Raises
    ------
    KernelFailed
        From whatever nbclient raised: a failing cell, a dead kernel, a timeout. The kernel is gone by then,
        as it is after KeyboardInterrupt.
    """
    with _home() as home, tempfile.TemporaryFile() as errors:
        launch = {"env": _environment(home), "cwd": str(folder), "stdout": subprocess.DEVNULL, "stderr": errors}
        worker = _Worker(notebook, launch)
        worker.start()
        try:
            for index in worker.events():
                started(index)
        finally:
            worker.stop()
        if worker.error is not None:
            errors.seek(0)
            tail = errors.read().decode(errors="replace").strip().splitlines()[-3:]
            raise KernelFailed("\n".join(tail)) from worker.error


class _Worker(threading.Thread):
    """Runs nbclient's event loop away from the caller's thread.

    So it works where a loop is already running (a notebook), and Ctrl-C reaches the caller, who cancels.
    """

    def __init__(self, notebook: nbformat.NotebookNode, launch: Mapping[str, Any]) -> None:
        super().__init__(name="averting-render", daemon=True)
        self.error: Exception | None = None
        self._events: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._launch = launch
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._client = NotebookClient(
            notebook,
            kernel_manager_class=_Manager,
            timeout=CELL_TIMEOUT,
            startup_timeout=120,
            shutdown_kernel="immediate",
            store_widget_state=False,
            record_timing=False,
            coalesce_streams=True,
            on_cell_execute=lambda cell, cell_index: self._events.put(cell_index),
        )

    def run(self) -> None:
        try:
            asyncio.run(self._execute())
        except asyncio.CancelledError:
            pass
        except Exception as error:
            self.error = error
        finally:
            self._ready.set()
            self._events.put(None)

    async def _execute(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._ready.set()
        await self._client.async_execute(**self._launch)

    def events(self) -> Iterator[int]:
        """Yield the index of each cell as it starts, until the last has ended."""
        while (index := self._events.get()) is not None:
            yield index

    def stop(self) -> None:
        """Cancel what still runs and wait until the kernel is gone."""
        self._ready.wait()
        if self.is_alive() and self._loop is not None and self._task is not None:
            try:
                self._loop.call_soon_threadsafe(self._task.cancel)
            except RuntimeError:
                pass  # the loop closed between the two lines: nothing is left to cancel
        self.join()
