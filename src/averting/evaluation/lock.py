"""One run at a time in one folder: a lock that the system lets go of however a run ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from averting.errors import StorageError

LOCK = ".averting.lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, so that no second run writes its results at the same time.

    The lock belongs to the process: it is gone when the process ends, also when it is killed. A lock file that is left
    behind means nothing.

    Raises
    ------
    StorageError
        If another process holds it.
    """
    path = folder / LOCK
    held = _opened(path)
    try:
        yield
    finally:
        # removed while it is held: who opens it later makes a new one, and who has it open sees that it is gone
        _remove(path)
        os.close(held)
        _remove(path)


def _opened(path: Path) -> int:
    """Open and lock the file at a path; another run may have removed it in between."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _lock(handle):
            os.close(handle)
            raise StorageError(
                f"Another run is writing the results of {path.parent}. Wait until it has ended, or stop it first."
            )
        if _same(handle, path):
            return handle
        os.close(handle)


def _same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        return  # Windows removes no open file; one that is left behind does no harm


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import errno
    import fcntl

    _HELD = {errno.EACCES, errno.EAGAIN}

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
                return False
            if error.errno in {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP}:
                return True  # some network disks have no locks: better an unlocked run than none
            raise
        return True
