"""Stderr while a library is loaded that prints what nobody asked for: turned away for that time.

What vidindex has to say meanwhile, in another thread, waits until stderr is back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Final

_STDERR: Final = 2

_lock = RLock()
_waiting: list[Callable[[], None]] | None = None


@contextmanager
def turned_away() -> Iterator[None]:
    """Let nothing reach stderr, whoever writes; then tell what has waited. Not to be nested."""
    global _waiting  # noqa: PLW0603 - the process has one stderr
    try:
        kept = os.dup(_STDERR)
    except OSError:  # stderr is closed
        yield
        return
    with _lock:
        _waiting = []
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _STDERR)
    try:
        yield
    finally:
        with _lock:
            os.dup2(kept, _STDERR)
            os.close(kept)
            os.close(nowhere)
            waiting, _waiting = _waiting or [], None
            for tell in waiting:
                tell()


def when_heard(tell: Callable[[], None]) -> None:
    """Call what writes to stderr, now or as soon as stderr is back."""
    with _lock:
        if _waiting is None:
            tell()
        else:
            _waiting.append(tell)
