"""Copy a file to another device: to a part beside its target, verified and durable."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from blake3 import blake3

from vidindex.clones import clone
from vidindex.disk_errors import STOPS, DamagedCopy, NotPermitted, VanishedError, explained
from vidindex.errors import ChangedError, UnreadableError
from vidindex.folders import fsync_file, fsync_opened, opened_folder
from vidindex.metadata import copy_metadata
from vidindex.places import FileIdentity, check
from vidindex.renames import Ends, both_ends, libc

Clones = Literal["never", "always", "auto"]

_CHUNK_BYTES = 1 << 20
_BLOCK_BYTES = 512  # what st_blocks counts
_FALLOC_FL_KEEP_SIZE = 1


@dataclass(frozen=True)
class Copied:
    """A finished, verified part.

    part: its identity, for `publish`. source_ctime_ns: for `remove_source`.
    lost: what the target's file system or the user's rights did not let be copied: "owner",
        "permissions", "times" (in full precision), "hard links", "immutable flag", "append-only
        flag" or "attribute NAME". is_clone: it shares the source's blocks.
    """

    part: FileIdentity
    source_ctime_ns: int
    lost: tuple[str, ...]
    is_clone: bool


def copy_to_part(
    source: Path,
    part: Path,
    identity: FileIdentity,
    digest: bytes,
    *,
    root: Path,
    progress: Callable[[int], None] = lambda _: None,
    clones: Clones = "never",
) -> Copied:
    """Copy a file to a new one, make it durable, and read it back from the disk to compare.

    part: a name from `part_path`, in the target's folder. digest: 32 bytes, BLAKE3 of the
    content. progress: called with the number of bytes of each piece, and with 0 for each that is
    read back; what it raises ends the copy. clones: whether the part shares the source's blocks
    ("always"), does so where the disk can ("auto"), or is a copy ("never").
    After any exception there is no part.

    Raises:
        TargetTaken: the part exists.
        ChangedError, VanishedError: the source is not what it should be, or changed meanwhile.
        UnreadableError: the source's disk fails to read it.
        DamagedCopy: the part does not hold what was written to it.
        NotPermitted: it must be a clone and cannot, or as `rename_exclusive`.
        SystemStopped: as `rename_exclusive`.
    """
    with (
        both_ends(source, part, root=root, verb="copy") as ends,
        _opened_source(ends, identity) as source_fd,
        _new_part(ends) as part_fd,
    ):
        return _fill_part(
            ends,
            source_fd=source_fd,
            part_fd=part_fd,
            digest=digest,
            progress=progress,
            clones=clones,
        )


def part_path(target: Path, move: int) -> Path:
    """Name the part of a move, in the target's folder."""
    return target.with_name(f".vidindex-{move}.part")


def remove_part(part: Path, *, root: Path) -> bool:
    """Remove what a cut-off copy has left. Returns whether there was one.

    part: from `part_path`; any other name is a ValueError.
    """
    if not (part.name.startswith(".vidindex-") and part.name.endswith(".part")):
        raise ValueError(part)
    with (
        contextlib.suppress(VanishedError),
        opened_folder(part.parent, root) as folder,
        explained(f"cannot remove {part}"),
    ):
        os.unlink(part.name, dir_fd=folder)
        fsync_opened(folder)
        return True
    return False


@contextmanager
def _opened_source(ends: Ends, identity: FileIdentity) -> Iterator[int]:
    # Non-blocking: a named pipe in the file's place must not hang the run.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    opened = os.open(ends.source.name, flags, dir_fd=ends.source_fd)
    try:
        check(FileIdentity.from_stat(os.fstat(opened)), identity, ends.source)
        yield opened
    finally:
        os.close(opened)


@contextmanager
def _new_part(ends: Ends) -> Iterator[int]:
    """Make the part; remove it if anything at all goes wrong, an interrupt too."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    opened = os.open(ends.target.name, flags, 0o600, dir_fd=ends.target_fd)
    try:
        yield opened
    except BaseException:
        with contextlib.suppress(OSError):  # a part that stays is removed by the next run
            os.unlink(ends.target.name, dir_fd=ends.target_fd)
            os.fsync(ends.target_fd)
        raise
    finally:
        os.close(opened)


def _fill_part(
    ends: Ends,
    *,
    source_fd: int,
    part_fd: int,
    digest: bytes,
    progress: Callable[[int], None],
    clones: Clones,
) -> Copied:
    source, before = ends.source, os.fstat(source_fd)
    is_clone = clones != "never" and clone(source_fd, part_fd)
    if clones == "always" and not is_clone:
        message = f"cannot clone {source} into {ends.target.parent}: not one disk that has reflinks"
        raise NotPermitted(message, "--mode reflink-auto copies instead")
    if not is_clone and _pour(ends, source_fd, part_fd, progress) != digest:
        raise ChangedError(f"{source} does not hold what was indexed", "index it again")
    lost = copy_metadata(source_fd, part_fd, before)
    fsync_file(part_fd)
    if _digest_on_disk(part_fd, progress if is_clone else lambda _: progress(0)) != digest:
        if is_clone:
            raise ChangedError(f"{source} does not hold what was indexed", "index it again")
        raise DamagedCopy(f"a copy of {source} is not what was written", "check the target's disk")
    after = os.fstat(source_fd)
    was_edited = FileIdentity.from_stat(after) != FileIdentity.from_stat(before)
    if was_edited or after.st_ctime_ns != before.st_ctime_ns:
        raise ChangedError(f"{source} changed while it was copied", "run it again")
    arrived = FileIdentity.from_stat(os.fstat(part_fd))
    return Copied(arrived, after.st_ctime_ns, lost, is_clone)


def _pour(ends: Ends, source_fd: int, part_fd: int, progress: Callable[[int], None]) -> bytes:
    """Write the content to the part, holes as holes. Returns its digest."""
    found, hasher = os.fstat(source_fd), blake3()
    has_holes = found.st_blocks * _BLOCK_BYTES < found.st_size and _stretch(part_fd, found.st_size)
    if not has_holes:
        _reserve(part_fd, found.st_size)
    for piece in _read_source(ends.source, source_fd):
        hasher.update(piece)
        if has_holes and piece == bytes(len(piece)):
            os.lseek(part_fd, len(piece), os.SEEK_CUR)
        else:
            _write(part_fd, piece)
        progress(len(piece))
    return hasher.digest()


def _stretch(part_fd: int, size: int) -> bool:
    """Make an empty file one hole. Returns whether the disk does that."""
    try:
        os.ftruncate(part_fd, size)
    except OSError as error:
        if error.errno in STOPS | {errno.EFBIG}:
            raise
        return False
    return True


def _reserve(part_fd: int, size: int) -> None:
    """Find out now that the disk is too full. os.posix_fallocate would write where it cannot."""
    call = getattr(libc(), "fallocate", None)
    if call is None or size == 0:
        return
    keep_size = ctypes.c_int(_FALLOC_FL_KEEP_SIZE)
    if call(part_fd, keep_size, ctypes.c_int64(0), ctypes.c_int64(size)):
        code = ctypes.get_errno()
        if code in STOPS | {errno.EFBIG}:
            raise OSError(code, os.strerror(code))


def _read_source(source: Path, source_fd: int) -> Iterator[bytes]:
    try:
        while piece := os.read(source_fd, _CHUNK_BYTES):
            yield piece
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        # A bad spot under one file must not end each run at that file.
        raise UnreadableError(
            f"cannot read {source}: {error.strerror}", "check its disk"
        ) from error


def _write(part_fd: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(part_fd, rest) :]


def _digest_on_disk(saved_fd: int, progress: Callable[[int], None]) -> bytes:
    # Without this the page cache would be compared with itself, not with the disk.
    with contextlib.suppress(OSError):
        os.posix_fadvise(saved_fd, 0, 0, os.POSIX_FADV_DONTNEED)
    hasher = blake3()
    os.lseek(saved_fd, 0, os.SEEK_SET)
    while piece := os.read(saved_fd, _CHUNK_BYTES):
        hasher.update(piece)
        progress(len(piece))
    return hasher.digest()
