"""Clones (reflinks): files that share their blocks on the disk until one of them is changed."""

from __future__ import annotations

import errno
import fcntl
import tempfile
from pathlib import Path

_FICLONE = 0x40049409  # ioctl_ficlone(2); the module fcntl has it since Python 3.12
_CANNOT = frozenset(
    {
        errno.EOPNOTSUPP,
        errno.EXDEV,
        errno.EINVAL,
        errno.ENOTTY,
        errno.ENOSYS,
        errno.EAGAIN,  # ZFS, of a file that was just written
    }
)


def clone(source: int, target: int) -> bool:
    """Give an empty open file the content of another. Returns False where the disk cannot.

    Raises:
        OSError: the disk is full or failing, or lets neither be read or written.
    """
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    return True


def can_clone(folder: Path) -> bool:
    """Whether the disk of a folder has clones: tried with two files that get no name.

    Raises:
        OSError: no file can be made there.
    """
    with tempfile.TemporaryFile(dir=folder) as source, tempfile.TemporaryFile(dir=folder) as target:
        source.write(b"x")
        source.flush()
        return clone(source.fileno(), target.fileno())
