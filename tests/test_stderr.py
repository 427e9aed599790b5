"""Stderr while it is turned away."""

import os
import threading

import pytest

from vidindex.cli.progress import LineReporter, say
from vidindex.errors import UnreadableError
from vidindex.reporting import Problem
from vidindex.stderr import turned_away


def test_what_is_said_in_the_meantime_is_told_afterwards_and_nothing_else(capfd, tmp_path):
    problem = Problem.of(tmp_path / "a.mp4", UnreadableError("cannot read it", "check it"))

    with turned_away():
        os.write(2, b"a library's own line\n")
        speaker = threading.Thread(target=LineReporter().problem, args=[problem])
        speaker.start()
        speaker.join()
        say("another line")
        assert capfd.readouterr().err == ""
    say("the last line")

    assert capfd.readouterr().err.splitlines() == [
        f"failed: {tmp_path}/a.mp4: cannot read it (check it)",
        "another line",
        "the last line",
    ]


def test_stderr_comes_back_after_an_error(capfd):
    @turned_away()
    def fail():
        say("one line")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert capfd.readouterr().err == "one line\n"
