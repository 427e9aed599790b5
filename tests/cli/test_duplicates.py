"""`vidindex duplicates` and `distinct`: what people and programs see."""

import os
import subprocess

import numpy as np
import pytest

from tests.cli.running import assert_explained, command_line, environment_in, run_here
from tests.generated import add_videos, around, centers, named, put_copy

ODD = os.fsdecode(b"caf\xe9\x1b\n.mp4")


@pytest.fixture
def library(home):
    """110 unlike videos; a version of the first; a copy of the second, its name no UTF-8."""
    points = around(centers(1)[0], 110)
    close = points[0] + np.float32(1e-4)
    names = named({"clip": points, "copy": [close]})
    add_videos(home / "library.db", names, home / "in", writes=True)
    put_copy(home / "library.db", home / "in/clip001.mp4", home / "in" / ODD)
    return home / "library.db"


def test_programs_get_groups_with_kind_and_paths(library, home):
    outcome = run_here("duplicates", "--json")

    assert outcome.code == 0
    data = outcome.data
    assert {"groups", "saveable_bytes", "spread", "recipe", "unpictured", "unclear"} == set(data)
    exact, near = data["groups"]
    assert (exact["kind"], near["kind"]) == ("exact", "near")
    assert near["paths"] == [str(home / f"in/{name}.mp4") for name in ("clip000", "copy000")]
    assert near["best"] == near["paths"][0]
    assert [file["best"] for file in near["files"]] == [True, False]
    assert near["files"][1]["cosine"] == pytest.approx(1, abs=1e-6)
    assert exact["files"][0]["cosine"] is None
    assert any("path_b64" in file for file in exact["files"])
    assert data["saveable_bytes"] == exact["saveable_bytes"] + near["saveable_bytes"] > 0


def test_people_see_the_best_and_that_nothing_is_deleted(library):
    outcome = run_here("duplicates")

    assert "1 exact group, 1 near group" in outcome.out
    assert "nothing was deleted" in outcome.out
    assert r"caf\xe9\x1b\x0a.mp4" in outcome.out
    assert sum(line.startswith("best") for line in outcome.out.splitlines()) == 2
    assert "112" not in outcome.out  # contents are counted, not files
    assert "111 videos without thumbnails" in outcome.out


def test_the_lesser_copies_can_be_deleted_as_the_help_says(library, home):
    vidindex = [str(word) for word in command_line()]
    command = [*vidindex, "duplicates", "--exact-only", "--format", "paths0"]
    before = sorted((home / "in").iterdir())

    listed = subprocess.run(command, env=environment_in(home), stdout=subprocess.PIPE, check=True)
    subprocess.run(["xargs", "-0", "rm"], input=listed.stdout, check=True)

    gone = {*before} - {*(home / "in").iterdir()}
    assert gone in ({home / "in" / ODD}, {home / "in/clip001.mp4"})


def test_what_speaks_against_deleting_is_told(library, home):
    for name in ("clip001.mp4", ODD):
        (home / "in" / name).write_bytes(b"changed")

    outcome = run_here("duplicates", "--exact-only", "--format", "paths0")

    assert outcome.code == 4
    assert outcome.stdout == b""
    assert "was changed since it was indexed" in outcome.err


def test_distinct_takes_a_pair_out_and_undo_brings_it_back(library, home):
    pair = home / "in/clip000.mp4", home / "in/copy000.mp4"

    outcome = run_here("distinct", *pair, "--json")

    assert (outcome.code, outcome.data["distinct"]) == (0, True)
    assert [group["kind"] for group in run_here("duplicates", "--json").data["groups"]] == ["exact"]
    (listed,) = run_here("wishes", "--json").data["distinct"]
    assert [video["path"] for video in listed] == [str(path) for path in pair]
    assert "no duplicates" in run_here("wishes").out
    assert run_here("distinct", "--undo", *pair).code == 0
    assert len(run_here("duplicates", "--json").data["groups"]) == 2
    assert_explained(
        run_here("distinct", "--undo", *pair), 3, says="not noted as distinct", hint="wishes"
    )


def test_a_cosine_that_is_none_and_a_library_without_vectors_are_explained(library, home):
    assert_explained(run_here("duplicates", "--min", "7"), 2, says="from -1 to 1", hint="0.98")
    empty = home / "empty.db"
    add_videos(empty, {})
    assert_explained(run_here("duplicates", "--db", empty), 3, says="no vectors", hint="index")
    assert run_here("duplicates", "--exact-only", "--db", empty).code == 0


def test_csv_has_a_line_a_file(library):
    lines = run_here("duplicates", "--format", "csv").out.splitlines()

    assert lines[0].startswith('"group","kind","best","path","cosine"')
    assert len(lines) == 1 + 4
