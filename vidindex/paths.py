"""Paths as a user writes them, and as the library stores them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from vidindex.errors import Refused, UsageError

StrPath = str | os.PathLike[str]


def resolve(path: StrPath) -> Path:
    """Return a path absolute, with a leading ``~`` and all symbolic links resolved.

    It need not exist. A ``~name`` of nobody stands for itself, as it does in a shell.

    Raises:
        UsageError: it is empty, which a script's unset variable makes of it; Path("") would be
            the current folder.
        Refused: its symbolic links lead round in a circle.
    """
    if not os.fspath(path):
        raise UsageError("a path is empty", "name a file or a folder; . is the current folder")
    resolved = Path(os.path.realpath(os.path.expanduser(path)))  # noqa: PTH111 - as a shell does
    try:
        resolved.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Refused(
                f"the symbolic links of {path} lead round in a circle", "mend or remove the link"
            ) from error
    return resolved
