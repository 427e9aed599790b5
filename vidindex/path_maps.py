"""Paths of another machine turned into paths of this one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vidindex.errors import Refused, UsageError
from vidindex.paths import StrPath, resolve


@dataclass(frozen=True)
class PathMap:
    """Which folders lie elsewhere here: by their bytes there, without a slash at the end.

    >>> PathMap.of({"/mnt/a": "/videos"}).apply(b"/mnt/a/x.mp4")
    b'/videos/x.mp4'
    """

    folders: Mapping[bytes, bytes]

    @classmethod
    def of(cls, places: Mapping[StrPath, StrPath]) -> PathMap:
        """Build it of the places there and here; those there are absolute, and need not exist.

        Raises:
            UsageError: one is not absolute, or given twice.
        """
        folders: dict[bytes, bytes] = {}
        for there, here in places.items():
            old = os.fsencode(there)
            if not old.startswith(b"/"):
                raise UsageError(
                    f"{os.fsdecode(old)} is no place in the other library",
                    "give absolute paths: --map /mnt/old=/videos",
                )
            key = b"/" + os.path.normpath(old).strip(b"/")
            if key in folders:
                raise UsageError(f"{os.fsdecode(key)} is mapped twice", "leave one of them out")
            folders[key] = os.fsencode(resolve(here))
        return cls(folders)

    def apply(self, path: bytes) -> bytes:
        """Return a path as it is here. The longest folder at or above it counts; else it stays."""
        old = self._above(path)
        if old is None:
            return path
        rest = path[len(old) :].lstrip(b"/")
        new = self.folders[old]
        return new.rstrip(b"/") + b"/" + rest if rest else new

    def require_used(self, paths: Iterable[bytes]) -> None:
        """Check that each folder has a path below it, as it may be misspelt.

        Raises:
            Refused: one has none.
        """
        unused = self.folders.keys() - {self._above(path) for path in paths}
        if unused:
            raise Refused(
                f"the other library has no file in {os.fsdecode(min(unused))} that it would map",
                "nothing was changed; check the spelling",
            )

    def _above(self, path: bytes) -> bytes | None:
        if not self.folders:
            return None
        while path not in self.folders and path != b"/":
            path = path.rpartition(b"/")[0] or b"/"
        return path if path in self.folders else None
