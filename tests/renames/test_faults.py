"""Faults that strace puts into a real move in a process of its own, and recovery after them."""

from __future__ import annotations

import errno
import inspect
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from blake3 import blake3

from tests.renames.moves import CONTENT, move, read_tree
from vidindex import renames
from vidindex.copies import copy_to_part, part_path, remove_part
from vidindex.disk_errors import BothNames, OtherDevice
from vidindex.errors import ExitCode
from vidindex.folders import make_folders
from vidindex.places import FileIdentity
from vidindex.renames import Removal, finish_rename, publish, remove_source, rename_exclusive


def whole_move(source: Path, target: Path) -> Removal:
    """The steps of one move, as a mover takes them."""
    identity, root = FileIdentity.of(source), target.parent.parent
    make_folders(target.parent, root=root, before_each=lambda _: None)
    try:
        rename_exclusive(source, target, identity, root=root)
    except OtherDevice:
        part, digest = part_path(target, 1), blake3(source.read_bytes()).digest()
        copied = copy_to_part(source, part, identity, digest, root=root)
        publish(part, target, copied.part, root=root)
        return remove_source(source, target, identity, ctime_ns=copied.source_ctime_ns)
    return Removal.REMOVED


DRIVER = f"""
import sys
from pathlib import Path
from blake3 import blake3
from vidindex.errors import VidindexError
from vidindex.disk_errors import *
from vidindex.folders import *
from vidindex.places import *
from vidindex.freenames import *
from vidindex.renames import *
from vidindex.copies import *
{inspect.getsource(whole_move)}
try:
    removal = whole_move(*map(Path, sys.argv[1:]))
except VidindexError as error:
    sys.exit(int(error.exit_code))
sys.exit(0 if removal is Removal.REMOVED else 4)
"""

REPOSITORY = Path(renames.__file__).parents[1]
CALLS = ["mkdirat", "renameat2", "linkat", "unlinkat", "fsync", "fallocate", "write"]


@dataclass(frozen=True)
class FaultyMove:
    """A move, and the faults that send it down one way of the ladder."""

    source: Path
    target: Path
    ladder: tuple[str, ...]

    @property
    def is_copy(self) -> bool:
        return self.source.parent.stat().st_dev != self.target.parents[1].stat().st_dev

    @property
    def command(self) -> list[str]:
        """The move alone. The interpreter makes none of CALLS itself, with -B."""
        return [sys.executable, "-B", "-c", DRIVER, str(self.source), str(self.target)]

    def calls_in_order(self) -> list[str]:
        """Run the move undisturbed. Returns its CALLS; for fsync with the name of what is saved."""
        trace = self.source.parents[1] / "trace"
        inject = [f"--inject={each}" for each in self.ladder]
        strace = ["strace", "-y", "-qq", "-o", str(trace), f"--trace={','.join(CALLS)},fadvise64"]
        strace += inject
        subprocess.run([*strace, *self.command], cwd=REPOSITORY, check=True)
        told = trace.read_text().replace(f"{self.target.parents[1]}>", "root>")
        return [
            re.sub(r"^(\w+)\(.*", r"\1", re.sub(r"^fsync\(\d+<(.*/)?(.*)>\).*", r"fsync \2", line))
            for line in told.splitlines()
        ]

    def run(self, fault: str) -> tuple[int, bool]:
        """Run the move with a fault. Returns its exit code (a kill: -9), and whether it met it."""
        trace = self.source.parents[1] / "trace"
        inject = [f"--inject={each}" for each in (*self.ladder, fault)]
        # A filter in the kernel makes it ten times as fast, but takes no signals.
        speed = [] if "signal" in fault else ["-f", "--seccomp-bpf"]
        strace = ["strace", *speed, "-qq", "-o", str(trace), f"--trace={','.join(CALLS)}", *inject]
        code = subprocess.run([*strace, *self.command], cwd=REPOSITORY, check=False).returncode
        call = fault.split(":", 1)[0]
        met = [line for line in trace.read_text().splitlines() if call in line and "INJ" in line]
        return code, bool(met) or code == -signal.SIGKILL

    def finish(self, identity: FileIdentity) -> None:
        """Decide by what lies at both names, as recovery does."""
        root = self.target.parents[1]
        remove_part(part_path(self.target, 1), root=root)
        if not self.target.exists():
            whole_move(self.source, self.target)
        elif not self.source.exists() or self.source.samefile(self.target):
            finish_rename(self.source, self.target, FileIdentity.of(self.target), root=root)
        else:
            remove_source(self.source, self.target, identity)

    def check_nothing_is_lost(self) -> None:
        """Each name has the whole content or nothing, one has it, and no other file changed."""
        places = (self.source, self.target)
        contents = [path.read_bytes() for path in places if path.exists()]
        assert contents in ([CONTENT], [CONTENT, CONTENT])
        assert (self.target.parents[1] / "foreign.mp4").read_bytes() == b"foreign"

    def check_it_is_done(self) -> None:
        assert not self.source.exists()
        assert read_tree(self.target.parents[1]) == {
            "foreign.mp4": b"foreign",
            "new/clip.mp4": CONTENT,
        }

    def put_back(self) -> None:
        shutil.move(self.target, self.source)
        self.target.parent.rmdir()


@pytest.fixture(scope="module")
def strace() -> None:
    probe = ["strace", "-qq", "-o", os.devnull, "true"]
    if shutil.which("strace") is None or subprocess.run(probe, check=False).returncode != 0:
        pytest.skip("strace is missing, or may not trace here")


@pytest.fixture(params=["one disk", "one disk, links", "two disks", "two disks, links"])
def faulty_move(
    request: pytest.FixtureRequest, strace: None, source: Path, out: Path
) -> FaultyMove:
    folder = request.getfixturevalue("other_disk") if "two" in request.param else out
    ladder = ("renameat2:error=EINVAL",) if "links" in request.param else ()
    return FaultyMove(source, folder / "new/clip.mp4", ladder)


def sweep(move: FaultyMove, kind: str) -> list[tuple[str, int]]:
    """Put a fault at each of the move's calls in turn, and finish the move after each.

    Returns each fault that was met, and the exit code.
    """
    met: list[tuple[str, int]] = []
    for call in CALLS[2:] if move.ladder else CALLS:
        for when in itertools.count(1):
            identity = FileIdentity.of(move.source)
            fault = f"{call}:{kind}:when={when}"
            code, was_met = move.run(fault)
            move.check_nothing_is_lost()
            move.finish(identity)
            move.check_it_is_done()
            move.put_back()
            if not was_met:
                assert code == ExitCode.DONE
                break
            met.append((fault, code))
    return met


def test_each_step_is_on_the_disk_before_the_next(faulty_move: FaultyMove) -> None:
    made, named, saved = ["mkdirat", "fsync root"], ["renameat2"], ["fsync new"]
    removed = ["unlinkat", "fsync in"]
    if faulty_move.ladder:
        named = ["renameat2", "linkat"]
    if not faulty_move.is_copy:
        expected = [*made, *named, *saved, *(removed if faulty_move.ladder else removed[1:])]
    else:
        copied = ["fallocate", "write", "fsync .vidindex-1.part", "fadvise64"]
        part_dropped = ["unlinkat", *saved] if faulty_move.ladder else []
        expected = [*made, *named, *copied, *named, *saved, *part_dropped, *removed]

    assert faulty_move.calls_in_order() == expected


def test_a_move_killed_at_any_call_loses_nothing_and_can_be_finished(
    faulty_move: FaultyMove,
) -> None:
    met = sweep(faulty_move, "signal=KILL")

    assert len(met) >= 5
    assert {code for _, code in met} == {-signal.SIGKILL}


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_full_or_failing_disk_stops_the_run_at_any_call_and_loses_nothing(
    faulty_move: FaultyMove, error: str
) -> None:
    met = sweep(faulty_move, f"error={error}")

    assert len(met) >= 5
    assert {code for _, code in met} == {ExitCode.STOPPED}


@pytest.mark.parametrize("error", ["EACCES", "EINVAL", "EXDEV"])
def test_any_other_error_fails_the_file_or_is_got_round_and_loses_nothing(
    faulty_move: FaultyMove, error: str
) -> None:
    met = sweep(faulty_move, f"error={error}")

    # The fsync of a file, the second of a copy, must work; some disks know none of a folder.
    of_a_part = ("fsync:error=EINVAL:when=2",) if faulty_move.is_copy else ()
    assert len(met) >= 5
    for fault, code in met:
        is_fatal = fault.startswith("fsync") and not (error == "EINVAL" and fault not in of_a_part)
        expected = {ExitCode.STOPPED} if is_fatal else {ExitCode.DONE, ExitCode.INCOMPLETE}
        assert code in expected, fault


def test_a_folder_that_cannot_be_made_durable_for_want_of_support_is_no_error(
    faulty_move: FaultyMove,
) -> None:
    code, was_met = faulty_move.run("fsync:error=EINVAL:when=1")

    assert was_met
    assert code == ExitCode.DONE


def test_a_disk_without_renames_or_links_that_do_not_replace_is_refused(
    strace: None, source: Path, out: Path
) -> None:
    move = FaultyMove(source, out / "new/clip.mp4", ("renameat2:error=EINVAL",))

    code, was_met = move.run("linkat:error=EPERM")

    assert was_met
    assert code == ExitCode.INCOMPLETE
    assert read_tree(out) == {"foreign.mp4": b"foreign"}
    assert source.exists()


@pytest.mark.parametrize("error", ["EACCES", "EROFS"])
def test_a_source_that_cannot_be_removed_after_its_copy_lies_in_both_places(
    strace: None, source: Path, other_disk: Path, error: str
) -> None:
    move = FaultyMove(source, other_disk / "new/clip.mp4", ())

    code, was_met = move.run(f"unlinkat:error={error}")

    assert was_met
    assert code == ExitCode.INCOMPLETE
    assert source.read_bytes() == move.target.read_bytes() == CONTENT


def test_a_source_name_that_cannot_be_removed_after_the_link_is_told(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(renames, "_renameat2", lambda *_: errno.EINVAL)
    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(BothNames, match="Permission denied"):
        move(source, out / "clip.mp4")

    assert source.samefile(out / "clip.mp4")
