"""Move, copy or link one file without ever overwriting, across devices too, durable.

Small steps that a journalled mover composes, with a commit of its own between them:

- same disk: `make_folders`, `rename_exclusive`;
- other disk (`OtherDevice`): `copy_to_part`, `publish`, `remove_source`;
- after a crash: `FileIdentity.of` both names, then `finish_rename`, `remove_part`, `remove_source`.

Each step is on the disk when it returns (rename(2), open(2), fsync(2)), and nothing that exists
is replaced, not even by a race. A `root` is a folder that is trusted as it is named; no folder
below it may be a symbolic link, so that nothing can be led out of it.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from vidindex.disk_errors import (
    STOPS,
    BothNames,
    NotPermitted,
    SameFile,
    explained,
    explanation,
)
from vidindex.errors import ChangedError, ItemError, SystemStopped
from vidindex.folders import fsync_folder, fsync_opened, opened_folder
from vidindex.freenames import clash_key
from vidindex.places import FileIdentity, check, exists, look, require_name

_RENAME_NOREPLACE = 1
_NO_RENAMEAT2 = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
_NO_LINKS = _NO_RENAMEAT2 | {errno.EPERM, errno.EMLINK}


@dataclass(frozen=True)
class Ends:
    """Both names of a move, each with its open folder."""

    source: Path
    source_fd: int
    target: Path
    target_fd: int
    verb: str

    def at_source(self) -> FileIdentity | None:
        """What has the source's name now."""
        return look(self.source.name, self.source_fd)

    def at_target(self) -> FileIdentity | None:
        """What has the target's name now."""
        return look(self.target.name, self.target_fd)

    @property
    def doing(self) -> str:
        """The beginning of a message."""
        return f"cannot {self.verb} {self.source} to {self.target}"

    def are_one_entry(self) -> bool:
        """Whether both are one name of the file, seen twice (bind mount, case-blind folder)."""
        folders = os.fstat(self.source_fd), os.fstat(self.target_fd)
        same_name = clash_key(self.source.name) == clash_key(self.target.name)
        links = os.stat(self.target.name, dir_fd=self.target_fd, follow_symlinks=False).st_nlink
        return links == 1 or (same_name and os.path.samestat(*folders))

    def sync(self) -> None:
        """Make both folders durable, the target's first: better two names than none."""
        fsync_opened(self.target_fd)
        if self.source.parent != self.target.parent:
            fsync_opened(self.source_fd)


class Removal(Enum):
    """What became of the source of a copy.

    GONE: it was no longer there, or its name is another file's now. CHANGED, REFUSED: it was
    edited since, or the system does not let it be removed; it is kept, and exists twice.
    """

    REMOVED = "removed"
    GONE = "gone"
    CHANGED = "changed"
    REFUSED = "refused"


def rename_exclusive(source: Path, target: Path, identity: FileIdentity, *, root: Path) -> None:
    """Give a file another name on the same device, and make that durable.

    identity: what the source must be. root: the trusted folder above the target.

    Raises:
        TargetTaken: the target's name is taken. SameFile: by the same file.
        OtherDevice: it must be copied instead.
        ChangedError, VanishedError: the source is not, or no longer, what it should be.
        BothNames: it has the new name, durable, and the old one could not be removed.
        NotPermitted: anything else about this file or its folders; nothing was done.
        SystemStopped: the disk is full, read-only or failing; look at both names afterwards.
    """
    with both_ends(source, target, root=root) as ends:
        _rename(ends, identity)


def finish_rename(source: Path, target: Path, identity: FileIdentity, *, root: Path) -> None:
    """Bring a rename that was cut off to its end: the file keeps the target's name alone.

    For a file that has both names, or the target's only; identity: that of the target, now.

    Raises: as `rename_exclusive`; SameFile where both names are one entry of one folder.
    """
    if not exists(source.parent):
        check(FileIdentity.of(target), identity, target)
        fsync_folder(target.parent)
        return
    with both_ends(source, target, root=root) as ends:
        check(ends.at_target(), identity, target)
        _drop_source_name(ends, identity)


def link_exclusive(source: Path, target: Path, identity: FileIdentity, *, root: Path) -> None:
    """Give a file a second name (a hard link) on the same device. Raises as `rename_exclusive`."""
    with both_ends(source, target, root=root, verb="link") as ends:
        check(ends.at_source(), identity, source)
        _link(ends, identity)
        fsync_opened(ends.target_fd)


def publish(part: Path, target: Path, identity: FileIdentity, *, root: Path) -> None:
    """Give a finished part its name, within its folder. Raises as `rename_exclusive`."""
    with both_ends(part, target, root=root) as ends:
        _rename(ends, identity)


def remove_source(
    source: Path, copy: Path, identity: FileIdentity, *, ctime_ns: int | None = None
) -> Removal:
    """Remove the source of a published copy, if it is still the file that was copied.

    copy: where its content lies now. identity: of the source.
    ctime_ns: `Copied.source_ctime_ns`; None where it is not known any more, after a crash.

    Raises:
        ChangedError, VanishedError: the copy is not there, not whole or no regular file.
        SameFile: the copy is the source itself (a disk that is mounted twice).
        NotPermitted: a folder cannot be opened. SystemStopped: the disk is failing.
    """
    copied = FileIdentity.of(copy)
    if identity.is_same_file(copied):
        raise SameFile(f"{source} and {copy} are one file", "is one disk mounted twice?")
    if copied.size != identity.size:
        raise ChangedError(f"{copy} is not a whole copy of {source}", "look at both files")
    if ctime_ns is None:
        fsync_folder(copy.parent)  # the crash may have come before the copy's name was saved
    with (
        opened_folder(source.parent, source.parent) as folder,
        explained(f"cannot remove {source}"),
    ):
        removal = _unlink_if_unchanged(source.name, folder, identity, ctime_ns)
        if removal in (Removal.REMOVED, Removal.GONE):
            fsync_opened(folder)
        return removal


def _rename(ends: Ends, identity: FileIdentity) -> None:
    check(ends.at_source(), identity, ends.source)
    code = _renameat2(ends.source, ends.source_fd, ends.target, ends.target_fd)
    if code in _NO_RENAMEAT2:
        _link(ends, identity)
        _drop_source_name(ends, identity)
        return
    _settle(ends, identity, code)
    ends.sync()


def _settle(ends: Ends, identity: FileIdentity, code: int) -> None:
    """Believe the two names, not the call: over a network a made rename can report an error."""
    there = ends.at_target()
    if identity.is_same_file(there):
        if identity.is_same_file(ends.at_source()):
            raise SameFile(f"{ends.source} and {ends.target} are one file", "remove one of them")
        return
    if code:
        raise explanation(OSError(code, os.strerror(code)), ends.doing)
    if not identity.is_alike(there):
        # Another file was put in the source's place in between: give it its name back.
        _renameat2(ends.target, ends.target_fd, ends.source, ends.source_fd)
        ends.sync()
        raise ChangedError(f"{ends.source} changed while it was moved", "index it again")


def _link(ends: Ends, identity: FileIdentity) -> None:
    """Make the second name. As in `_settle`, the names are believed, not the call."""
    was_taken = ends.at_target() is not None
    try:
        os.link(
            ends.source.name,
            ends.target.name,
            src_dir_fd=ends.source_fd,
            dst_dir_fd=ends.target_fd,
            follow_symlinks=False,
        )
    except OSError as error:
        if not identity.is_same_file(ends.at_target()):
            raise _link_error(ends, error) from error
        if was_taken:
            fsync_opened(ends.target_fd)  # it may be ours, of a run that was killed before this
            raise SameFile(
                f"{ends.source} and {ends.target} are one file", "remove one of them"
            ) from error
    if not identity.is_same_file(ends.at_target()):
        # Another file has the name now. It stays: taking it back could take its last name.
        raise ChangedError(f"{ends.doing}: another file came in between", "look at both files")


def _link_error(ends: Ends, error: OSError) -> ItemError | SystemStopped:
    if error.errno not in _NO_LINKS:
        return explanation(error, ends.doing)
    if ends.verb == "link":
        message = f"{ends.doing}: the disk, or the file's rights, allow no further hard link"
        return NotPermitted(message, "--mode copy or --mode symlink needs none")
    message = f"{ends.doing}: this disk does not let a file be named without replacing"
    return NotPermitted(message, "choose a folder on another disk")


def _drop_source_name(ends: Ends, identity: FileIdentity) -> None:
    """Leave a file that has both names the target's alone."""
    fsync_opened(ends.target_fd)
    if identity.is_same_file(ends.at_source()):
        if ends.are_one_entry():
            raise SameFile(f"{ends.source} and {ends.target} are one file", "remove one of them")
        try:
            # If another process was quicker, the name is gone as it should be.
            with suppress(FileNotFoundError):
                os.unlink(ends.source.name, dir_fd=ends.source_fd)
        except OSError as error:
            if error.errno in STOPS:
                raise
            message = f"cannot remove {ends.source}, which has become {ends.target}"
            raise BothNames(f"{message}: {error.strerror}", "remove the first by hand") from error
    fsync_opened(ends.source_fd)


def _unlink_if_unchanged(
    name: str, folder: int, identity: FileIdentity, ctime_ns: int | None
) -> Removal:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        now = FileIdentity.from_stat(found)
        if not identity.is_same_file(now):
            return Removal.GONE
        if now != identity or ctime_ns not in (None, found.st_ctime_ns):
            return Removal.CHANGED
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return Removal.GONE
    except OSError as error:
        # A source on a read-only disk stays; that is no reason to stop each later run.
        if error.errno in STOPS - {errno.EROFS}:
            raise
        return Removal.REFUSED
    return Removal.REMOVED


def _renameat2(old: Path, old_fd: int, new: Path, new_fd: int) -> int:
    """Rename without replacing; returns 0 or the error's number."""
    call = getattr(libc(), "renameat2", None)
    if call is None:
        return errno.ENOSYS
    names = os.fsencode(old.name), os.fsencode(new.name)
    failed = call(old_fd, names[0], new_fd, names[1], ctypes.c_uint(_RENAME_NOREPLACE))
    return ctypes.get_errno() if failed else 0


@cache
def libc() -> ctypes.CDLL:
    """The C library, for the calls that Python does not offer."""
    return ctypes.CDLL(None, use_errno=True)


@contextmanager
def both_ends(source: Path, target: Path, *, root: Path, verb: str = "move") -> Iterator[Ends]:
    """Open the folders of both names. The source's is trusted as named, if not the target's too."""
    require_name(source)
    require_name(target)
    source_root = root if source.parent == target.parent else source.parent
    with (
        opened_folder(source.parent, source_root) as source_fd,
        opened_folder(target.parent, root) as target_fd,
    ):
        ends = Ends(source, source_fd, target, target_fd, verb)
        with explained(ends.doing):
            yield ends
