"""Which video files lie below the given folders. Reads folders only, never a file."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

# Inode and device numbers are unsigned 64-bit, database integers signed.
SIGNED_64 = (1 << 63) - 1
PART_PREFIX = ".vidindex-"  # a copy of ours that is not finished
# A file written within one step of its disk's clock after it was read keeps its time. FAT's
# clock has the coarsest step of those in use: 2 s.
CLOCK_STEP_NS = 2_000_000_000
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)  # there are as many of them as files
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

    def was_at_rest(self, moment_ns: int) -> bool:
        """Whether a write after this moment would have given the file another time."""
        return self.mtime_ns < moment_ns - CLOCK_STEP_NS


@dataclass(frozen=True)
class Skipped:
    """Something below a root that was passed over, and why.

    hides: nothing can be said of what lies at or below this path.
    """

    path: Path
    reason: str
    hides: bool


@dataclass(frozen=True)
class Followed:
    """A symbolic link below a root, and the file or folder it leads to: a root like the others."""

    path: Path
    target: Path


Entry = FileStat | Skipped | Followed


def scan(
    roots: Iterable[Path],
    suffixes: frozenset[str],
    excluded: frozenset[Path] = frozenset(),
    *,
    follows_links: bool = False,
) -> Iterator[Entry]:
    """Yield each regular file with one of the suffixes below the roots once, in a fixed order.

    roots: files or folders, absolute and resolved. A root that is a file is taken whatever its
        suffix; one that does not exist yields nothing.
    suffixes: lower-case, with the dot.
    excluded: files that are never yielded (the library itself).
    follows_links: where a link below a root leads is scanned as one more root, after the others,
        unless that was done already; so each file comes once, under its real path, and a loop
        ends. A link to a file counts if it or the file has one of the suffixes. Otherwise links
        below a root are passed over.
    """
    scanned = _Scan(suffixes, excluded, follows_links=follows_links)
    for root in sorted(set(roots)):
        yield from scanned.root(root)
    while scanned.links:
        link = scanned.links.popleft()
        if not scanned.has_seen(link.target):
            yield link
            yield from scanned.root(link.target)


class _Scan:
    """What was seen so far, and the links that are still to be followed."""

    def __init__(
        self, suffixes: frozenset[str], excluded: Iterable[Path], *, follows_links: bool
    ) -> None:
        self.links: deque[Followed] = deque()
        self._suffixes = suffixes
        self._follows_links = follows_links
        self._seen = {os.fspath(path) for path in excluded}

    def has_seen(self, path: Path) -> bool:
        return os.fspath(path) in self._seen

    def root(self, path: Path) -> Iterator[FileStat | Skipped]:
        """Yield what lies at or below a path."""
        if not path.is_dir():
            yield from self._file(os.fspath(path))
            return
        for listed in walk(os.fspath(path), self._seen):
            if isinstance(listed, Skipped):
                yield listed
            elif listed.is_link:
                yield from self._link(listed)
            elif self._is_video(listed.path):
                yield from self._file(listed.path)

    def _is_video(self, path: str) -> bool:
        stem, dot, suffix = path[path.rfind("/") + 1 :].rpartition(".")
        return bool(stem) and (dot + suffix).lower() in self._suffixes

    def _file(self, path: str) -> Iterator[FileStat | Skipped]:
        if path not in self._seen:
            self._seen.add(path)
            found = examine(Path(path))
            if found is not None:
                yield found

    def _link(self, link: Listed) -> Iterator[Skipped]:
        """Keep a link for later, or say why it is passed over if it could matter."""
        path, is_video = Path(link.path), self._is_video(link.path)
        is_folder = os.path.isdir(link.path)  # noqa: PTH112 - false for a loop
        if not self._follows_links:
            if is_folder or is_video:
                what = "a link to a folder" if is_folder else "a symbolic link"
                yield Skipped(path, f"{what}, not followed", hides=False)
            return
        target = Path(os.path.realpath(link.path))
        if is_folder or is_video or self._is_video(str(target)):
            try:
                target.stat()
            except OSError as error:
                reason = f"cannot follow the link: {error.strerror}"
                yield Skipped(path, reason, hides=isinstance(error, PermissionError))
            else:
                self.links.append(Followed(path, target))


class Listed(NamedTuple):
    """Something in a folder that is no folder."""

    path: str
    is_link: bool


def walk(folder: str, seen: set[str]) -> Iterator[Listed | Skipped]:
    """Yield all non-folders below a folder, sorted; folders that cannot be read too.

    seen: folders that are passed over; those that are walked are added.

    Goes by a stack, not by recursion: a deep tree must not end the run.
    """
    pending = [folder]
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        folders: list[str] = []
        others: list[Listed] = []
        try:
            list_folder(path, folders, others)
        except (FileNotFoundError, NotADirectoryError):  # gone meanwhile, or a link now
            continue
        except OSError as error:
            yield Skipped(Path(path), f"cannot read the folder: {error.strerror}", hides=True)
            continue
        yield from sorted(others)
        pending.extend(sorted(folders, reverse=True))


def list_folder(path: str, folders: list[str], others: list[Listed]) -> None:
    """Add what lies in a folder to one of two lists. A link in its place is no folder."""
    prefix = path.rstrip("/") + "/"
    descriptor = os.open(path, _OPEN_FOLDER)
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(prefix + entry.name)
                else:
                    others.append(Listed(prefix + entry.name, entry.is_symlink()))
    finally:
        os.close(descriptor)


def examine(path: Path) -> FileStat | Skipped | None:
    """Return a regular file's stat, why it is passed over, or None for a copy in the making."""
    if path.name.startswith(PART_PREFIX):
        return None
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Skipped(path, f"cannot be looked at: {error.strerror}", hides=True)
    if stat.S_ISLNK(status.st_mode):
        return Skipped(path, "a symbolic link, not followed", hides=False)
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path, "not a regular file", hides=False)
    return FileStat.of(path, status)
