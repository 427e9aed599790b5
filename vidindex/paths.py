"""Paths as a user writes them, and as the library stores them."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
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


def resolve_folder(path: StrPath) -> Path:
    """Return the path of a file that is to be made: as `resolve`, but its own name as it is given.

    Raises:
        UsageError, Refused: as `resolve`.
    """
    if not os.fspath(path):
        return resolve(path)
    folder, name = os.path.split(os.path.expanduser(path))  # noqa: PTH111 - as a shell does
    return resolve(folder or os.curdir) / name


def is_file_at(path: Path) -> bool:
    """Whether a regular file lies at just this absolute path, without any symbolic link on the way.

    True too if that cannot be looked at: it may be there.
    """
    try:
        return stat.S_ISREG(path.lstat().st_mode) and os.path.realpath(path) == os.fspath(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


class PathSet:
    """Which of some paths a file lies at or below. Quick for many files in few folders.

    >>> PathSet([Path("/a"), Path("/a/b")]).above(Path("/a/b/c.mp4"))
    (PosixPath('/a'), PosixPath('/a/b'))
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = frozenset(paths)
        self._by_folder: dict[str, tuple[Path, ...]] = {}

    def above(self, path: Path) -> tuple[Path, ...]:
        """Return the paths at or above a file, the outermost first."""
        if not self._paths:
            return ()
        folder = os.path.dirname(path)  # noqa: PTH120 - many times as quick as Path.parent
        if folder not in self._by_folder:
            ways = [*reversed(Path(folder).parents), Path(folder)]
            self._by_folder[folder] = tuple(way for way in ways if way in self._paths)
        above = self._by_folder[folder]
        return (*above, path) if path in self._paths else above

    def covers(self, path: Path) -> bool:
        """Whether a file lies at or below one of the paths."""
        return bool(self.above(path))
