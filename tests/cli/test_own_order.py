"""The user's own order on the command line: wishes, learned folders, sorting, nested folders."""

import os
from pathlib import Path

import pytest

from tests.cli.running import assert_explained, run_here
from tests.generated import add_videos, around, centers, named
from tests.test_imports import DATABASE, LEARNING, VIDEO, loaded_by

KINDS = ("beach", "city", "forest")
ODD = Path(os.fsdecode(b"caf\xe9.mp4"))


@pytest.fixture
def vidindex(home):
    """Run a command in a home with arranged/beach, city and forest, and inbox/, clustered."""
    points = centers(3)
    for row, kind in enumerate(KINDS):
        vectors = around(points[row], 5, seed=row)
        old = named({kind: vectors[:4]})
        add_videos(home / "library.db", old, home / "arranged" / kind, writes=True)
        new = {f"new {kind}.mp4" if row else str(ODD): vectors[4]}
        add_videos(home / "library.db", new, home / "inbox", writes=True)
    assert run_here("cluster", "-k", "3").code == 0
    return run_here


def label_of(vidindex, kind):
    rows = vidindex("labels", "--json").data["rows"]
    return next(row["label"] for row in rows if row["path"].endswith(f"/{kind}000.mp4"))


def test_pin_and_unpin(vidindex, home):
    city = label_of(vidindex, "city")
    pinned = vidindex("pin", home / "arranged/beach/beach000.mp4", home / "inbox" / ODD, city)
    assert pinned.code == 0
    assert pinned.out.count(f"pinned to cluster {city} (was in cluster") == 2
    assert "caf\\xe9.mp4" in pinned.out
    assert vidindex("cluster", "-k", "4").code == 0
    assert label_of(vidindex, "beach") == city

    unpinned = vidindex("unpin", home / "inbox" / ODD, "--json")

    (video,) = unpinned.data["videos"]
    assert video["label"] == city
    assert video["path_b64"]
    listed = vidindex("wishes", "--json").data
    assert [(pin["label"], pin["pinned_to"]) for pin in listed["pins"]] == [(city, city)]


def test_the_json_of_a_pin(vidindex, home):
    beach, city = label_of(vidindex, "beach"), label_of(vidindex, "city")
    vidindex("name", city, "Town")

    data = vidindex("pin", "arranged/beach/beach000.mp4", "Town", "--json").data

    (video,) = data.pop("videos")
    assert data == {"run": 1, "pinned_to": city, "name": "Town"}
    assert list(video) == ["path", "hash", "label", "state"]
    assert (video["label"], video["state"]) == (beach, "moved")


def test_cannot_and_can(vidindex):
    pair = ["arranged/beach/beach000.mp4", "arranged/beach/beach001.mp4"]

    apart = vidindex("cannot", *pair)

    assert "are kept apart; both are in cluster" in apart.out
    assert "never in one cluster" in vidindex("wishes").out
    ((one, other),) = vidindex("wishes", "--json").data["apart"]
    assert [one["path"][-12:], other["path"][-12:]] == ["beach000.mp4", "beach001.mp4"]
    assert vidindex("cluster", "-k", "3").code == 0
    again = vidindex("can", *pair, "--json").data["videos"]
    assert again[0]["label"] != again[1]["label"]
    assert "there are no wishes" in vidindex("wishes").out


def test_wrong_wishes_are_explained(vidindex):
    beach = "arranged/beach/beach000.mp4"

    assert_explained(
        vidindex("pin", beach), 2, says="only arranged.* is given", hint="vidindex pin"
    )
    assert_explained(
        vidindex("pin", beach, "9"), 3, says="no label or name 9", hint="its labels are 0, 1, 2"
    )
    assert_explained(vidindex("unpin", beach), 3, says="is not pinned", hint="vidindex wishes")
    assert_explained(vidindex("cannot", beach, beach), 2, says="one content", hint="two different")


def test_wishes_before_any_clustering(home):
    add_videos(home / "library.db", named({"a": around(centers(1)[0], 2)}), home)

    assert_explained(
        run_here("pin", "a000.mp4", "0"), 3, says="nothing is clustered", hint="vidindex cluster"
    )
    assert run_here("cannot", "a000.mp4", "a001.mp4").code == 0
    assert_explained(
        run_here("cluster", "-k", "1"), 3, says="must all be apart, but K is 1", hint="at least 2"
    )
    assert run_here("cluster", "-k", "2").code == 0


def test_learn_and_what_it_leaves_out(vidindex, home):
    (home / "arranged/city/new.mp4").write_bytes(b"new")

    learned = vidindex("learn", "arranged", "--json")

    assert learned.code == 4
    assert [error["path"][-12:] for error in learned.answer["errors"]] == ["city/new.mp4"]
    data = learned.data
    assert (data["k"], data["videos"], data["loose"], data["left_out"]) == (3, 12, 0, 1)
    assert sorted((each["name"], each["size"]) for each in data["clusters"]) == [
        (kind, 4) for kind in KINDS
    ]


def test_sort_undo_and_a_dry_run(vidindex, home):
    foretold = vidindex("sort", "inbox", "--like", "arranged", "--dry-run")
    assert foretold.code == 0
    assert "3 files would be moved" in foretold.out
    assert "caf\\xe9.mp4" in foretold.out
    assert len([*(home / "inbox").iterdir()]) == 3

    done = vidindex("sort", "inbox", "--like", "arranged", "--json").data

    assert (done["moved"], done["skipped"], done["unsure"], done["known"]) == (3, 0, [], 0)
    assert all(0.3 <= move["confidence"] <= 1 for move in done["moves"])
    assert (home / "arranged/beach" / ODD).exists()
    assert (home / "arranged/city/new city.mp4").exists()
    assert vidindex("undo").code == 0
    assert len([*(home / "inbox").iterdir()]) == 3


def test_what_is_not_sure_enough_is_listed_and_stays(vidindex, home):
    between = {"between.mp4": centers(3)[:2].mean(axis=0)}
    add_videos(home / "library.db", between, home / "inbox", writes=True)

    done = vidindex("sort", "inbox", "--like", "arranged", "--json").data

    (unsure,) = done["unsure"]
    assert list(unsure) == ["path", "best", "confidence"]
    assert unsure["path"] == str(home / "inbox/between.mp4")
    assert unsure["confidence"] < 0.3
    assert [path.name for path in (home / "inbox").iterdir()] == ["between.mp4"]
    again = vidindex("sort", "inbox", "--like", "arranged")
    assert again.code == 0
    assert "not sure enough" in again.out


def test_apply_with_nested_folders(vidindex, home):
    assert vidindex("cluster", "-k", "5").code == 0

    done = vidindex("apply", "sorted", "--tree")

    assert done.code == 0
    found = {path.relative_to(home / "sorted").parts for path in (home / "sorted").rglob("*.mp4")}
    assert max(len(parts) for parts in found) == 3
    assert {parts[-2][:8] for parts in found} == {"cluster_"}
    assert_explained(
        vidindex("apply", "sorted", "--tree-depth", "0"), 2, says="at least 1", hint="tree-depth"
    )


@pytest.mark.parametrize(
    "command", ["pin", "unpin", "cannot", "can", "wishes", "learn", "sort", "apply"]
)
def test_the_help_has_an_example(command):
    assert f"vidindex {command}" in run_here(command, "--help").out.partition("Example:")[2]


@pytest.mark.parametrize(
    "words",
    [
        ("pin", "arranged/beach/beach000.mp4", "1"),
        ("learn", "arranged"),
        ("sort", "inbox", "--like", "arranged"),
    ],
)
def test_neither_scikit_learn_nor_a_network_is_loaded(vidindex, home, words):
    loaded = loaded_by(home, *words)

    assert not loaded & (VIDEO | LEARNING - {"scipy"})
    assert loaded & DATABASE


def test_a_pin_is_told_wherever_a_video_is_explained(vidindex):
    beach, city = label_of(vidindex, "beach"), label_of(vidindex, "city")
    vidindex("pin", "arranged/beach/beach000.mp4", city)

    explained = vidindex("explain", "arranged/beach/beach000.mp4", "--json").data

    assert explained["pinned_to"] == city
    assert explained["cluster"]["label"] == city
    assert explained["nearest"][0]["label"] == beach
    borderline = vidindex("borderline", "--limit", "1", "--json").data["rows"]
    assert borderline[0]["margin"] == pytest.approx(explained["margin"])
    assert explained["margin"] < 0
    assert f"pinned    to cluster {city}" in vidindex("explain", "arranged/beach/beach000.mp4").out
    assert f"pinned  to cluster {city}" in vidindex("show", "arranged/beach/beach000.mp4").out


def test_an_older_run_that_does_not_hold_to_the_wishes_says_so(vidindex):
    city = label_of(vidindex, "city")
    vidindex("cluster", "-k", "3")
    vidindex("pin", "arranged/beach/beach000.mp4", city)
    vidindex("cannot", "arranged/forest/forest000.mp4", "arranged/forest/forest001.mp4")

    for outcome in (vidindex("use", "1"), vidindex("apply", "out", "--dry-run")):
        assert "1 pin and 1 pair to be kept apart do not hold in run 1" in outcome.err
    rows = vidindex("wishes").out.splitlines()
    assert rows[1].split()[:3] == ["label", "name", "is"]
    assert vidindex("cluster", "-k", "4").code == 0
    assert "do not hold" not in vidindex("apply", "out", "--dry-run").err


def test_a_name_comes_back_with_a_pinned_label(vidindex):
    city = label_of(vidindex, "city")
    vidindex("name", city, "Town")
    vidindex("pin", "arranged/city/city000.mp4", "Town")
    vidindex("cluster", "-k", "2", "--within", "arranged/beach")

    vidindex("cluster", "-k", "3")

    clusters = vidindex("name", "--json").data["clusters"]
    assert [each["name"] for each in clusters if each["label"] == city] == ["Town"]
