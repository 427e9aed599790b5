"""What lies below a folder, as the tests of moving compare it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any


def fingerprint(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Return what lies below a folder: kinds, modes, contents, texts of links, times, links."""
    found: dict[str, tuple[Any, ...]] = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        name = os.fspath(path.relative_to(folder))
        if path.is_symlink():
            found[name] = ("link", os.fspath(path.readlink()))
        elif stat.S_ISDIR(status.st_mode):
            found[name] = ("folder", status.st_mode)
        else:
            content = path.read_bytes()
            found[name] = (content, status.st_mode, status.st_mtime_ns, status.st_nlink)
    return found


def files_below(folder: Path) -> set[str]:
    """Return the names of all that is no folder."""
    return {name for name, (kind, *_) in fingerprint(folder).items() if kind != "folder"}
