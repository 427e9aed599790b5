"""What a process gives up before it touches a file that nobody vouches for. Linux only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import signal
from pathlib import Path

MOST_OPEN_FILES = 64
# A request for memory that fails must be told apart from damage, which a decoder that runs out of
# memory may take it for. So the hard limit lies above what a video may use by more than the largest
# request, one picture of 8192 x 8192 x 8 bytes: whatever failed has by then used more than it may.
SLACK_BYTES = 640 << 20

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


def confine(parent_pid: int, memory_bytes: int) -> None:
    """Limit this process for good: it dies with its parent, and can write to no file.

    memory_bytes: what it may use. Beyond that it can still get SLACK_BYTES; `peak_bytes` tells.
    It has no network where the system lets it give that up. Must be called by the only thread.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    _limit(resource.RLIMIT_AS, memory_bytes + SLACK_BYTES)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, MOST_OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Last, as a change of user namespaces may clear it.
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before it could be noticed
        os._exit(0)


def peak_bytes(process: int | None = None) -> int:
    """Return the most address space that a process, this one by default, has had; 0 if it died."""
    try:
        status = Path(f"/proc/{process or 'self'}/status").read_bytes()
    except OSError:
        return 0
    found = re.search(rb"^VmPeak:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) << 10 if found else 0


def _limit(kind: int, wanted: int) -> None:
    """Lower a limit, never above what already holds."""
    _, hard = resource.getrlimit(kind)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (most, most))
