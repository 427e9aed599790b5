"""What lies below a folder, as the tests of moving compare it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from tests.conftest import read_tree
from vidindex import Library
from vidindex.scanning import FileStat


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


def places(library: Library) -> set[Path]:
    """Return where the library thinks that its files are."""
    return {row.stat.path for row in library.labels().rows}


def videos_below(folder: Path) -> dict[str, bytes]:
    return {path: data for path, data in read_tree(folder).items() if data is not None}


def assert_library_follows_the_disk(library: Library, source) -> None:
    for row in library.labels().rows:
        assert FileStat.of(row.stat.path, row.stat.path.lstat()) == row.stat
    folders = {row.stat.path.parent for row in library.labels().rows}
    result = library.index(folders, source=source)
    assert (result.indexed, result.relinked, result.failed, result.missing) == (0, 0, 0, 0)


def stats_below(folder):
    return {
        path: (status.st_mode, status.st_size, status.st_mtime_ns)
        for path in folder.rglob("*.mp4")
        for status in [path.stat()]
    }
