"""One writer at a time: a lock on a file beside the database, which the kernel frees."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vidindex.errors import AnotherAtWork, Refused

LOOK_EVERY_S = 0.1


@contextmanager
def writer_lock(database: Path, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the library for writing until the block ends, or until the process dies.

    The lock lies on a file of its own: closing any descriptor of the database itself would drop
    SQLite's locks. The file stays behind, as removing it would let two holders have one each.

    waiting: told once, in a line, who holds it; then this waits until it is free. None: no wait.

    Raises:
        AnotherAtWork: another process holds it, and there is no waiting.
        Refused: the folder cannot be written.
    """
    descriptor = _open_lock(database)
    try:
        if not _take(descriptor):
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            if waiting is None:
                raise AnotherAtWork(
                    f"another vidindex (process {holder}) is changing {database}",
                    "wait until it has finished, or let --wait do so; queries work meanwhile",
                )
            waiting(f"waiting for process {holder}, which is changing {database}")
            # Not in flock itself: a signal that comes just before the call would not end it.
            while not _take(descriptor):
                time.sleep(LOOK_EVERY_S)
        _sign(descriptor, database)
        yield
    finally:
        os.close(descriptor)


def _open_lock(database: Path) -> int:
    path = database.with_name(database.name + ".lock")
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise Refused(
            f"cannot write beside the library, {path}: {error.strerror}",
            "check that its folder exists and may be written, or choose another --db",
        ) from error


def _take(descriptor: int) -> bool:
    """Take the lock if it is free; whether it was."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(descriptor: int, database: Path) -> None:
    """Say who holds the lock, and let whoever may write the library take it after us."""
    with suppress(OSError):  # a disk may be too full for it; the lock holds all the same
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    with suppress(OSError):  # no library yet, or the lock is another user's
        os.fchmod(descriptor, (os.fstat(descriptor).st_mode | database.stat().st_mode) & 0o666)
