"""What vidindex makes beside a file, and takes away again: symbolic links, hard links, copies.

Nothing that exists is replaced, and only what is still as it was made is removed. Each step is on
the disk when it returns; no symlink is followed below a `root` (see `folders`).
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from vidindex.disk_errors import NotPermitted, VanishedError, explained
from vidindex.errors import ChangedError
from vidindex.folders import fsync_opened, opened_folder
from vidindex.places import FileIdentity, look, require_name

_NO_SYMLINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


def symlink_exclusive(target: Path, text: Path, *, root: Path) -> None:
    """Make a symbolic link that names an absolute path, and make it durable.

    text: what the link says; anything or nothing may be there. root: the folder above the target.

    Raises:
        ValueError: the text is not absolute.
        TargetTaken: something has the target's name, a link with the same text too.
        NotPermitted: this disk has no symbolic links, or the system does not let one be made.
        SystemStopped: the disk is full, read-only or failing.
    """
    if not text.is_absolute():
        raise ValueError(text)
    require_name(text)
    require_name(target)
    doing = f"cannot make the link {target} to {text}"
    with opened_folder(target.parent, root) as folder, explained(doing):
        try:
            os.symlink(text, target.name, dir_fd=folder)
        except OSError as error:
            if error.errno in _NO_SYMLINKS:
                message = f"{doing}: this disk has no symbolic links, or lets nobody make one"
                raise NotPermitted(message, "choose a folder on another disk") from error
            raise
        fsync_opened(folder)


def read_link(path: Path) -> Path | None:
    """Return what a symbolic link says; None where there is nothing, or no link.

    Raises:
        NotPermitted, SystemStopped: it cannot be looked at.
    """
    with explained(f"cannot look at {path}"):
        try:
            return path.readlink()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:  # it is something else
                return None
            raise


def remove_link(path: Path, text: Path, *, root: Path) -> bool:
    """Remove a symbolic link that says just this. Returns False where there is nothing.

    text: compared letter by letter with what the link says, whatever the two lead to.

    Raises:
        ChangedError: something else has that name now; it is left alone.
        NotPermitted, SystemStopped: as `remove_copy`.
    """
    return _remove(path, root, partial(_is_link, path, text))


def remove_copy(copy: Path, identity: FileIdentity, *, root: Path) -> bool:
    """Remove a copy or a hard link of ours, if it is untouched. Returns False if it is gone.

    The caller has made sure that the content lies elsewhere too.

    Raises:
        ChangedError: it was changed, or something else has that name now; it is left alone.
        NotPermitted: the system does not let it be removed.
        SystemStopped: the disk is read-only or failing.
    """
    return _remove(copy, root, partial(_is_copy, copy, identity))


def _remove(path: Path, root: Path, is_there: Callable[[int], bool]) -> bool:
    with (
        contextlib.suppress(VanishedError),
        opened_folder(path.parent, root) as folder,
        explained(f"cannot remove {path}"),
    ):
        was_there = is_there(folder)
        if was_there:
            os.unlink(path.name, dir_fd=folder)
        fsync_opened(folder)  # also for what a run that was killed has removed already
        return was_there
    return False


def _is_link(path: Path, text: Path, folder: int) -> bool:
    try:
        said = os.readlink(path.name, dir_fd=folder)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        said = None  # it is something else
    if said != os.fspath(text):
        raise ChangedError(f"{path} is not the link to {text} any more", "it was left alone")
    return True


def _is_copy(copy: Path, identity: FileIdentity, folder: int) -> bool:
    found = look(copy.name, folder)
    if found not in (None, identity):
        raise ChangedError(f"{copy} is not the file that was made any more", "it was left alone")
    return found is not None
