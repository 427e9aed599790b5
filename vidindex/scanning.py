"""Which video files lie below the given folders. Reads folders only, never a file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# Inode and device numbers are unsigned 64-bit, database integers signed.
SIGNED_64 = (1 << 63) - 1
PART_PREFIX = ".vidindex-"  # a copy of ours that is not finished


@dataclass(frozen=True)
class FileStat:
    """What the file system says of a file; equal as long as the file was not touched."""

    path: Path
    size_bytes: int
    mtime_ns: int
    device: int
    inode: int

    @classmethod
    def of(cls, path: Path, status: os.stat_result) -> FileStat:
        """Take the parts of a stat result that tell whether a file changed."""
        return cls(
            path,
            status.st_size,
            status.st_mtime_ns,
            status.st_dev & SIGNED_64,
            status.st_ino & SIGNED_64,
        )


@dataclass(frozen=True)
class Skipped:
    """Something below a root that was passed over, and why.

    hides: nothing can be said of what lies at or below this path.
    """

    path: Path
    reason: str
    hides: bool


def scan(
    roots: Iterable[Path], suffixes: frozenset[str], excluded: frozenset[Path] = frozenset()
) -> Iterator[FileStat | Skipped]:
    """Yield each regular file with one of the suffixes below the roots once, in a fixed order.

    roots: existing files or folders, absolute and resolved. A root that is a file is taken
        whatever its suffix. Symbolic links below a root are passed over, so a loop cannot be.
    suffixes: lower-case, with the dot.
    excluded: files that are never yielded (the library itself).
    """
    seen: set[Path] = set()
    for root in without_repetition(roots):
        entries = walk(root) if root.is_dir() else iter([root])
        for entry in entries:
            if isinstance(entry, Skipped):
                yield entry
                continue
            wanted = entry == root or entry.suffix.lower() in suffixes
            if wanted and entry not in seen and entry not in excluded:
                seen.add(entry)
                found = examine(entry)
                if found is not None:
                    yield found


def without_repetition(roots: Iterable[Path]) -> list[Path]:
    """Sort the roots and drop the folders that lie below another.

    Files stay: the walk passes over one that was named despite its suffix.
    """
    kept: list[Path] = []
    folders: list[Path] = []
    for root in sorted(set(roots)):
        if not root.is_dir():
            kept.append(root)
        elif not any(root.is_relative_to(other) for other in folders):
            kept.append(root)
            folders.append(root)
    return kept


def walk(folder: Path) -> Iterator[Path | Skipped]:
    """Yield the paths of all non-folders below a folder, sorted; folders that cannot be read too.

    Goes by a stack, not by recursion: a deep tree must not end the run.
    """
    pending: list[Path] = [folder]
    while pending:
        path = pending.pop()
        try:
            with os.scandir(path) as entries:
                listed = sorted(entries, key=lambda entry: os.fsencode(entry.name))
        except NotADirectoryError:
            yield path
            continue
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Skipped(path, f"cannot read the folder: {error.strerror}", hides=True)
            continue
        below: list[Path] = []
        for entry in listed:
            if entry.is_dir(follow_symlinks=False):
                below.append(Path(entry.path))
            elif entry.is_symlink() and Path(entry.path).is_dir():  # false for a loop
                yield Skipped(Path(entry.path), "a link to a folder, not followed", hides=False)
            else:
                yield Path(entry.path)
        pending.extend(reversed(below))


def examine(path: Path) -> FileStat | Skipped | None:
    """Return a regular file's stat, why it is passed over, or None for a copy in the making."""
    if path.name.startswith(PART_PREFIX):
        return None
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Skipped(path, f"cannot be looked at: {error.strerror}", hides=True)
    if stat.S_ISLNK(status.st_mode):
        return Skipped(path, "a symbolic link, not followed", hides=False)
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path, "not a regular file", hides=False)
    return FileStat.of(path, status)
