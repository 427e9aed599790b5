"""One writer at a time: a lock on a file beside the database, which the kernel frees."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vidindex.errors import AnotherAtWork, Refused


@contextmanager
def writer_lock(database: Path) -> Iterator[None]:
    """Hold the library for writing until the block ends, or until the process dies.

    The lock lies on a file of its own: closing any descriptor of the database itself would drop
    SQLite's locks. The file stays behind, as removing it would let two holders have one each.

    Raises:
        AnotherAtWork: another process holds it.
        Refused: the folder cannot be written.
    """
    path = database.with_name(database.name + ".lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise Refused(
            f"cannot write beside the library, {path}: {error.strerror}",
            "check that its folder exists and may be written, or choose another --db",
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            raise AnotherAtWork(
                f"another vidindex (process {holder or 'unknown'}) is changing {database}",
                "wait until it has finished; queries work meanwhile",
            ) from error
        with suppress(OSError):  # a disk may be too full for it; the lock holds all the same
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
