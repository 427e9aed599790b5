"""history: the batches of moves, what they did, and what can still be put back."""

import os
import re
import time

import pytest

from tests.cli.running import assert_explained
from tests.cli.test_hostile_names import UNSAFE
from tests.databases.make import NOON
from vidindex.db.engine import Database
from vidindex.scanning import FileStat
from vidindex.store import moves
from vidindex.store.moves import PlannedMove

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")


def batches(vidindex, *arguments):
    return vidindex("history", *arguments, "--json").data["batches"]


def said(entry, *keys):
    return tuple(entry[key] for key in keys)


def test_an_apply_an_undo_and_a_redo_the_newest_first(vidindex, home, clustered):
    for command in (["apply", "out"], ["undo"], ["undo", "2"]):
        assert vidindex(*command).code == 0

    found = batches(vidindex)

    assert [said(each, "batch", "kind", "undoes", "undone_by", "undoable") for each in found] == [
        (3, "redo", 2, [], 4),
        (2, "undo", 1, [3], 0),
        (1, "apply", None, [2], 0),
    ]
    for each in found:
        assert said(each, "mode", "state", "done", "skipped", "failed", "left") == (
            "move",
            "finished",
            4,
            0,
            0,
            0,
        )
        assert each["destination"] == str(home / "out")
        assert each["run"] == 1
        assert each["started_at"] <= each["finished_at"]


def test_the_text_has_a_line_for_each_with_the_local_time(vidindex, home, clustered, monkeypatch):
    vidindex("apply", "out")
    vidindex("undo")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        here = time.strftime("%Y-%m-%d %H:%M")
        outcome = vidindex("history")
    finally:
        monkeypatch.undo()
        time.tzset()

    header, undo, apply = outcome.out.splitlines()
    assert outcome.code == 0
    assert header.split() == [
        *(["batch", "kind", "mode", "started", "state", "done", "skipped", "failed", "left"]),
        *(["undoes", "undone_by", "undoable", "destination"]),
    ]
    (started,) = LINE.findall(apply)
    assert abs(int(started[14:16]) - int(here[14:16])) in (0, 1, 59)
    assert started[:13] == here[:13] or here.endswith(":00")
    assert LINE.sub("", undo).split() == [
        *("2", "undo", "move", "finished", "4", "0", "0", "0", "1", "4", str(home / "out"))
    ]
    assert LINE.sub("", apply).split() == [
        *("1", "apply", "move", "finished", "4", "0", "0", "0", "2", "0", str(home / "out"))
    ]


def test_an_undo_that_could_not_put_all_back_leaves_the_rest_undoable(vidindex, home, clustered):
    vidindex("apply", "out")
    (clustered / "a.mp4").write_text("mine")
    assert vidindex("undo").code == 4

    undo, apply = batches(vidindex)

    assert said(undo, "done", "undoable") == (3, 3)
    assert said(apply, "done", "undone_by", "undoable") == (4, [2], 1)


def test_what_was_skipped_is_counted(vidindex, home, clustered):
    vidindex("apply", "out")
    (clustered / "a.mp4").write_text("mine")
    vidindex("undo")
    (clustered / "a.mp4").unlink()
    vidindex("undo")

    newest, *_ = batches(vidindex)

    assert said(newest, "kind", "undoes", "done") == ("undo", 1, 1)
    assert batches(vidindex)[-1]["undone_by"] == [2, 3]


def test_a_limit_shows_the_newest_and_says_that_there_are_more(vidindex, clustered):
    for command in (["apply", "out"], ["undo"], ["apply", "out"]):
        vidindex(*command)

    assert [each["batch"] for each in batches(vidindex, "--limit", "2")] == [3, 2]
    assert vidindex("history", "--limit", "2").out.splitlines()[-1] == "… and 1 older batch"
    assert len(vidindex("history", "--limit", "3").out.splitlines()) == 4


@pytest.mark.parametrize("limit", ["0", "-1"])
def test_a_limit_that_shows_nothing_is_refused(vidindex, clustered, limit):
    outcome = vidindex("history", "--limit", limit)

    assert_explained(outcome, 2, says=f"a list of {limit} batches", hint="leave it out")


def test_before_any_move_there_is_nothing_to_list(vidindex, clustered):
    outcome = vidindex("history")

    assert outcome.out == "no files were moved yet; try: vidindex apply DEST --dry-run\n"
    assert batches(vidindex) == []


def test_without_a_library_it_is_refused(vidindex, home):
    assert vidindex("history").code == 3


def test_a_destination_of_any_name_is_told_safely_and_exactly(vidindex, home, clustered):
    destination = home / os.fsdecode(b"out\x1b\xff\n")
    vidindex("apply", destination)

    text = vidindex("history").out
    (entry,) = batches(vidindex)

    assert not UNSAFE.search(text)
    assert "out\\x1b\\xff\\x0a" in text
    assert "destination_b64" in entry


def test_it_changes_nothing_and_needs_no_lock(vidindex, home, clustered):
    vidindex("apply", "out")
    before = (home / "library.db").read_bytes()

    vidindex("history")

    assert (home / "library.db").read_bytes() == before


def test_a_batch_that_was_killed_tells_what_is_left(vidindex, home, clustered):
    stat = FileStat(clustered / "a.mp4", 1, 1, 1, 1)
    planned = [PlannedMove(stat, bytes(32), home / "out" / name) for name in "abc"]
    with Database(home / "library.db") as database, database.writing() as session:
        number = moves.put_batch(
            session, "apply", home / "out", run=1, undoes_batch=None, now=NOON, mode="copy"
        )
        moves.put_moves(session, number, planned[:2])
        moves.put_moves(session, number, planned[2:], state="started")

    (entry,) = batches(vidindex)

    assert said(entry, "mode", "state", "done", "left") == ("copy", "running", 0, 3)
    assert said(entry, "started_at", "finished_at") == (NOON.isoformat(), None)
