"""A full or read-only disk and a second run end in a plain error; what was there stays, and the next run resumes."""

from __future__ import annotations

import builtins
import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from averting.errors import StorageError
from averting.evaluation import run, stages
from averting.evaluation.lock import LOCK, alone

HOLD = """
import sys, time
from pathlib import Path
from averting.evaluation.lock import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def full_disk(monkeypatch):
    """Let so many files be opened for writing, below a folder, and refuse every later one as a full disk does."""

    def after(folder, files, code=errno.ENOSPC):
        left = [files]
        real = io.open

        def limited(file, mode="r", *arguments, **options):
            if isinstance(file, str | Path) and set(mode) & set("wax+") and str(file).startswith(str(folder)):
                if not left[0]:
                    raise OSError(code, os.strerror(code), str(file))
                left[0] -= 1
            return real(file, mode, *arguments, **options)

        monkeypatch.setattr(io, "open", limited)
        monkeypatch.setattr(builtins, "open", limited)
        return monkeypatch.undo

    return after


@pytest.mark.parametrize("files", [0, 23, 60])
def test_a_full_disk_is_said_and_nothing_is_lost(small, full_disk, edit, files):
    whole, folder = small("whole"), small("folder")
    run(folder)
    before = tree(folder / "results")
    for each in (whole, folder):
        edit(each, "seed = 1", "seed = 2")
    room = full_disk(folder, files)
    with pytest.raises(StorageError, match=r"the disk is full\. Make room") as caught:
        run(folder)
    room()
    assert "resumes" in str(caught.value)
    assert tree(folder / "results") == before
    run(folder)
    run(whole)
    assert tree(folder) == tree(whole)


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.EROFS, "read-only"), (errno.EACCES, "may not write"), (errno.ENAMETOOLONG, "cannot be written to")],
)
def test_other_trouble_is_said_in_words(small, full_disk, code, words):
    folder = small()
    full_disk(folder, 3, code)
    with pytest.raises(StorageError, match=words):
        run(folder)


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no limit on the size of files to simulate it with"
)
def test_a_disk_that_is_really_full_ends_with_status_2(small):
    folder = small()
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000));"
        "from averting.cli import main; main(['run', sys.argv[1], '-q'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, str(folder)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "larger than is allowed" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "results").exists()


def test_two_runs_do_not_write_at_once(small):
    folder = small()
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match="Another run is writing"):
            run(folder)
        assert not (folder / "results").exists()
    finally:
        other.kill()  # as abruptly as a power cut: the lock must not outlive it
        other.communicate()
    assert (folder / LOCK).exists()
    run(folder)
    assert (folder / "results" / "manifest.json").is_file()


def test_a_lock_is_let_go_of_whatever_happens(tmp_path):
    with pytest.raises(ZeroDivisionError), alone(tmp_path):
        raise ZeroDivisionError
    with alone(tmp_path), pytest.raises(StorageError), alone(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_failure_of_averting_itself_is_no_trouble_with_the_disk(small, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(stages, "write_data", fail)
    with pytest.raises(ZeroDivisionError):
        run(small())
