"""What an error of the system means for the one file at hand, or for the whole run."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from vidindex.errors import ChangedError, ItemError, SystemStopped

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
    errno.EPERM: (NotPermitted, "check its owner and, with lsattr, whether it may be changed"),
    errno.EBUSY: (NotPermitted, "it is in use, or a disk is mounted there"),
    errno.EFBIG: (NotPermitted, "this disk takes no file of that size"),
    errno.ENOTDIR: (NotPermitted, "a file or a symlink is in the way of a folder; move it away"),
}


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
