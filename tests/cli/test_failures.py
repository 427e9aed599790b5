"""`vidindex failures`, and how `status` points to it."""

import os
from pathlib import Path

import pytest

FAILED = {"empty.mp4": b"", "text.mp4": b"dear diary\n", "notes.mp4": b"to do: index\n"}
TEXT, EMPTY = "not a video (text)", "empty file"


@pytest.fixture
def failed(vidindex, videos):
    """in/ with four videos, and three files that are none."""
    for name, content in FAILED.items():
        (videos / name).write_bytes(content)
    assert vidindex("index", videos).code == 4
    return videos


def test_a_library_without_failures_says_so(vidindex, videos):
    vidindex("index", videos)

    assert vidindex("failures").out == "no failures\n"
    assert vidindex("failures", "--json").data == {"rows": [], "reasons": {}}


def test_each_failure_is_listed_with_its_reason_and_the_reasons_are_counted(vidindex, failed):
    outcome = vidindex("failures")

    lines = outcome.out.splitlines()
    assert outcome.code == 0
    assert lines[0].split() == ["tried(UTC)", "recipe", "weights", "path", "reason"]
    assert [line.split()[2:] for line in lines[1:4]] == [
        ["1", "untrained:0", str(failed / name), *reason.split()]
        for name, reason in [("empty.mp4", EMPTY), ("notes.mp4", TEXT), ("text.mp4", TEXT)]
    ]
    assert lines[4:] == [
        "",
        "files  reason",
        f"    2  {TEXT}",
        f"    1  {EMPTY}",
        "3 failures; vidindex index PATH --retry-failed tries them again",
    ]


def test_it_answers_in_json(vidindex, failed):
    answer = vidindex("failures", "--json").answer

    assert answer["command"] == "failures"
    first = answer["data"]["rows"][0]
    assert first.pop("failed_at").startswith("2")
    assert first == {
        "path": str(failed / "empty.mp4"),
        "reason": EMPTY,
        "recipe": 1,
        "weights": "untrained:0",
    }
    assert answer["data"]["reasons"] == {TEXT: 2, EMPTY: 1}


def test_a_file_that_may_not_be_read_is_among_them(process, vidindex, put, videos):
    vidindex("index", videos)
    put("e", videos / "secret.mp4").chmod(0)
    process("index", videos, obeys_rights=True)

    (row,) = vidindex("failures", "--json").data["rows"]

    assert row.pop("reason").endswith("Permission denied")
    assert row == {
        "path": str(videos / "secret.mp4"),
        "recipe": None,
        "weights": None,
        "failed_at": None,
    }
    assert f"{videos}/secret.mp4" in vidindex("failures").out


def test_a_file_that_is_gone_or_whole_now_is_no_longer_listed(vidindex, put, failed):
    (failed / "empty.mp4").unlink()
    put("e", failed / "text.mp4")
    vidindex("index", failed)

    rows = vidindex("failures", "--json").data["rows"]

    assert [row["path"] for row in rows] == [str(failed / "notes.mp4")]


def test_the_failures_of_each_recipe_are_listed(vidindex, failed):
    vidindex("index", failed, "--interval-s", "7")

    rows = vidindex("failures", "--json").data["rows"]

    assert [(Path(row["path"]).name, row["recipe"]) for row in rows] == [
        (name, recipe) for name in sorted(FAILED) for recipe in (1, 2)
    ]


def test_an_odd_name_is_told_safely(vidindex, home, videos):
    (home / os.fsdecode(b"in/caf\xe9\x1b.mp4")).write_bytes(b"")
    vidindex("index", videos)

    assert r"caf\xe9\x1b.mp4" in vidindex("failures").out
    (row,) = vidindex("failures", "--json").data["rows"]
    assert "path_b64" in row


def test_an_index_run_points_to_it(vidindex, failed):
    assert "vidindex failures lists them" in vidindex("index", failed).out


def failed_lines(outcome):
    return [line for line in outcome.out.splitlines() if line.startswith("failed")]


def test_the_status_lists_three_failures(vidindex, failed):
    assert failed_lines(vidindex("status")) == [
        f"failed   {failed}/empty.mp4: {EMPTY}",
        f"failed   {failed}/notes.mp4: {TEXT}",
        f"failed   {failed}/text.mp4: {TEXT}",
    ]


def test_the_status_counts_the_other_failures_and_points_to_them(vidindex, failed):
    for number in range(2):
        (failed / f"x{number}.mp4").write_bytes(b"%d" % number)
    vidindex("index", failed)

    outcome = vidindex("status")

    assert len(failed_lines(outcome)) == 4
    assert failed_lines(outcome)[-1] == "failed   and 2 more: vidindex failures lists them"
    assert "4 vectors, 5 failures" in outcome.out
