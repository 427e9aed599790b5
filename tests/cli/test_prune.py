"""`vidindex prune`: shown first, done only when the user says so."""

import os
import pty

import pytest

from tests.cli.running import assert_explained
from tests.conftest import read_tree


@pytest.fixture
def pruned(vidindex, videos):
    """in/ with b.mp4, c.mp4 and deep/d.mp4; a.mp4 is missed by the library."""
    vidindex("index", videos)
    (videos / "a.mp4").unlink()
    vidindex("index", videos)
    return videos


def count_missing(vidindex):
    return vidindex("status", "--json").data["files"]["missing"]


@pytest.mark.parametrize("flags", [[], ["--dry-run"], ["--dry-run", "--yes"], ["--json"]])
def test_without_a_yes_nothing_is_changed(vidindex, home, pruned, flags):
    before = read_tree(home)

    outcome = vidindex("prune", *flags)

    assert outcome.code == 0
    assert str(pruned / "a.mp4") in outcome.out
    assert read_tree(home) == before


def test_it_shows_what_it_would_drop(vidindex, pruned):
    header, row, summary = vidindex("prune").out.splitlines()

    assert header.split() == ["missing", "since(UTC)", "size", "path"]
    assert row.endswith(f"kB  {pruned}/a.mp4")
    assert summary == (
        "1 file, 1 video and 1 vector would be dropped; nothing was changed, --yes drops them"
    )


def test_with_a_yes_it_drops_that_and_touches_no_video(vidindex, pruned):
    before = read_tree(pruned)

    outcome = vidindex("prune", "--yes")

    assert (outcome.code, outcome.out) == (0, "dropped 1 file, 1 video and 1 vector\n")
    assert count_missing(vidindex) == 0
    assert read_tree(pruned) == before
    assert vidindex("db", "check").code == 0
    assert vidindex("prune", "--yes").out == "nothing to drop\n"


def test_it_answers_in_json(vidindex, pruned):
    foretold = vidindex("prune", "--json").answer
    done = vidindex("prune", "--yes", "--json").data

    assert foretold["command"] == "prune"
    (row,) = foretold["data"]["rows"]
    assert set(row) == {"path", "bytes", "missing_since"}
    assert row["path"] == str(pruned / "a.mp4")
    assert foretold["data"] == {
        "dropped": False,
        "files": 1,
        "videos": 1,
        "vectors": 1,
        "failures": 0,
        "bytes": row["bytes"],
        "returned": 0,
        "absent": 0,
        "rows": [row],
    }
    assert row["bytes"] > 0
    assert done == foretold["data"] | {"dropped": True}


def test_it_says_which_files_are_there_again(vidindex, put, pruned):
    put("a", pruned / "a.mp4")

    outcome = vidindex("prune", "--yes")

    assert outcome.out == "nothing to drop\n1 file there again: vidindex index takes it up\n"


def test_most_files_are_refused_until_it_is_forced(vidindex, home, pruned):
    for name in ("b.mp4", "c.mp4"):
        (pruned / name).unlink()
    vidindex("index", pruned)

    for flags in ([], ["--yes"], ["--dry-run"]):
        outcome = vidindex("prune", *flags)
        assert_explained(outcome, 3, says="3 of the 4 known files of the lib", hint="disk absent")
    shown = vidindex("prune", "--force", "--dry-run")

    assert (shown.code, count_missing(vidindex)) == (0, 3)
    assert vidindex("prune", "--force", "--yes").out == (
        "dropped 3 files, 3 videos and 3 vectors\n"
    )
    assert count_missing(vidindex) == 0


def test_only_what_is_named_is_dropped(vidindex, home, pruned):
    assert vidindex("prune", "in/deep", "--yes").out == "nothing to drop\n"
    assert vidindex("prune", "in", "--yes", "--json").data["files"] == 1
    assert_explained(
        vidindex("prune", "elsewhere"), 3, says="no file at or below .*elsewhere", hint="spelling"
    )


def test_only_what_is_old_enough_is_dropped(vidindex, pruned):
    assert vidindex("prune", "--older-than", "1", "--yes").out == "nothing to drop\n"
    assert vidindex("prune", "--older-than", "0", "--json").data["files"] == 1
    assert vidindex("prune", "--older-than", "-1").code == 2


def test_a_library_that_is_not_there_is_not_made(vidindex, home):
    for flags in ([], ["--yes"]):
        assert_explained(vidindex("prune", *flags), 3, says="no library at", hint="index PATH")
    assert read_tree(home) == {}


def test_an_odd_name_is_told_safely(vidindex, home, put, videos):
    odd = put("a", home / os.fsdecode(b"in/caf\xe9\x1b.mp4"))
    vidindex("index", videos)
    odd.unlink()
    vidindex("index", videos)

    assert r"caf\xe9\x1b.mp4" in vidindex("prune").out
    (row,) = vidindex("prune", "--json").data["rows"]
    assert row["path"].endswith(r"caf\xe9\x1b.mp4")
    assert "path_b64" in row


@pytest.fixture
def on_a_terminal(process):
    """Run a command whose stdin is a terminal on which an answer was typed."""

    def run(answer, *arguments):
        user, terminal = pty.openpty()
        os.write(user, answer)
        outcome = process(*arguments, stdin=terminal)
        os.close(user)
        os.close(terminal)
        return outcome

    return run


def test_on_a_terminal_it_asks_and_a_yes_is_enough(on_a_terminal, vidindex, pruned):
    outcome = on_a_terminal(b"y\n", "prune")

    # The blank after a question goes to stdout, by way of the input() of Python.
    assert (outcome.code, outcome.out) == (0, " dropped 1 file, 1 video and 1 vector\n")
    assert str(pruned / "a.mp4") in outcome.err
    assert "Drop 1 file, 1 video and 1 vector? [y/N]" in outcome.err
    assert count_missing(vidindex) == 0


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"\x04"], ids=["no", "nothing", "end"])
def test_on_a_terminal_anything_else_drops_nothing(on_a_terminal, vidindex, pruned, answer):
    outcome = on_a_terminal(answer, "prune")

    assert outcome.code == 3
    assert "error: nothing was dropped, as you did not agree" in outcome.err
    assert count_missing(vidindex) == 1
