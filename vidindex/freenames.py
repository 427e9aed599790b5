"""Names that nothing has yet, on this disk or on one that takes no heed of case."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from vidindex.disk_errors import TargetTaken
from vidindex.places import exists
from vidindex.safe_names import fit_name

_MOST_NAMES = 1000


def clash_key(path: Path | str) -> str:
    """A text that is equal for two paths that some disks hold for one (case, NFC or NFD)."""
    folded = unicodedata.normalize("NFD", os.fspath(path)).casefold()
    return unicodedata.normalize("NFC", folded)


def candidate_names(target: Path) -> Iterator[Path]:
    """Give "name.ext", "name (2).ext" … "name (1000).ext".

    Every name fits into 255 bytes; the stem is shortened, by whole characters, where it must be.
    """
    for number in range(1, _MOST_NAMES + 1):
        marker = f" ({number})" if number > 1 else ""
        yield target.with_name(fit_name(target.stem, marker, target.suffix))


def free_name(target: Path) -> Path:
    """Find the first of a target's candidate names that nothing has.

    Raises:
        TargetTaken: all are taken.
        NotPermitted, SystemStopped: the folder cannot be looked at.
    """
    for candidate in candidate_names(target):
        if not exists(candidate):
            return candidate
    raise TargetTaken(f"{target} and {_MOST_NAMES - 1} names like it are taken", "empty the folder")
