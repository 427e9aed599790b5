"""Folders: opened without being led astray, made, removed and made durable.

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
from functools import partial
from pathlib import Path

from vidindex.disk_errors import STOPS, NotPermitted, VanishedError, explained
from vidindex.errors import ChangedError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FRESH_FOLDER = ".vidindex-folder.part"


@dataclass(frozen=True)
class FolderMode:
    """What a folder is made again with. permissions: the twelve bits of chmod(2)."""

    permissions: int
    uid: int
    gid: int


def describe_folder(folder: Path) -> FolderMode:
    """Look at a folder, without following a symlink.

    Raises:
        VanishedError: nothing has that name.
        ChangedError: something that is no folder has it.
        NotPermitted, SystemStopped: it cannot be looked at.
    """
    with explained(f"cannot look at {folder}"):
        try:
            found = folder.lstat()
        except NotADirectoryError as error:
            raise VanishedError(f"{folder} is gone", "index it again") from error
    if not stat.S_ISDIR(found.st_mode):
        raise ChangedError(f"{folder} is not a folder", "index it again")
    return FolderMode(stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


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


def make_folder_again(folder: Path, permissions: int, uid: int, gid: int, *, root: Path) -> bool:
    """Make a folder that was removed, with its mode and, where that is allowed, its owner.

    It has both from the moment it is there. The folder above it must exist. Returns False if
    there is a folder of that name, or a symlink to one; it is left as it is.

    Raises:
        NotPermitted: something else has its name, or the system does not let it be made.
        VanishedError: there is no folder above it. SystemStopped: as `rename_exclusive`.
    """
    with (
        opened_folder(folder.parent, root) as parent,
        explained(f"cannot make the folder {folder}"),
    ):
        is_missing = not _has(folder.name, parent)
        if is_missing:
            with _fresh_folder(parent, permissions, uid, gid):
                # Of a folder, a rename replaces an empty folder at most.
                os.rename(_FRESH_FOLDER, folder.name, src_dir_fd=parent, dst_dir_fd=parent)
        elif not folder.is_dir():
            raise NotPermitted(f"{folder} is not a folder", "move away what has its name")
        fsync_opened(parent)
        return is_missing


def remove_part_folder(parent: Path) -> None:
    """Remove what a cut-off `make_folder_again` has left in a folder, if there is anything."""
    with (
        contextlib.suppress(VanishedError),
        opened_folder(parent, parent) as opened,
        explained(f"cannot remove {parent / _FRESH_FOLDER}"),
        contextlib.suppress(FileNotFoundError),
    ):
        os.rmdir(_FRESH_FOLDER, dir_fd=opened)
        fsync_opened(opened)


def remove_empty_folder(folder: Path, *, root: Path) -> bool:
    """Remove a folder if it is empty and not the current one. Returns whether it was removed.

    Raises:
        NotPermitted: the system does not let it be removed; a disk may be mounted there.
        SystemStopped: the disk is failing.
    """
    with (
        contextlib.suppress(VanishedError),
        opened_folder(folder.parent, root) as parent,
        explained(f"cannot remove the folder {folder}"),
    ):
        if _is_current_folder(folder.name, parent):
            return False
        try:
            os.rmdir(folder.name, dir_fd=parent)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                return False
            raise
        fsync_opened(parent)
        return True
    return False


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
    if not _has(path.name, parent):
        before_making(path)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path.name, dir_fd=parent)
    # Also for one that is there: a run that was killed may have made it, and not got here.
    fsync_opened(parent)


@contextmanager
def _fresh_folder(parent: int, permissions: int, uid: int, gid: int) -> Iterator[None]:
    """Make a folder under a name of our own, with its owner and mode; remove it on any error."""
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(_FRESH_FOLDER, dir_fd=parent)  # a run that was killed has left it
    os.mkdir(_FRESH_FOLDER, 0o700, dir_fd=parent)
    try:
        opened = os.open(_FRESH_FOLDER, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)
        try:
            # The owner first: to change it clears bits of the mode.
            _where_allowed(partial(os.fchown, opened, uid, gid))
            _where_allowed(partial(os.fchmod, opened, permissions))
            fsync_opened(opened)
        finally:
            os.close(opened)
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            os.rmdir(_FRESH_FOLDER, dir_fd=parent)
        raise


def _where_allowed(step: Callable[[], None]) -> None:
    try:
        step()
    except OSError as error:
        if error.errno in STOPS:
            raise


def _is_current_folder(name: str, parent: int) -> bool:
    """Whether it is where the user, or the user's shell, stands: one must not be left nowhere."""
    found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    try:
        return os.path.samestat(found, Path().stat())
    except OSError:
        return False  # the user stands nowhere already


def fsync_opened(opened: int) -> None:
    """Make the names in an open folder durable, where its file system can.

    Raises:
        OSError: EIO, which stops the run; `explained` around it tells what was being done.
    """
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno != errno.EINVAL:  # its file system has no such thing; nothing is wrong
            raise _unsaved(error) from error


def fsync_file(opened: int) -> None:
    """Make an open file durable. Raises as `fsync_opened`."""
    try:
        os.fsync(opened)
    except OSError as error:
        raise _unsaved(error) from error


def _unsaved(error: OSError) -> OSError:
    # Whatever its number: what the disk holds now is not known, and asking again may lie.
    return OSError(errno.EIO, f"the disk did not save it: {error.strerror}")


def _has(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
