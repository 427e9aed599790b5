"""Files and folders by name: what lies there, what an error says, and what makes them durable.

A `root` is a folder that is trusted as it is named; no folder below it may be a symbolic link, so
that nothing can be led out of it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vidindex.errors import ChangedError, ItemError, SystemStopped

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FAILING = frozenset({errno.EIO, errno.EROFS, errno.ESTALE, errno.EUCLEAN})
_UNPLUGGED = frozenset({errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ETIMEDOUT})
_EXHAUSTED = frozenset({errno.ENOMEM, errno.EMFILE, errno.ENFILE})
STOPS = FULL | _FAILING | _UNPLUGGED | _EXHAUSTED


class TargetTaken(ItemError):
    """Something has the target's name already. Take the next name."""

    code = "taken"


class SameFile(ItemError):
    """Source and target are two names of one file; nothing was done."""

    code = "same_file"


class BothNames(ItemError):
    """The file has the target's name, and keeps the source's, which could not be removed."""

    code = "both_names"


class OtherDevice(ItemError):
    """The target lies on another device. Copy."""

    code = "other_device"


class NotPermitted(ItemError):
    """The system, or something that stands in the way, does not let this file be moved."""

    code = "not_permitted"


class VanishedError(ChangedError):
    """There is nothing under the file's name."""

    code = "vanished"


class DamagedCopy(ItemError):
    """What was read back from the disk is not what was written to it."""

    code = "damaged_copy"


_MEANINGS: dict[int, tuple[type[ItemError], str]] = {
    errno.EEXIST: (TargetTaken, "choose another name"),
    errno.EXDEV: (OtherDevice, "copy the file instead"),
    errno.ENOENT: (VanishedError, "index it again"),
    errno.ELOOP: (ChangedError, "index it again"),
    errno.ENAMETOOLONG: (NotPermitted, "choose a shorter name"),
    errno.EFBIG: (NotPermitted, "this disk takes no file of that size"),
    errno.ENOTDIR: (NotPermitted, "a file or a symlink is in the way of a folder; move it away"),
}


@dataclass(frozen=True)
class FileIdentity:
    """What tells a regular file from any other, and from itself before an edit."""

    size: int
    mtime_ns: int
    device: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileIdentity:
        """Look at a name, without following a symlink.

        Raises:
            VanishedError: nothing has that name.
            ChangedError: something that is not a regular file has it.
            NotPermitted, SystemStopped: it cannot be looked at.
        """
        with explained(f"cannot look at {path}"):
            try:
                found = path.lstat()
            except NotADirectoryError as error:
                raise VanishedError(f"{path} is gone", "index it again") from error
        if not stat.S_ISREG(found.st_mode):
            raise ChangedError(f"{path} is not a regular file", "index it again")
        return cls.from_stat(found)

    @classmethod
    def from_stat(cls, found: os.stat_result) -> FileIdentity:
        """Take the identity out of a stat result, of whatever kind of file."""
        return cls(found.st_size, found.st_mtime_ns, found.st_dev, found.st_ino)

    def is_same_file(self, other: FileIdentity | None) -> bool:
        """Whether both are one file, edited in between or not."""
        return other is not None and (self.device, self.inode) == (other.device, other.inode)

    def is_alike(self, other: FileIdentity | None) -> bool:
        """Whether size and time are equal, as on disks that number a moved file anew."""
        return other is not None and (self.size, self.mtime_ns) == (other.size, other.mtime_ns)


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where its file system can.

    Raises:
        SystemStopped: the disk is failing. VanishedError, NotPermitted: it cannot be opened.
    """
    with opened_folder(folder, folder) as opened, explained(f"cannot save the folder {folder}"):
        fsync_opened(opened)


def make_folders(folder: Path, *, root: Path, before_each: Callable[[Path], None]) -> None:
    """Make a folder and those between it and root, each durable before the next.

    root: exists already. before_each: told of each missing folder before it is made.

    Raises:
        NotPermitted: a file or a symlink is in the way, or folder is not below root.
        SystemStopped: as `rename_exclusive`.
    """
    with opened_folder(folder, root, before_making=before_each):
        pass


def remove_empty_folder(folder: Path, *, root: Path) -> bool:
    """Remove a folder if it is empty. Returns whether it was removed.

    Raises:
        NotPermitted: the system does not let it be removed. SystemStopped: the disk is failing.
    """
    with (
        contextlib.suppress(VanishedError),
        opened_folder(folder.parent, root) as parent,
        explained(f"cannot remove the folder {folder}"),
    ):
        try:
            os.rmdir(folder.name, dir_fd=parent)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                return False
            raise
        fsync_opened(parent)
        return True
    return False


def check(found: FileIdentity | None, identity: FileIdentity, path: Path) -> None:
    """Raise ChangedError where path is not, or no longer, the file with that identity."""
    if found is None:
        raise VanishedError(f"{path} is gone", "index it again")
    if found != identity:
        raise ChangedError(f"{path} is not the file that was indexed", "index it again")


def look(name: str, folder: int) -> FileIdentity | None:
    """Tell what a name in an open folder is; None where there is nothing."""
    try:
        return FileIdentity.from_stat(os.stat(name, dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError:
        return None


def exists(path: Path) -> bool:
    """Whether anything has the name, a dangling symlink too."""
    with explained(f"cannot look at {path}"):
        try:
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True


@contextmanager
def opened_folder(
    folder: Path, root: Path, before_making: Callable[[Path], None] | None = None
) -> Iterator[int]:
    """Open a folder; no symlink is followed below root. before_making: make what is missing."""
    with explained(f"cannot open the folder {folder}"):
        opened = os.open(root, _FOLDER)
    try:
        path = root
        for part in _parts_below(folder, root):
            path /= part
            with explained(f"cannot open the folder {path}"):
                if before_making is not None:
                    _make_folder(path, opened, before_making)
                below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=opened)
            os.close(opened)
            opened = below
        yield opened
    finally:
        os.close(opened)


def _parts_below(folder: Path, root: Path) -> tuple[str, ...]:
    if not folder.is_relative_to(root) or ".." in folder.parts or "\0" in str(folder):
        raise NotPermitted(f"{folder} is not inside {root}", "nothing outside it is touched")
    return folder.relative_to(root).parts


def _make_folder(path: Path, parent: int, before_making: Callable[[Path], None]) -> None:
    if look(path.name, parent) is None:
        before_making(path)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path.name, dir_fd=parent)
    # Also for one that is there: a run that was killed may have made it, and not got here.
    fsync_opened(parent)


def fsync_opened(opened: int) -> None:
    """Make the names in an open folder durable, where its file system can."""
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno != errno.EINVAL:  # its file system has no such thing; nothing is wrong
            raise _unsaved(error) from error


def fsync_file(opened: int) -> None:
    """Make an open file durable."""
    try:
        os.fsync(opened)
    except OSError as error:
        raise _unsaved(error) from error


def _unsaved(error: OSError) -> SystemStopped:
    # Whatever its number: what the disk holds now is not known, and asking again may lie.
    return SystemStopped(
        f"cannot save a change to the disk: {error.strerror}", "check the disk, then run it again"
    )


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn the system's errors into ours. doing: the beginning of the message."""
    try:
        yield
    except OSError as error:
        raise explanation(error, doing) from error


def explanation(error: OSError, doing: str) -> ItemError | SystemStopped:
    """Tell by an error's number what it means for the file, or for the run."""
    message = f"{doing}: {error.strerror}"
    if error.errno in FULL:
        return SystemStopped(message, "free some space, then run the command again")
    if error.errno in STOPS:
        return SystemStopped(message, "check the disk, then run the command again")
    rights = (NotPermitted, "check the rights on the file and its folders")
    kind, hint = _MEANINGS.get(error.errno or 0, rights)
    return kind(message, hint)
