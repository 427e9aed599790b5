"""Bytes that change while nothing tells of it, and clocks that go wrong."""

import os
import sqlite3
import time
from contextlib import closing

import pytest

from tests.faults.conftest import make_video
from tests.faults.running import INDEX, dump, lines_of

DAY_S = 86_400


@pytest.fixture
def indexed(home, run):
    """in/a.mp4 and in/b.mp4, which the library knows; returns the first."""
    make_video(home / "in/b.mp4")
    video = make_video(home / "in/a.mp4", "good bytes")
    assert run(*INDEX).code == 0
    return video


def corrupt(video):
    """Change a byte, and neither size nor time."""
    status = video.stat()
    video.write_text("goad bytes")
    os.utime(video, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_without_verify_a_run_opens_nothing_and_finds_all_unchanged(run, home, indexed):
    corrupt(indexed)

    outcome = run(*INDEX, "--json")

    assert (outcome.code, outcome.data["unchanged"]) == (0, 2)


def test_verify_names_a_corrupt_file_each_time_and_changes_no_row(run, home, indexed):
    corrupt(indexed)
    before = dump(home / "library.db")

    for _ in range(2):
        outcome = run(*INDEX, "--verify", "--json")

        assert (outcome.code, outcome.data["unchanged"], outcome.data["failed"]) == (4, 1, 1)
        (error,) = outcome.answer["errors"]
        assert (error["code"], error["path"]) == ("corrupt", str(indexed))
        assert dump(home / "library.db") == before


def test_a_corrupt_file_that_is_touched_is_taken_as_it_is(run, home, indexed):
    corrupt(indexed)
    os.utime(indexed, (1_600_000_060, 1_600_000_060))

    outcome = run(*INDEX, "--verify", "--json")

    assert (outcome.code, outcome.data["indexed"], outcome.data["unchanged"]) == (0, 1, 1)
    assert len(dump(home / "library.db")["embeddings"]) == 3  # the old content keeps its vector


def test_a_file_dated_in_the_future_is_read_each_time_and_computed_once(run, home, indexed):
    future = time.time() + DAY_S
    video = make_video(home / "in/from tomorrow.mp4")
    os.utime(video, (future, future))

    first, second = run(*INDEX, "--json"), run(*INDEX, "--json")

    assert (first.code, first.data["indexed"]) == (0, 1)
    assert (second.code, second.data["unchanged"]) == (0, 3)
    assert lines_of(home / "decoded").count(video.name) == 1


def test_a_file_dated_in_the_future_that_changes_and_keeps_its_date_is_noticed(run, home, indexed):
    future = int(time.time()) + DAY_S
    os.utime(indexed, (future, future))
    run(*INDEX)
    corrupt(indexed)

    assert run(*INDEX, "--json").data["indexed"] == 1


def test_after_the_clock_was_set_back_changes_are_noticed_as_ever(run, home, indexed):
    """All that the library holds is dated in the future then."""
    day_ns = DAY_S * 10**9
    with closing(sqlite3.connect(home / "library.db")) as raw, raw:
        raw.execute("UPDATE files SET checked_at_ns = checked_at_ns + ?", (day_ns,))

    unchanged = run(*INDEX, "--json")
    indexed.write_text("written now")
    changed = run(*INDEX, "--json")

    assert (unchanged.code, unchanged.data["unchanged"]) == (0, 2)
    assert (changed.code, changed.data["indexed"], changed.data["unchanged"]) == (0, 1, 1)
