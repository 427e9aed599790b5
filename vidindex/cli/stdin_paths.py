"""Paths on the standard input, each ended by a NUL, as `find -print0` writes them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from vidindex.errors import Refused, UsageError
from vidindex.paths import StrPath

_HINT = "for example: find ~/Videos -name '*.mp4' -print0 | vidindex index --stdin0"


def choose_paths(paths: Sequence[str] | None, *, stdin0: bool) -> Sequence[StrPath]:
    """Return the paths of the command line, or those on the standard input.

    Raises:
        UsageError: neither is given, or both, or what comes are no paths.
        Refused: the standard input is empty.
    """
    if paths and stdin0:
        raise UsageError("paths are given, and --stdin0 as well", "give one or the other")
    if paths:
        return paths
    if not stdin0:
        raise UsageError("no path is given", "name files and folders, or add --stdin0")
    with open(0, "rb", closefd=False) as stream:
        return read_paths(stream)


def read_paths(stream: BinaryIO) -> list[Path]:
    """Read paths that are ended by NULs; the last one's may be left out.

    They may be any bytes, and each stands for itself: a leading ``~`` is no home folder here.
    Returned absolute, seen from the current folder.

    Raises:
        UsageError: one is empty, or they are lines.
        Refused: there is none.
    """
    raw = stream.read()
    if not raw:
        raise Refused("there is no path on the standard input", _HINT)
    entries = raw.removesuffix(b"\0").split(b"\0")
    if b"" in entries:
        raise UsageError(
            f"path {entries.index(b'') + 1} on the standard input is empty",
            "each path must be ended by one NUL",
        )
    if len(entries) == 1 and b"\n" in raw and not os.path.lexists(entries[0]):
        raise UsageError("the standard input holds lines; paths must be ended by NULs", _HINT)
    here = Path.cwd()
    return [here / os.fsdecode(entry) for entry in entries]
