"""The content hash of a file: BLAKE3 over all its bytes, 256 bit, as ``b3sum`` prints it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from blake3 import blake3

from vidindex.errors import ChangedError, UnreadableError
from vidindex.scanning import FileStat

CHUNK_BYTES = 1 << 20


def hash_file(path: Path) -> tuple[FileStat, bytes]:
    """Return a regular file's stat and the 32-byte BLAKE3 hash of its content, read in chunks.

    Raises:
        UnreadableError: it cannot be opened or read, or is no regular file.
        ChangedError: it vanished, or changed while it was read.
    """
    descriptor = open_regular(path)
    try:
        before = FileStat.of(path, os.fstat(descriptor))
        digest = blake3()
        while chunk := os.read(descriptor, CHUNK_BYTES):
            digest.update(chunk)
        after = FileStat.of(path, os.fstat(descriptor))
    except OSError as error:
        raise UnreadableError(f"cannot read {path}: {error.strerror}", "check its disk") from error
    finally:
        os.close(descriptor)
    if before != after:
        raise ChangedError(f"{path} changed while it was read", "index again when it is at rest")
    return after, digest.digest()


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
        ChangedError: it is not there any more.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise ChangedError(f"{path} vanished", "index again") from error
    except OSError as error:
        raise UnreadableError(
            f"cannot read {path}: {error.strerror}", "check the rights of the file"
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError(f"{path} is not a regular file")
    return descriptor
