"""Names that nothing has yet, on this disk or on one that takes no heed of case."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

from vidindex.places import TargetTaken, exists

NAME_LIMIT_BYTES = 255
_MOST_NAMES = 1000


def clash_key(path: Path | str) -> str:
    """A text that is equal for two paths that some disks hold for one (case, NFC or NFD)."""
    folded = unicodedata.normalize("NFD", os.fspath(path)).casefold()
    return unicodedata.normalize("NFC", folded)


def free_name(target: Path, taken: Callable[[str], bool]) -> Path:
    """Find the first of "name.ext", "name (2).ext" … "name (1000).ext" that nothing has.

    Every name fits into 255 bytes; the stem is shortened, by whole characters, where it must be.
    taken: tells of a path's `clash_key` whether the plan has used it.

    Raises:
        TargetTaken: all thousand are taken.
        NotPermitted, SystemStopped: the folder cannot be looked at.
    """
    for number in range(1, _MOST_NAMES + 1):
        marker = f" ({number})" if number > 1 else ""
        candidate = target.with_name(_fit(target, marker))
        if not taken(clash_key(candidate)) and not exists(candidate):
            return candidate
    raise TargetTaken(f"{target} and {_MOST_NAMES - 1} names like it are taken", "empty the folder")


def _fit(target: Path, marker: str) -> str:
    stem, suffix = target.stem, target.suffix
    if len(os.fsencode(suffix)) > NAME_LIMIT_BYTES // 2:
        stem, suffix = target.name, ""
    while len(os.fsencode(stem + marker + suffix)) > NAME_LIMIT_BYTES:
        stem = stem[:-1]
    return stem + marker + suffix
