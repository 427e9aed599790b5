"""The content hash of a file: BLAKE3 over all its bytes, 256 bit, as ``b3sum`` prints it.

A hash is worth something only if the bytes stay: a file that somebody writes to is not hashed,
and one that was written to just before it was hashed is confirmed afterwards.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

from blake3 import blake3

from vidindex.errors import ChangedError, ItemError, SystemStopped, UnreadableError
from vidindex.scanning import FileStat

CHUNK_BYTES = 1 << 20
# Who writes a file touches it again and again. One that was not touched for so long is taken as it
# is, even if a program (one that shares it with others, say) keeps it open for writing for days.
YOUNG_S = 60
# Where these say that somebody writes to a file, they may mean that the server gave no lease.
REMOTE_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "afs"})


class Unwanted(Exception):
    """Nobody waits for the hash any more."""


def hash_file(
    path: Path, is_unwanted: Callable[[], bool] = lambda: False
) -> tuple[FileStat, bytes]:
    """Return a regular file's stat and the 32-byte BLAKE3 hash of its content, read in chunks.

    is_unwanted: asked before each chunk of 1 MiB; true ends the reading.

    Raises:
        Unwanted: it became so.
        UnreadableError: it cannot be opened or read, or is no regular file.
        ChangedError: it vanished, changed while it was read, or is being written at this moment.
    """
    descriptor = open_regular(path)
    try:
        before = FileStat.of(path, os.fstat(descriptor))
        _require_complete(before, descriptor)
        digest, left_bytes = blake3(), before.size_bytes
        # No further than its size: one that grows all the time would be read for ever.
        while left_bytes >= 0 and (chunk := os.read(descriptor, CHUNK_BYTES)):
            digest.update(chunk)
            left_bytes -= len(chunk)
            if is_unwanted():
                raise Unwanted
        after = FileStat.of(path, os.fstat(descriptor))
    except OSError as error:
        raise UnreadableError(f"cannot read {path}: {error.strerror}", "check its disk") from error
    finally:
        os.close(descriptor)
    if before != after:
        raise ChangedError(f"{path} changed while it was read", "index again when it is at rest")
    return after, digest.digest()


def confirm(file: FileStat, blake3: bytes, checked_at_ns: int) -> None:
    """Make sure that a file is what it was when it was hashed, after its content was used.

    As a rule its stat tells. One that was written to within a step of its disk's clock before may
    have been written to again without its stat telling: it is hashed again.

    file, blake3: as `hash_file` returned them. checked_at_ns: a moment before it was called.

    Raises:
        UnreadableError: it cannot be read any more.
        ChangedError: it is another now, or gone, or is being written.
    """
    is_same = stat_file(file.path) == file
    if is_same and not file.was_at_rest(checked_at_ns):
        is_same = hash_file(file.path) == (file, blake3)
    if not is_same:
        raise ChangedError(
            f"{file.path} changed while it was read", "index again when it is at rest"
        )


def is_being_written(descriptor: int) -> bool:
    """Whether some process has a file open for writing. descriptor: open for reading only.

    Asks for a read lease, which the kernel gives only where there is no writer (fcntl(2), "Leases")
    and which is given back at once. False too where that cannot be told: on a remote or an unusual
    file system, or if the file belongs to somebody else.
    """
    # A writer that comes between the two calls would make the kernel send SIGIO, which kills.
    # SIGURG is ignored unless a program asks for it.
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        is_refused = error.errno == errno.EAGAIN
        return is_refused and file_system_of(descriptor) not in REMOTE_FILE_SYSTEMS
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def file_system_of(descriptor: int) -> str:
    """Return the kind of file system that an open file lies on, as mount(8) names it, or ""."""
    device = os.fstat(descriptor).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    except OSError:
        return ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")  # the third field, and the first one after
        if before.split()[2] == wanted:
            return after.split()[0]
    return ""  # btrfs gives its parts numbers of their own


def stat_file(path: Path) -> FileStat:
    """Look at a file without opening it.

    Raises:
        ChangedError: it is not there any more.
    """
    try:
        return FileStat.of(path, path.lstat())
    except OSError as error:
        raise ChangedError(f"{path} vanished while it was read", "index again") from error


def open_regular(path: Path) -> int:
    """Open a regular file for reading; never waits on a pipe, never follows a symbolic link.

    Raises:
        UnreadableError: it cannot be opened, or is no regular file.
        ChangedError: it is not there any more, or a link took its place.
        SystemStopped: too many files are open.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ChangedError(f"{path} vanished", "index again") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ChangedError(
                f"{path} vanished: a symbolic link took its place", "index again"
            ) from error
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise SystemStopped(
                f"cannot open {path}: {error.strerror}",
                "raise the limit (ulimit -n) or lower the setting workers, then run it again",
            ) from error
        raise UnreadableError(
            f"cannot read {path}: {error.strerror}", "check the rights of the file"
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError(f"{path} is not a regular file")
    return descriptor


def _require_complete(file: FileStat, descriptor: int) -> None:
    """Refuse a file that is still being copied or recorded."""
    is_young = time.time_ns() - file.mtime_ns < YOUNG_S * 1_000_000_000
    if is_young and is_being_written(descriptor):
        raise ChangedError(f"{file.path} is still being written", "index again when it is complete")


def confirm_content(known: FileStat, blake3: bytes) -> FileStat:
    """Return a file's present stat if it still holds a content; reads it only if it was touched.

    Raises:
        ChangedError: it holds another content, or is gone.
        UnreadableError: it cannot be read.
    """
    stat = stat_file(known.path)
    if stat == known:
        return stat
    stat, found = hash_file(known.path)
    if found != blake3:
        raise ChangedError("it changed since it was indexed", "index it again")
    return stat


def holds_content(path: Path, size_bytes: int, blake3: bytes) -> bool:
    """Whether a file holds a content. What is not there, or cannot be read, does not."""
    try:
        return stat_file(path).size_bytes == size_bytes and hash_file(path)[1] == blake3
    except ItemError:
        return False
