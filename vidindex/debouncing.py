"""Which of many changes are over. Pure: whoever notes and asks brings the time."""

from __future__ import annotations

import os
from pathlib import Path


class Debouncer:
    """Keeps what changed until nothing has happened to it for a while.

    settle_s: what did not change for so long is quiet.
    patience_s: while some changes go on, the quiet ones wait for them so long and no longer, so
        that one long copy does not starve the others.

    >>> debouncer = Debouncer(settle_s=2, patience_s=30)
    >>> debouncer.note(Path("a.mp4"), now_s=100)
    >>> debouncer.take_due(now_s=101), debouncer.take_due(now_s=102)
    ([], [PosixPath('a.mp4')])
    """

    def __init__(self, settle_s: float, patience_s: float) -> None:
        self._settle_s = settle_s
        self._patience_s = patience_s
        self._changed_s: dict[Path, float] = {}
        self._waiting_since_s = 0.0

    def note(self, path: Path, now_s: float) -> None:
        """Note that something happened to a path."""
        if not self._changed_s:
            self._waiting_since_s = now_s
        self._changed_s[path] = now_s

    def forget(self, folder: Path) -> None:
        """Forget what was noted at and below a folder."""
        for path in [path for path in self._changed_s if path.is_relative_to(folder)]:
            del self._changed_s[path]

    def take_due(self, now_s: float) -> list[Path]:
        """Return the quiet paths, sorted, and forget them: all there are, or patience is over."""
        quiet = [path for path, at_s in self._changed_s.items() if now_s - at_s >= self._settle_s]
        is_over = now_s - self._waiting_since_s >= self._patience_s
        if len(quiet) < len(self._changed_s) and not is_over:
            return []
        for path in quiet:
            del self._changed_s[path]
        if quiet:
            self._waiting_since_s = now_s
        return sorted(quiet, key=os.fsencode)
