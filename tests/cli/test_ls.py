"""`vidindex ls` and the filters that it shares with `labels`."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing

import pytest

from tests.cli import asked_library as known
from tests.cli.running import assert_explained, run_here

pytestmark = pytest.mark.usefixtures("asked")


def listed(*options):
    """The paths that ls lists, exact ones."""
    done = run_here("ls", *options, "--format", "paths0")
    assert done.code == 0, done.err
    return [known.Path(os.fsdecode(raw)) for raw in done.stdout.split(b"\0")[:-1]]


def labelled(*options):
    done = run_here("labels", *options, "--format", "paths0")
    assert done.code == 0, done.err
    return [known.Path(os.fsdecode(raw)) for raw in done.stdout.split(b"\0")[:-1]]


def test_ls_lists_all_files_that_are_there_whether_they_have_a_label_or_not():
    assert listed() == list(known.THERE)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--label", "0"], [known.BEACH, known.ODD]),
        (["--name", "Holidays"], [known.BEACH, known.ODD]),
        (["--name", "hOLIDAYS"], [known.BEACH, known.ODD]),
        (["--name", "Holidays", "--label", "1"], []),
        (["--longer", "61.5"], [known.LONG]),
        (["--longer", "1h59m59s"], [known.LONG]),
        (["--longer", "2h"], []),
        (["--shorter", "1m"], [known.NEW_LINE]),
        (["--longer", "5s", "--shorter", "2h"], [known.BEACH, known.ODD, known.CITY]),
        (["--codec", "HEVC"], [known.LONG]),
        (["--missing"], [known.GONE]),
        (["--failed"], [known.BROKEN, known.LOCKED]),
        (["--missing", "--failed"], []),
        (["--since", "2026-03-11T12:00+00:00"], [known.LONG]),
        (["--since", "2026-03-11T14:00:01+02:00"], []),
        (["--since", "1m"], []),
        (["--limit", "2"], [known.BEACH, known.BROKEN]),
    ],
    ids=lambda value: " ".join(map(str, value)) if "--" in str(value) else "",
)
def test_ls_lists_only_what_fits(options, expected):
    assert listed(*options) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.mkv", [known.ODD, known.LONG]),  # * stands for / too
        ("*deep*", [known.LONG]),
        ("/videos/?ity.mp4", [known.CITY]),
        ("/videos/[bc]*.mp4", [known.BROKEN, known.CITY]),
        ("/VIDEOS/*", []),  # case counts
        ("/videos/deep", [known.LONG]),  # a folder
        ("/videos/deep/", [known.LONG]),
        ("/videos/city.mp4", [known.CITY]),
        ("/videos/deep/long [1080p].mkv", [known.LONG]),  # a name with a bracket is itself
        ("*long [[]1080p].mkv", [known.LONG]),
        ("*\n*", [known.NEW_LINE]),
        (os.fsdecode(b"*caf\xe9*"), [known.ODD]),  # as a shell passes a name on
        ("*%*", []),
        ("*' OR 1 --*", []),
    ],
)
def test_a_path_is_a_folder_or_a_pattern(pattern, expected):
    assert listed("--path", pattern) == expected


def test_a_relative_path_is_of_the_current_folder(monkeypatch, home):
    with closing(sqlite3.connect(home / "library.db")) as raw:
        raw.execute(
            "UPDATE files SET path = ? WHERE path = ?",
            (os.fsencode(home / "here/city.mp4"), os.fsencode(known.CITY)),
        )
        raw.commit()

    assert listed("--path", "here") == listed("--path", "her?/*") == [home / "here/city.mp4"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("duration", [known.NEW_LINE, known.BEACH, known.ODD, known.CITY, known.LONG]),
        ("-duration", [known.LONG, known.BEACH, known.ODD, known.CITY, known.NEW_LINE]),
    ],
)
def test_what_has_no_value_to_sort_by_comes_last_either_way(key, expected):
    assert listed("--sort", key) == [*expected, known.BROKEN, known.ESCAPES, known.LOCKED]


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ("path", known.BEACH),
        ("-path", known.NEW_LINE),
        ("size", known.LOCKED),
        ("-size", known.BROKEN),
        ("added", known.BEACH),
        ("-added", known.LONG),
        ("label", known.BEACH),
        ("-label", known.CITY),
        ("distance", known.CITY),
        ("-distance", known.ODD),
    ],
)
def test_ls_sorts_by_each_key_and_its_opposite(key, first):
    assert listed("--sort", key)[0] == first


def test_ls_tells_all_of_a_file_in_json():
    data = run_here("ls", "--label", "1", "--json").data

    assert (data["run"], data["found"]) == (1, 1)
    assert data["rows"] == [
        {
            "path": str(known.CITY),
            "hash": (b"\x03" * 32).hex(),
            "size_bytes": 1_000_002,
            "duration_s": 61.5,
            "width_px": 1920,
            "height_px": 1080,
            "codec": "h264",
            "added_at": "2026-03-01T12:00:00+00:00",
            "missing_since": None,
            "failure": None,
            "label": 1,
            "name": known.FORMULA,
            "distance": 0.0,
            "placed_later": False,
        }
    ]


def test_ls_tells_why_a_file_failed_and_since_when_one_is_missing():
    failed = run_here("ls", "--failed", "--json").data["rows"]
    (gone,) = run_here("ls", "--missing", "--json").data["rows"]

    assert [row["failure"] for row in failed] == ["no video stream", "permission denied"]
    assert failed[1]["hash"] is None
    assert gone["missing_since"] == "2026-03-21T12:00:00+00:00"


def test_the_table_counts_what_it_leaves_out():
    lines = run_here("ls", "--limit", "1").out.splitlines()

    assert lines[-1].startswith("8 files, ")
    assert lines[-1].endswith("; 1 of them shown")
    assert str(known.BEACH) in lines[1]
    assert len(lines) == 3


def test_ls_without_a_clustering_lists_files_and_refuses_labels(home):
    with closing(sqlite3.connect(home / "library.db")) as raw:
        raw.execute("PRAGMA foreign_keys = ON")
        raw.execute("DELETE FROM clusterings")
        raw.commit()

    assert listed() == list(known.THERE)
    assert run_here("ls", "--json").data["run"] is None
    assert_explained(run_here("ls", "--label", "0"), 3, says="nothing is clustered", hint="cluster")


@pytest.mark.parametrize("command", ["ls", "labels"])
@pytest.mark.parametrize(
    ("options", "code", "says", "hint"),
    [
        (["--run", "7"], 3, "no run 7", "vidindex runs"),
        (["--label", "9"], 3, "run 1 has no label 9", "its labels are 0, 1"),
        (["--name", "Beach"], 3, "no cluster named Beach", "Holidays"),
        (["--longer", "soon"], 2, "--longer soon", "1h30m"),
        (["--shorter", "-5"], 2, "--shorter -5", "1h30m"),
        (["--longer", "99999999w"], 2, "a hundred years", "less"),
        (["--since", "2026-02-30"], 2, "is no date", "2026-01-31"),
        (["--since", "7"], 2, "--since 7 is not understood", "7d"),
        (["--since", "yesterday"], 2, "is not understood", "7d"),
        (["--sort", "colour"], 2, "--sort colour", "duration"),
        (["--limit", "0"], 2, "--limit 0", "1 or more"),
        (["--label", "1", "--unsorted"], 2, "--label and --unsorted", "leave one"),
        (["--name", "x", "--unsorted"], 2, "--name and --unsorted", "leave one"),
        (["--path", ""], 2, "a path is empty", "name a file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_known_or_not_understood_is_explained(command, options, code, says, hint):
    assert_explained(run_here(command, *options), code, says=says, hint=hint)


def test_labels_takes_the_filters_and_lists_only_what_has_a_label():
    assert labelled() == [known.BEACH, known.ODD, known.CITY]
    assert labelled("--path", "/videos") == [known.ODD, known.CITY]
    assert labelled("--sort", "-path", "--limit", "1") == [known.CITY]
    assert labelled("--longer", "10m") == []
    assert labelled("--name", known.FORMULA) == [known.CITY]


def test_unsorted_files_are_told_from_those_without_a_place(home):
    with closing(sqlite3.connect(home / "library.db")) as raw:
        raw.execute("UPDATE assignments SET label = NULL WHERE video_id = 3")
        raw.commit()

    assert listed("--unsorted") == labelled("--unsorted") == [known.CITY]
    assert " unsorted " in f" {run_here('ls', '--unsorted').out.splitlines()[1]} "
    (row,) = json.loads(run_here("ls", "--unsorted", "--json").out)["data"]["rows"]
    assert (row["label"], row["distance"]) == (None, 0.0)
