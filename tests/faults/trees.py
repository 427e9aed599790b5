"""All that a tree of files holds, so that what was done to it and taken back can be compared."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One name in a tree.

    content: of a file, or the text of a symbolic link. mtime_ns: not of folders, which get another
    time by any change in them, also by one that is taken back. links: how many names a file has.
    """

    kind: int
    permissions: int
    owner: tuple[int, int]
    content: bytes | None
    mtime_ns: int | None
    links: int | None
    attributes: tuple[tuple[str, bytes], ...]

    @property
    def is_file(self) -> bool:
        return self.kind == stat.S_IFREG


Tree = dict[bytes, Entry]


def fingerprint(*roots: Path) -> Tree:
    """Return all that lies below some folders, by its path as the disk has it; of none: nothing."""
    return {os.fsencode(path): entry_of(path) for root in roots for path in all_below(root)}


def all_below(root: Path) -> Iterator[Path]:
    """Yield a folder and everything in it, links unfollowed."""
    if os.path.lexists(root):
        yield root
    for folder, folders, files in os.walk(root):
        yield from (Path(folder) / name for name in sorted(folders + files))


def entry_of(path: Path) -> Entry:
    status = path.lstat()
    kind = stat.S_IFMT(status.st_mode)
    content = None
    if kind == stat.S_IFREG:
        content = path.read_bytes()
    elif kind == stat.S_IFLNK:
        content = os.fsencode(path.readlink())
    is_folder = kind == stat.S_IFDIR
    return Entry(
        kind,
        stat.S_IMODE(status.st_mode),
        (status.st_uid, status.st_gid),
        content,
        None if is_folder else status.st_mtime_ns,
        None if is_folder else status.st_nlink,
        tuple(
            (name, os.getxattr(path, name, follow_symlinks=False))
            for name in sorted(os.listxattr(path, follow_symlinks=False))
        ),
    )


def contents(*roots: Path) -> Counter[bytes]:
    """Count how often each content lies below some folders as a file, a part of a copy left out."""
    return Counter(
        path.read_bytes()
        for root in roots
        for path in all_below(root)
        if stat.S_ISREG(path.lstat().st_mode) and not is_part(path)
    )


def contents_of(tree: Tree) -> Counter[bytes | None]:
    """Count how often each content lies in a tree as a file."""
    return Counter(entry.content for entry in tree.values() if entry.is_file)


def parts(*roots: Path) -> list[Path]:
    """Return what a copy that was cut off has left."""
    return [path for root in roots for path in all_below(root) if is_part(path)]


def is_part(path: Path) -> bool:
    return path.name.startswith(".vidindex-") and path.name.endswith(".part")
