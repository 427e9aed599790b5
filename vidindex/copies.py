"""Copy a file to another device: to a part beside its target, verified and durable."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from blake3 import blake3

from vidindex.errors import ChangedError
from vidindex.places import (
    FULL,
    STOPS,
    DamagedCopy,
    FileIdentity,
    VanishedError,
    check,
    explained,
    fsync_file,
    fsync_opened,
    opened_folder,
)
from vidindex.renames import Ends, both_ends, libc

_CHUNK_BYTES = 1 << 20
_FALLOC_FL_KEEP_SIZE = 1


@dataclass(frozen=True)
class Copied:
    """A finished, verified part.

    part: its identity, for `publish`. source_ctime_ns: for `remove_source`.
    lost: what the target's file system or the user's rights did not let be copied: "owner",
        "permissions", "times" (in full precision), "hard links" or "attribute NAME".
    """

    part: FileIdentity
    source_ctime_ns: int
    lost: tuple[str, ...]


def copy_to_part(
    source: Path,
    part: Path,
    identity: FileIdentity,
    digest: bytes,
    *,
    root: Path,
    progress: Callable[[int], None] = lambda _: None,
) -> Copied:
    """Copy a file to a new one, make it durable, and read it back from the disk to compare.

    part: a name from `part_path`, in the target's folder. digest: 32 bytes, BLAKE3 of the
    content. progress: called with the number of bytes of each piece; what it raises ends the copy.
    After any exception there is no part.

    Raises:
        TargetTaken: the part exists.
        ChangedError, VanishedError: the source is not what it should be, or changed meanwhile.
        DamagedCopy: the part does not hold what was written to it.
        NotPermitted, SystemStopped: as `rename_exclusive`.
    """
    with (
        both_ends(source, part, root=root, verb="copy") as ends,
        _opened_source(ends, identity) as source_fd,
        _new_part(ends) as part_fd,
    ):
        return _fill_part(source, source_fd, part_fd, digest, progress)


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
        raise
    finally:
        os.close(opened)


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


def _fill_part(
    source: Path, source_fd: int, part_fd: int, digest: bytes, progress: Callable[[int], None]
) -> Copied:
    before = os.fstat(source_fd)
    _reserve(part_fd, before.st_size)
    if _pour(source_fd, part_fd, progress) != digest:
        raise ChangedError(f"{source} does not hold what was indexed", "index it again")
    lost = _copy_metadata(source_fd, part_fd, before)
    fsync_file(part_fd)
    if _digest_on_disk(part_fd) != digest:
        raise DamagedCopy(f"a copy of {source} is not what was written", "check the target's disk")
    after = os.fstat(source_fd)
    was_edited = FileIdentity.from_stat(after) != FileIdentity.from_stat(before)
    if was_edited or after.st_ctime_ns != before.st_ctime_ns:
        raise ChangedError(f"{source} changed while it was copied", "run it again")
    return Copied(FileIdentity.from_stat(os.fstat(part_fd)), after.st_ctime_ns, lost)


def _pour(source_fd: int, part_fd: int, progress: Callable[[int], None]) -> bytes:
    hasher = blake3()
    while piece := os.read(source_fd, _CHUNK_BYTES):
        hasher.update(piece)
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(part_fd, rest) :]
        progress(len(piece))
    return hasher.digest()


def _digest_on_disk(saved_fd: int) -> bytes:
    # Without this the page cache would be compared with itself, not with the disk.
    with contextlib.suppress(OSError):
        os.posix_fadvise(saved_fd, 0, 0, os.POSIX_FADV_DONTNEED)
    hasher = blake3()
    os.lseek(saved_fd, 0, os.SEEK_SET)
    while piece := os.read(saved_fd, _CHUNK_BYTES):
        hasher.update(piece)
    return hasher.digest()


def _copy_metadata(source_fd: int, part_fd: int, found: os.stat_result) -> tuple[str, ...]:
    """Copy owner, attributes, mode and times, in this order, as each changes those before it.

    Returns what could not be kept.
    """
    lost: list[str] = []

    def keep(what: str, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as error:
            if error.errno in STOPS - FULL:  # "full" is here said of an attribute's room
                raise
            lost.append(what)

    keep("owner", partial(os.fchown, part_fd, found.st_uid, found.st_gid))
    for name in _attributes(source_fd):
        keep(f"attribute {name}", partial(_copy_attribute, source_fd, part_fd, name))
    # Another owner must not inherit a set-id bit.
    mode = stat.S_IMODE(found.st_mode) & (0o777 if lost else 0o7777)
    keep("permissions", partial(os.fchmod, part_fd, mode))
    keep("times", partial(os.utime, part_fd, ns=(found.st_atime_ns, found.st_mtime_ns)))
    if "times" not in lost and os.fstat(part_fd).st_mtime_ns != found.st_mtime_ns:
        lost.append("times")  # a disk with a coarser clock
    if found.st_nlink > 1:
        lost.append("hard links")
    return tuple(lost)


def _attributes(source_fd: int) -> list[str]:
    try:
        return sorted(os.listxattr(source_fd))
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return []
        raise


def _copy_attribute(source_fd: int, part_fd: int, name: str) -> None:
    os.setxattr(part_fd, name, os.getxattr(source_fd, name))
