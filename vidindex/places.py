"""Files by name: what lies there, and whether it is still what was seen."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from vidindex.disk_errors import (
    NotPermitted,
    VanishedError,
    explained,
)
from vidindex.errors import ChangedError


@dataclass(frozen=True)
class FileIdentity:
    """What tells a regular file from any other, and from itself before an edit."""

    size: int
    mtime_ns: int
    device: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileIdentity:
        """Look at a name, without following a symlink.

        Raises:
            VanishedError: nothing has that name.
            ChangedError: something that is not a regular file has it.
            NotPermitted, SystemStopped: it cannot be looked at.
        """
        with explained(f"cannot look at {path}"):
            try:
                found = path.lstat()
            except NotADirectoryError as error:
                raise VanishedError(f"{path} is gone", "index it again") from error
        if not stat.S_ISREG(found.st_mode):
            raise ChangedError(f"{path} is not a regular file", "index it again")
        return cls.from_stat(found)

    @classmethod
    def from_stat(cls, found: os.stat_result) -> FileIdentity:
        """Take the identity out of a stat result, of whatever kind of file."""
        return cls(found.st_size, found.st_mtime_ns, found.st_dev, found.st_ino)

    def is_same_file(self, other: FileIdentity | None) -> bool:
        """Whether both are one file, edited in between or not."""
        return other is not None and (self.device, self.inode) == (other.device, other.inode)

    def is_alike(self, other: FileIdentity | None) -> bool:
        """Whether size and time are equal, as on disks that number a moved file anew."""
        return other is not None and (self.size, self.mtime_ns) == (other.size, other.mtime_ns)


def check(found: FileIdentity | None, identity: FileIdentity, path: Path) -> None:
    """Raise ChangedError where path is not, or no longer, the file with that identity."""
    if found is None:
        raise VanishedError(f"{path} is gone", "index it again")
    if found != identity:
        raise ChangedError(f"{path} is not the file that was indexed", "index it again")


def require_name(path: Path) -> None:
    """Refuse what cannot be a file's name.

    Raises:
        NotPermitted: it ends in "..", or holds a NUL, where the system would cut it off.
    """
    if "\0" in str(path) or path.name in ("", ".."):
        raise NotPermitted(f"{path} is no name for a file", "choose another name")


def look(name: str, folder: int) -> FileIdentity | None:
    """Tell what a name in an open folder is; None where there is nothing."""
    try:
        return FileIdentity.from_stat(os.stat(name, dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError:
        return None


def exists(path: Path) -> bool:
    """Whether anything has the name, a dangling symlink too."""
    with explained(f"cannot look at {path}"):
        try:
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True
