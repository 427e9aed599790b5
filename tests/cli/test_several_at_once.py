"""Several vidindex, or another program, at work on one library at the same time."""

import fcntl
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest

from tests.cli.running import Outcome, assert_explained, command_line, environment_in
from tests.stub import STUB, read_frames
from vidindex import Library
from vidindex.db import engine

PROJECT = Path(__file__).parents[2]
AT_ONCE_S = 1
STOPPED_IN_S = 2
WRITERS = [
    ["index", "in"],
    ["cluster", "-k", "2"],
    ["apply", "out", "--yes"],
    ["undo", "--yes"],
    ["organize", "in", "out", "-k", "2", "--yes"],
    ["prune", "--yes"],
    ["db", "upgrade"],
]
# How long eight processes work side by side; make it 30 for a thorough run.
SEVERAL_AT_ONCE_S = float(os.environ.get("SEVERAL_AT_ONCE_S", "6"))
PROCESSES = 8
KILLED = 2


@pytest.fixture
def lock(home, vidindex, clustered):
    """The lock of a library for which every writer has something to do."""
    assert vidindex("apply", "in", "--yes").code == 0
    with (home / "library.db.lock").open("r+") as lock:
        yield lock


def hold(lock):
    """Take the lock as a process 4711 would that is still at work."""
    lock.truncate(0)
    lock.seek(0)
    lock.write("4711\n")
    lock.flush()
    fcntl.flock(lock, fcntl.LOCK_EX)


def release(lock):
    fcntl.flock(lock, fcntl.LOCK_UN)


def waiting_line(home):
    return f"waiting for process 4711, which is changing {home}/library.db"


def test_a_second_writer_ends_at_once_and_names_the_first(vidindex, lock):
    hold(lock)

    for command in WRITERS:
        begun = time.monotonic()
        outcome = vidindex(*command)

        assert time.monotonic() - begun < AT_ONCE_S
        assert_explained(outcome, 7, says=r"process 4711\) is changing", hint="--wait")


def test_with_wait_it_says_so_once_and_goes_on_when_the_first_has_finished(vidindex, home, lock):
    for command in WRITERS:
        hold(lock)
        begun = time.monotonic()
        Timer(0.5, release, [lock]).start()

        outcome = vidindex(*command, "--wait")

        assert outcome.code == 0, (command, outcome.err)
        assert time.monotonic() - begun > 0.5
        assert outcome.err.splitlines().count(waiting_line(home)) == 1


def test_an_index_run_that_has_waited_looks_at_the_files_only_then(vidindex, lock, clustered):
    (moved,) = clustered.rglob("a.mp4")
    hold(lock)

    def move_and_release():
        moved.rename(clustered / "moved.mp4")
        release(lock)

    Timer(1, move_and_release).start()
    outcome = vidindex("index", "in", "--wait", "--json")

    assert outcome.code == 0
    assert (outcome.data["unchanged"], outcome.data["relinked"]) == (3, 1)


def test_a_writer_does_not_wait_for_nothing(vidindex, lock):
    outcome = vidindex("cluster", "-k", "2", "--wait")

    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize("way", ["variable", "configuration"])
def test_waiting_can_be_a_setting(vidindex, home, lock, monkeypatch, way):
    hold(lock)
    if way == "variable":
        monkeypatch.setenv("VIDINDEX_WAIT", "true")
    else:
        (home / "config/vidindex").mkdir(parents=True)
        (home / "config/vidindex/config.toml").write_text("wait = true\n")

    assert vidindex("cluster", "-k", "2", "--no-wait").code == 7
    Timer(0.5, release, [lock]).start()
    assert vidindex("cluster", "-k", "2").code == 0


def test_ctrl_c_ends_the_waiting_at_once(home, lock):
    hold(lock)

    for command in WRITERS:
        with subprocess.Popen(
            command_line(*command, "--wait"),
            env=environment_in(home),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as child:
            assert child.stderr.readline().decode() == waiting_line(home) + "\n"
            begun = time.monotonic()
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=60)
            took_s = time.monotonic() - begun

        assert took_s < STOPPED_IN_S
        outcome = Outcome(child.returncode, out, err)
        assert_explained(outcome, 130, says="stopped by SIGINT", hint="run it again")


@pytest.fixture
def reader(home, clustered):
    """Another program in the middle of reading the library."""
    with closing(
        sqlite3.connect(home / "library.db", isolation_level=None, check_same_thread=False)
    ) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM files").fetchone()
        yield reader


def test_a_writer_waits_for_a_long_reader_and_finishes(vidindex, home, reader):
    begun = time.monotonic()
    Timer(2, reader.rollback).start()

    outcome = vidindex("cluster", "-k", "3")

    assert outcome.code == 0
    assert time.monotonic() - begun > 2
    assert outcome.err == ""
    assert vidindex("runs", "--json").data["runs"][-1]["k"] == 3


def test_a_reader_that_never_ends_stops_a_writer_and_nothing_is_lost(
    vidindex, put, home, reader, monkeypatch
):
    put("e", home / "in/e.mp4")
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.2)

    for command in (["index", "in", "-q"], ["cluster", "-k", "3"]):
        outcome = vidindex(*command)
        assert_explained(outcome, 5, says="another program has held .*library", hint="is kept")
    assert vidindex("labels").code == 0

    reader.rollback()
    assert vidindex("index", "in", "--json").data["indexed"] == 1
    assert vidindex("cluster", "-k", "3").code == 0
    assert vidindex("db", "check").code == 0


def start_several(home):
    environment = environment_in(home, PYTHONPATH=str(PROJECT))
    return [
        subprocess.Popen(
            [sys.executable, "-m", "tests.cli.several", str(number), str(SEVERAL_AT_ONCE_S)],
            env=environment,
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]


def end_several(processes):
    """Kill some in the middle and let the others finish; return what each printed."""
    time.sleep(SEVERAL_AT_ONCE_S / 2)
    for process in processes[:KILLED]:
        process.kill()
    printed = []
    for number, process in enumerate(processes):
        out, err = process.communicate(timeout=SEVERAL_AT_ONCE_S + 60)
        assert process.returncode == (-signal.SIGKILL if number < KILLED else 0), err
        assert "Traceback" not in err
        printed.append([line.split() for line in out.splitlines()])
    return printed


def test_eight_processes_at_once_lose_nothing_and_leave_a_sound_library(vidindex, home):
    for name in ("in", "out"):
        (home / name).mkdir()

    printed = end_several(start_several(home))

    codes = [int(code) for lines in printed for _, code in lines]
    assert {0, 7} <= set(codes) <= {0, 3, 4, 7}
    library = Library(home / "library.db")
    library.apply(home / "out")  # settles what the killed ones had begun
    found = [path.read_text() for path in sorted(home.rglob("*.mp4"))]
    for number, lines in enumerate(printed):
        made = sum(name == "index" for name, _ in lines)
        own = sorted(int(text.split("-")[1]) for text in found if re.match(f"{number}-", text))
        assert own in ([*range(1, made + 1)], [*range(1, made + 1 + (number < KILLED))])
    library.index([home / "in", home / "out"], source=STUB, read_frames=read_frames)
    library.prune(force=True)
    library.check()
    status = library.status()
    counts = (status.present, status.missing, status.recipes[0].vectors)
    assert counts == (len(found), 0, len(found))
