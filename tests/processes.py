"""What Linux tells of this process's children."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def children() -> set[int]:
    """The processes that this one has started and not reaped, zombies too."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(pid) for each in lists for pid in each.read_text().split()}


def is_gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] in "ZX"


def open_descriptors() -> int:
    """How many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def wait_until(holds: Callable[[], bool], within_s: float) -> bool:
    """Wait for something to hold; returns whether it did in time."""
    ends_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > ends_s:
            return False
        time.sleep(0.01)
    return True
