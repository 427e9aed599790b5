"""Apply and undo killed between any two steps: a short sweep; tests/faults has the long ones."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.moving.fingerprints import (
    places,
    stats_below,
)
from vidindex import Library

MOVER = """
    import sys
    from pathlib import Path
    from vidindex import Library
    library = Library(sys.argv[1])
    library.apply(sys.argv[2]) if sys.argv[3] == "apply" else library.undo()
"""


SWEPT = "renameat2,linkat,unlinkat,unlink,rmdir,mkdirat,fsync,fdatasync,pwrite64,write,fallocate"


def killed_at(call_number: int, library: Library, out: Path, action: str) -> int:
    """Run an apply or undo that is killed before its n-th call that changes the disk."""
    run = subprocess.run(
        [
            *("strace", "-f", "-qq", "-o", "/dev/null"),
            *("-e", f"trace={SWEPT}"),
            *("-e", f"inject={SWEPT}:signal=SIGKILL:when={call_number}"),
            *(sys.executable, "-c", textwrap.dedent(MOVER), library.path, out, action),
        ],
        check=False,
        capture_output=True,
    )
    return run.returncode


def can_trace() -> bool:
    try:
        traced = subprocess.run(
            ["strace", "-qq", "-o", "/dev/null", "true"], check=False, capture_output=True
        )
    except FileNotFoundError:
        return False
    return traced.returncode == 0


needs_strace = pytest.mark.skipif(not can_trace(), reason="strace cannot trace here")


KILLED = -signal.SIGKILL


@needs_strace
@pytest.mark.parametrize("action", ["apply", "undo"])
@pytest.mark.parametrize("disk", ["same disk", "other disk"])
def test_a_kill_at_any_moment_loses_nothing(
    library, source, put, tmp_path, other_disk, action, disk
):
    """A short sweep: one file, killed before every fifth of the calls that change the disk."""
    put("a", tmp_path / "in/a.mp4")
    library.index([tmp_path / "in"], source=source)
    library.cluster(1)
    content = (tmp_path / "in/a.mp4").read_bytes()
    before = stats_below(tmp_path / "in")
    out = (tmp_path if disk == "same disk" else other_disk) / "out"
    kills = 0
    for call_number in range(1, 400, 5):
        if action == "undo":
            library.apply(out)
        returncode = killed_at(call_number, library, out, action)
        assert returncode in (0, KILLED, 128 + signal.SIGKILL)
        kills += returncode != 0
        found = [
            path
            for path in [*(tmp_path / "in").rglob("*"), *out.rglob("*")]
            if path.is_file() and path.read_bytes() == content
        ]
        assert found, f"lost at call {call_number}"
        library.check()
        library.apply(out)
        assert places(library) == {out / "cluster_0/a.mp4"}
        library.undo()
        assert stats_below(tmp_path / "in") == before
        assert places(library) == {tmp_path / "in/a.mp4"}
        assert not out.exists()
        if returncode == 0:
            break
    else:
        pytest.fail("the sweep never came to its end")
    assert kills >= 5
