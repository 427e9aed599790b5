"""`vidindex similar`: what people and programs see."""

import json
import os

from tests.cli.running import assert_explained, run_here
from tests.cli.small_library import ODD, make_library


def test_programs_get_rows_with_path_and_cosine(home):
    make_library(home)

    outcome = run_here("similar", home / "in/beach/beach000.mp4", "--top", "2", "--json")

    assert outcome.code == 0
    assert list(outcome.data) == ["recipe", "hash", "in_library", "found", "rows"]
    assert (outcome.data["found"], outcome.data["in_library"]) == (4, True)
    first, second = outcome.data["rows"]
    assert {"path", "cosine", "exact", "duration_s", "video", "hash"} <= set(first)
    assert 1 > first["cosine"] >= second["cosine"]
    assert all("/beach/" in row["path"] for row in (first, second))


def test_people_get_a_table_with_no_byte_that_harms(home):
    make_library(home)

    outcome = run_here("similar", home / "in/beach/beach000.mp4")

    header, *rows = outcome.out.splitlines()
    assert header.split() == ["cosine", "size", "length", "path"]
    assert len(rows) == 4
    assert r"caf\xe9.mp4" in outcome.out


def test_paths_and_lines_suit_other_programs(home):
    make_library(home)
    arguments = ("similar", home / "in/beach/beach000.mp4", "--top", "2")

    paths = run_here(*arguments, "--format", "paths0").stdout
    lines = run_here(*arguments, "--format", "jsonl").out.splitlines()

    assert os.fsencode(home / "in/beach" / ODD) in paths.split(b"\0")
    assert all(json.loads(line)["cosine"] < 1 for line in lines)


def test_what_is_left_out_is_said(home):
    make_library(home)
    path = home / "in/beach/beach000.mp4"

    assert "3 more videos; --top lists more" in run_here("similar", path, "--top", "1").out
    assert "no other video" in run_here("similar", path, "--min", "1").out


def test_an_unknown_video_is_explained(home):
    make_library(home)

    assert_explained(run_here("similar", "none.mp4"), 3, says="does not know", hint="path")
    assert_explained(run_here("similar", "a.mp4", "--top", "0"), 2, says="at least 1", hint="10")


def test_a_file_outside_is_described_and_said_not_to_be_stored(vidindex, videos, put, home):
    assert vidindex("index", videos).code == 0
    new = put("e", home / "new.mp4")

    outcome = vidindex("similar", new, "--json")

    assert outcome.code == 0
    assert "not stored" in outcome.err
    assert outcome.data["in_library"] is False
    assert len(outcome.data["rows"]) == 4
