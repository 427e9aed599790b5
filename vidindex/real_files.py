"""Open a file at just its own path: no symbolic link is followed on the way, or at its end."""

from __future__ import annotations

import os
import stat
from pathlib import Path

# O_PATH: a folder that may be passed through need not be readable.
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: whatever took the file's place, a pipe, say, is not waited for.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_real(path: Path) -> int:
    """Open a regular file for reading and return its descriptor.

    path: absolute.

    Raises:
        OSError: there is no regular file, a link is in the way, or it may not be read.
    """
    *folders, name = path.parts[1:]
    opened = os.open("/", _FOLDER)
    try:
        for folder in folders:
            below = os.open(folder, _FOLDER, dir_fd=opened)
            os.close(opened)
            opened = below
        _require_regular(os.stat(name, dir_fd=opened, follow_symlinks=False), path)
        descriptor = os.open(name, _FILE, dir_fd=opened)
    finally:
        os.close(opened)
    try:
        _require_regular(os.fstat(descriptor), path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _require_regular(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(f"{path} is not a regular file")
