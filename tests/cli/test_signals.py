"""Signals in the middle of a run: what is finished is kept, and the next run goes on."""

import contextlib
import os
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import Outcome, command_line, environment_in
from vidindex import Library, Settings

STOPPED_AT_ONCE_S = 5  # about 1 s on a quiet machine: one batch of frames, and the way out
LARGE_BYTES = 200 << 20  # a good part of a second to copy and to compare


def start(home, *arguments, before=(), **keywords):
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | keywords
    return subprocess.Popen(
        [*before, *command_line(*arguments)],
        env=environment_in(home),
        cwd=home,
        stdin=subprocess.DEVNULL,
        **streams,
    )


def stop(child, number):
    """Send a signal and wait for the end, which must come soon."""
    begun = time.monotonic()
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert time.monotonic() - begun < STOPPED_AT_ONCE_S
    return Outcome(child.returncode, out or b"", err)


def wait_until(is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def count_vectors(library):
    if not library.exists():
        return 0
    return sum(recipe.vectors for recipe in Library(library, Settings()).status().recipes)


def get_vectors(library):
    found = Library(library, Settings()).vectors()
    return dict(zip(found.hashes, found.vectors, strict=True))


@pytest.fixture
def many_videos(home, put):
    """in/ with 24 videos: one clip, but for a few bytes at its end that no decoder looks at."""
    for number in range(24):
        with put("a", home / f"in/{number:02}.mp4").open("ab") as file:
            file.write(b"\x00\x00\x00\x0cfree%04d" % number)
    return home / "in"


def stop_an_index_run(home, number, *arguments):
    """Stop an index run of in/ in the middle; return how it ended."""
    with start(home, "index", "in", "--batch-size", "2", *arguments) as child:
        wait_until(lambda: count_vectors(home / "library.db") >= 2)
        outcome = stop(child, number)
    assert 2 <= count_vectors(home / "library.db") < 24
    return outcome


def test_a_stopped_index_run_keeps_what_is_finished_and_the_next_goes_on(
    home, many_videos, vidindex
):
    outcome = stop_an_index_run(home, signal.SIGINT)

    assert outcome.code == 130
    assert [line for line in outcome.err.splitlines() if not line.startswith("indexing: ")] == [
        "error: stopped by SIGINT; what was finished is stored",
        "hint: run it again to go on",
    ]
    kept = count_vectors(home / "library.db")
    again = vidindex("index", many_videos, "--json").data
    assert (again["unchanged"], again["indexed"]) == (kept, 24 - kept)
    assert vidindex("db", "check").code == 0
    vidindex("index", many_videos, "--db", "undisturbed.db")
    expected, found = get_vectors(home / "undisturbed.db"), get_vectors(home / "library.db")
    assert list(found) == list(expected)
    for content, vector in found.items():
        np.testing.assert_allclose(vector, expected[content], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["SIGTERM", "SIGHUP"]
)
def test_a_stopped_index_run_answers_in_json_too(home, many_videos, number, code):
    outcome = stop_an_index_run(home, number, "--json")

    assert outcome.code == code
    assert [error["code"] for error in outcome.answer["errors"]] == ["interrupted"]


@pytest.fixture
def full_pipe():
    """The ends of a pipe that takes no more: who writes to it waits."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(65536))
    os.set_blocking(writer, True)
    yield reader, writer
    for end in (reader, writer):
        with contextlib.suppress(OSError):
            os.close(end)


def test_a_signal_while_the_output_waits_to_be_read_ends_a_command(home, clustered, full_pipe):
    with start(home, "labels", stdout=full_pipe[1]) as child:
        time.sleep(2)  # by now it waits, or else the signal comes earlier: no worse
        outcome = stop(child, signal.SIGINT)

    assert outcome.code == 130
    assert "Traceback" not in outcome.err


def test_a_signal_that_was_ignored_stays_ignored(home, clustered, full_pipe):
    """As under nohup."""
    with start(home, "labels", stdout=full_pipe[1], before=["nohup"]) as child:
        time.sleep(2)
        child.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.5)
        os.close(full_pipe[1])
        while os.read(full_pipe[0], 65536):
            pass
        child.communicate(timeout=60)

    assert child.returncode == 0


@pytest.fixture
def other_disk(tmp_path):
    disk = Path("/dev/shm")
    if not disk.is_dir() or disk.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    folder = disk / f"vidindex-test-{os.getpid()}-{tmp_path.name}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def stopped_apply(home, videos, other_disk, vidindex):
    """How an apply to another disk ended that was stopped while it copied a large file."""
    for video in videos.rglob("*.mp4"):
        with video.open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.write(struct.pack(">I", LARGE_BYTES) + b"free")  # a box that a decoder passes over
            file.truncate(end + LARGE_BYTES)
    vidindex("index", videos)
    vidindex("cluster", "-k", "2")
    with start(home, "apply", other_disk / "out") as child:
        wait_until(lambda: any((other_disk / "out").glob("*/.vidindex-*.part")))
        return stop(child, signal.SIGINT)


def test_a_stopped_apply_can_be_finished_and_undone(
    home, stopped_apply, videos, other_disk, vidindex
):
    def names(folder):
        return {path.name for path in folder.rglob("*") if path.is_file()}

    everything = {"a.mp4", "b.mp4", "c.mp4", "d.mp4"}
    assert stopped_apply.code == 130
    assert stopped_apply.err == "moving: 4 to do\n"
    assert "stopped before the end: run it again to go on, or undo" in stopped_apply.out
    moved, left = names(other_disk), names(videos)
    assert (moved | left, moved & left) == (everything, set())  # and no part of a copy
    assert left

    moves = vidindex("status", "--json").data["batch"]["moves"]
    assert (moves.get("done", 0), moves["planned"]) == (len(moved), len(left))
    assert "not finished: run apply again to go on, or undo" in vidindex("status").out

    again = vidindex("apply", other_disk / "out", "--json").data
    assert (again["batch"], again["moved"], again["in_place"]) == (1, len(left), len(moved))
    assert names(other_disk) == everything
    assert vidindex("undo", "--json").data["restored"] == 4
    assert names(videos) == everything
    assert not (other_disk / "out").exists()
    assert vidindex("index", videos, "--json").data["unchanged"] == 4


def test_a_stopped_apply_can_be_undone_at_once(stopped_apply, videos, other_disk, vidindex):
    outcome = vidindex("undo", "--json")

    if outcome.code == 3:  # it was stopped before the first file had arrived
        assert "nothing to undo" in outcome.answer["errors"][0]["message"]
    assert len(list(videos.rglob("*.mp4"))) == 4
    assert not list(other_disk.rglob("*.mp4"))
