"""Outputs that go away in the middle of a run, and signals that come twice."""

import os
import pty
import signal
import time

import pytest

from tests.faults.conftest import make_video
from tests.faults.running import INDEX, dump, lines_of
from tests.waiting import wait_until
from vidindex.db import schema

VIDEOS = 10  # the last batch is not full
STOPPED_IN_S = 2


@pytest.fixture
def videos(home):
    for number in range(VIDEOS):
        make_video(home / f"in/{number:02}.mp4")


def stored(home):
    schema.check(home / "library.db")
    return len(dump(home / "library.db")["embeddings"])


@pytest.fixture
def pipe(home):
    """A named pipe, and the end to read from."""
    os.mkfifo(home / "pipe")
    reader = os.open(home / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    return home / "pipe", reader


def test_a_reader_of_stdout_that_goes_away_ends_the_run_quietly_and_complete(
    start, home, videos, pipe
):
    path, reader = pipe
    running = start(*INDEX, "-q", stdout=str(path), embed_s=0.1)
    wait_until(lambda: lines_of(home / "computed"))

    os.close(reader)
    outcome = running.wait()

    assert (outcome.code, outcome.stderr) == (141, b"")
    assert stored(home) == VIDEOS


def test_a_reader_of_messages_that_goes_away_does_not_end_the_run(start, home, videos, pipe):
    make_video(home / "in/broken.mp4", "broken")
    path, reader = pipe
    running = start(*INDEX, "--json", stderr=str(path), embed_s=0.1)
    wait_until(lambda: lines_of(home / "computed"))

    os.close(reader)
    outcome = running.wait()

    assert (outcome.code, outcome.data["indexed"]) == (4, VIDEOS)
    assert stored(home) == VIDEOS


def wait_until_some_are_stored(home):
    wait_until(lambda: (home / "library.db").exists() and stored(home) > 0)


def test_a_window_that_is_closed_ends_the_run_and_what_is_finished_is_kept(
    start, run, home, videos
):
    window, inside = pty.openpty()
    path = os.ttyname(inside)
    running = start(*INDEX, stdout=path, stderr=path, leads_session=True, embed_s=0.3)
    wait_until_some_are_stored(home)

    os.close(inside)
    os.close(window)
    outcome = running.wait(within_s=STOPPED_IN_S)

    kept = stored(home)
    assert outcome.code == 128 + signal.SIGHUP
    assert 0 < kept < VIDEOS
    assert run(*INDEX, "--json").data["indexed"] == VIDEOS - kept


def test_a_window_that_is_closed_over_a_run_that_ignores_it_does_not_end_the_run(
    start, home, videos
):
    make_video(home / "in/told of when the window is closed.mp4", "broken")
    window, inside = pty.openpty()
    path = os.ttyname(inside)  # it is not that of the run, which gets no SIGHUP
    running = start(*INDEX, stdout=path, stderr=path, embed_s=0.1, decode_s=0.3)
    wait_until_some_are_stored(home)

    os.close(inside)
    os.close(window)

    assert running.wait().code == 5  # for the result that could not be told
    assert stored(home) == VIDEOS
    assert len(dump(home / "library.db")["embedding_failures"]) == 1


def test_a_signal_at_the_end_does_not_wait_for_all_that_is_to_be_computed(start, run, home, videos):
    """All is decoded by then, and two batches wait for the network."""
    running = start(*INDEX, "-q", embed_s=0.6)
    wait_until_some_are_stored(home)
    assert len(lines_of(home / "decoded")) == VIDEOS

    running.send(signal.SIGINT)
    outcome = running.wait(within_s=STOPPED_IN_S)

    kept = stored(home)
    assert outcome.code == 130
    assert 0 < kept < VIDEOS
    assert run(*INDEX, "--json").data["indexed"] == VIDEOS - kept


def test_a_second_signal_ends_the_run_without_waiting_for_the_network(start, run, home, videos):
    running = start(*INDEX, "-q", embed_s=0.5)
    wait_until_some_are_stored(home)

    running.send(signal.SIGINT)
    time.sleep(0.1)
    running.send(signal.SIGINT)
    outcome = running.wait(within_s=STOPPED_IN_S)

    assert (outcome.code, "Traceback" in outcome.err) == (130, False)
    kept = stored(home)
    assert 0 < kept < VIDEOS
    assert run(*INDEX, "--json").data["indexed"] == VIDEOS - kept
