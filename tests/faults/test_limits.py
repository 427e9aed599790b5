"""Few open files, few processes, few threads: a run gets by with less, or ends and says why."""

import os
import re
import tempfile
from pathlib import Path

import pytest

from tests.cli.running import assert_explained
from tests.faults.running import INDEX, dump, traced
from vidindex.db import schema

NOBODY = 65534
CLONES = "clone,clone3,vfork,fork"
NO_THREAD = "the system had no thread to spare for decoding it"
KEPT = r"stored before is kept \(\d+ new videos?\)"


@pytest.fixture
def clips(home, put):
    """in/ with six real videos."""
    for name in "abcdef":
        put(name, home / f"in/{name}.mp4")


@pytest.fixture
def undisturbed(home, run, clips):
    assert run(*INDEX, "--db", "undisturbed.db", decodes=True).code == 0
    (home / "computed").unlink()
    return dump(home / "undisturbed.db")


def assert_whole_or_stopped(home, outcome, undisturbed):
    """A run must have done all, or must say that it was the system, and not the videos."""
    schema.check(home / "library.db")
    told = outcome.err.splitlines()
    unread = {f"failed: {home}/in/{name}.mp4: {NO_THREAD}" for name in "abcdef"}
    failed = {line for line in told if line.startswith("failed")}
    assert failed <= unread
    if outcome.code == 5:
        assert re.match(f"error: .*{KEPT}$", told[-2])
        assert told[-1].startswith("hint: ")
    else:
        assert outcome.code == (4 if failed else 0), outcome.err
        assert failed or dump(home / "library.db") == undisturbed


@pytest.mark.parametrize(
    ("most", "codes"),
    # With 16 it is a matter of who comes first: a decoder's pipe or the library's journal.
    [(12, {5}), (16, {0, 5}), (20, {0}), (24, {0}), (32, {0})],
)
def test_with_few_open_files_a_run_does_all_or_stops(start, run, home, undisturbed, most, codes):
    assert run("index", "in/a.mp4", decodes=True).code == 0
    limits = {"NOFILE": most}

    outcome = run("index", "in", "-q", "--workers", "4", decodes=True, limits=limits)

    assert_whole_or_stopped(home, outcome, undisturbed)
    assert outcome.code in codes
    assert run(*INDEX, decodes=True).code == 0
    assert dump(home / "library.db") == undisturbed


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_where_the_system_starts_only_so_many_threads_and_processes_a_run_does_all_or_stops(
    start, run, home, undisturbed, number
):
    assert run("index", "in/a.mp4", decodes=True).code == 0
    running = start(*INDEX, "-q", is_held=True, decodes=True)

    refusing = f"--inject={CLONES}:error=EAGAIN:when={number}+"
    with traced(running, "-f", f"--trace={CLONES}", refusing):
        outcome = running.wait()

    assert_whole_or_stopped(home, outcome, undisturbed)
    assert run(*INDEX, decodes=True).code == 0
    assert dump(home / "library.db") == undisturbed


def test_a_video_is_not_blamed_for_runs_in_which_no_process_could_be_started(start, run, home, put):
    """As it would be if it had ended vidindex so often."""
    put("a", home / "in/a.mp4")
    for _ in range(4):
        running = start(*INDEX, "-q", is_held=True, decodes=True)
        with traced(running, "-f", "--trace=vfork,clone", "--inject=vfork,clone:error=EAGAIN"):
            assert running.wait().code == 5

    outcome = run(*INDEX, decodes=True)

    assert outcome.code == 0, outcome.err


@pytest.fixture
def open_home():
    """A home that every user may enter."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o777)
        yield home


def test_a_user_who_may_start_nothing_more_is_told_so(server, open_home, put):
    put("a", open_home / "in/a.mp4")
    user = NOBODY if os.geteuid() == 0 else 0

    outcome = server.start(
        open_home, *INDEX, "-q", decodes=True, user=user, limits={"NPROC": 0}
    ).wait()

    assert_explained(outcome, 5, says="no thread can be started", hint="ulimit -u")
    schema.check(open_home / "library.db")
