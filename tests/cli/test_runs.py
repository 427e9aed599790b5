"""The commands about runs: their JSON, their texts, and what they refuse."""

import os
from pathlib import Path

import pytest

from tests.cli.running import assert_explained, run_here
from tests.generated import add_videos, around, centers, named

ODD = os.fsdecode(b"caf\xe9\x1b.mp4")


@pytest.fixture
def vidindex(home):
    """Run a command on a library of three kinds: a with 30 videos, b with 20, c with 10."""
    sizes = {"a": 30, "b": 20, "c": 10}
    kinds = {
        kind: around(center, sizes[kind]) for kind, center in zip(sizes, centers(3), strict=True)
    }
    add_videos(home / "library.db", named(kinds), home / "in")
    return run_here


def add_odd(home, count):
    """Add videos of a kind that was not there, one of them with a name that is not UTF-8."""
    vectors = around(centers(9)[8], count)
    files = [ODD, *(f"x{number}.mp4" for number in range(1, count))]
    add_videos(home / "library.db", dict(zip(files, vectors, strict=True)), home / "in")


def test_cluster_prints_what_a_new_run_changes(vidindex, home):
    first = vidindex("cluster", "-k", "3")
    add_odd(home, 5)
    second = vidindex("cluster", "-k", "4")
    third = vidindex("cluster", "-k", "4", "--json")

    assert "stay" not in first.out
    assert "60 stay, 0 move, 1 new cluster, 0 gone (+ 5 new videos)" in second.out
    assert third.data["churn"] == {
        "stay": 65,
        "move": 0,
        "new_videos": 0,
        "new_clusters": 0,
        "gone_clusters": 0,
    }


def test_runs_marks_the_one_in_use(vidindex):
    vidindex("cluster", "-k", "3")
    vidindex("cluster", "-k", "2")

    used = vidindex("use", "1")
    runs = vidindex("runs", "--json").data["runs"]

    assert "run 1 is in use: 60 videos in 3 clusters" in used.out
    assert [(run["id"], run["in_use"]) for run in runs] == [(1, True), (2, False)]
    assert [line.split()[1] for line in vidindex("runs").out.splitlines()] == [
        "in_use",
        "*",
        "kmeans",
    ]


def test_use_tells_what_it_did_in_json(vidindex):
    vidindex("cluster", "-k", "3")
    vidindex("cluster", "-k", "2")

    assert vidindex("use", "1", "--json").data == {
        "run": 1,
        "before": 2,
        "placed": 0,
        "unsorted": 0,
        "left_out": 0,
    }


def test_rm_run_refuses_the_one_in_use_and_tells_which_is_then(vidindex):
    vidindex("cluster", "-k", "3")
    vidindex("cluster", "-k", "2")

    assert_explained(vidindex("rm-run", "2"), 3, says="run 2 is in use", hint="vidindex use")
    assert vidindex("rm-run", "2", "--force", "--json").data == {"removed": [2], "in_use": 1}
    assert "no run is left" in vidindex("rm-run", "1", "--force").out


def test_diff_compares_the_run_in_use_with_the_one_before_it(vidindex, home):
    vidindex("cluster", "-k", "3")
    vidindex("cluster", "-k", "2")

    data = vidindex("diff", "--json").data
    text = vidindex("diff").out

    assert (data["from"], data["to"], data["move"], data["moved_files"]) == (1, 2, 10, 10)
    assert [change["kind"] for change in data["clusters"]] in (
        ["merged", "stayed"],
        ["stayed", "merged"],
    )
    assert sum(change["videos"] for change in data["clusters"]) == 60
    assert all(set(change) == {"kind", "from", "to", "videos"} for change in data["clusters"])
    assert data["moved"][0] == {
        "path": str(home / "in/c000.mp4"),
        "from": 2,
        "to": data["moved"][0]["to"],
    }
    assert "run 1 -> run 2: 50 videos with the same label, 10 with another" in text
    assert "merged" in text


def test_diff_shows_a_few_files_or_all(vidindex):
    vidindex("cluster", "-k", "3")
    vidindex("cluster", "-k", "1")

    few, everything = vidindex("diff"), vidindex("diff", "--all")

    assert "and 20 more files: --all shows them" in few.out
    assert everything.out.count(".mp4") == 30
    assert len(vidindex("diff", "--json").data["moved"]) == 10
    assert len(vidindex("diff", "--json", "--all").data["moved"]) == 30


def test_diff_takes_any_two_runs_and_the_names_of_either(vidindex):
    for k in ("3", "2", "1"):
        vidindex("cluster", "-k", k)
    vidindex("name", "2", "Holidays", "--run", "1")

    data = vidindex("diff", "3", "1", "--json").data

    assert (data["from"], data["to"]) == (3, 1)
    assert [change["kind"] for change in data["clusters"]] == ["split"]
    assert "2 Holidays" in vidindex("diff", "3", "1").out


def test_diff_needs_two_runs(vidindex):
    vidindex("cluster", "-k", "3")

    assert_explained(vidindex("diff"), 3, says="run 1 is the only one", hint="vidindex cluster")


def test_name_alone_lists_the_clusters(vidindex, home):
    vidindex("cluster", "-k", "3")
    vidindex("name", "1", "Holidays")
    add_odd(home, 2)
    add_videos(home / "library.db", {"a99.mp4": around(centers(3)[0], 31)[30]}, home / "in")
    vidindex("assign")

    data = vidindex("name", "--json").data
    text = vidindex("name").out

    assert data["run"] == 1
    assert data["clusters"][1] == {
        "label": 1,
        "name": "Holidays",
        "source": "user",
        "score": None,
        "size": 20,
        "placed_later": 0,
    }
    assert (data["clusters"][0]["placed_later"], data["unsorted_later"]) == (1, 2)
    assert "2 videos came later and fit none of them" in text


def test_name_tells_what_it_changed(vidindex):
    vidindex("cluster", "-k", "3")

    given = vidindex("name", "1", "Holidays", "--json").data
    changed = vidindex("name", "1", "Ferien").out
    cleared = vidindex("name", "1", "--clear").out

    assert given == {"run": 1, "label": 1, "name": "Holidays", "before": None}
    assert changed == "cluster 1 of run 1 is called Ferien (was Holidays)\n"
    assert cleared == "cluster 1 of run 1 has no name now (was Ferien)\n"


@pytest.mark.parametrize(
    "arguments", [["1"], ["--clear"], ["1", "Holidays", "--clear"]], ids=" ".join
)
def test_name_wants_a_label_and_either_a_name_or_clear(vidindex, arguments):
    vidindex("cluster", "-k", "3")

    assert_explained(
        vidindex("name", *arguments), 2, says="a LABEL and a NAME", hint="vidindex name 3"
    )


def test_assign_tells_what_found_a_place(vidindex, home):
    vidindex("cluster", "-k", "3")
    add_odd(home, 2)

    first = vidindex("assign", "--json").data
    second = vidindex("assign").out

    assert first == {"run": 1, "placed": 0, "unsorted": 2, "left_out": 0}
    assert second == "run 1 has a place for every video already\n"


def test_labels_lists_the_unsorted_as_such_and_alone(vidindex, home):
    vidindex("cluster", "-k", "3")
    add_odd(home, 2)
    vidindex("assign")

    rows = vidindex("labels", "--json").data["rows"]
    only = vidindex("labels", "--unsorted", "--json").data["rows"]
    text = vidindex("labels", "--unsorted").out

    assert only == rows[-2:]
    assert [(row["label"], row["placed_later"]) for row in only] == [(None, True)] * 2
    assert {row.get("path_b64") is None for row in only} == {True, False}
    assert [line.split()[0] for line in text.splitlines()[1:]] == ["unsorted"] * 2
    assert r"caf\xe9\x1b.mp4" in text
    shown = vidindex("show", Path("in") / "x1.mp4").out
    assert "run 1: unsorted" in shown


def test_labels_cannot_be_of_a_label_and_unsorted(vidindex):
    vidindex("cluster", "-k", "3")

    outcome = vidindex("labels", "--label", "1", "--unsorted")

    assert_explained(outcome, 2, says="--unsorted", hint="leave one")


def test_status_says_when_a_new_clustering_would_pay_and_why(vidindex, home):
    vidindex("cluster", "-k", "3")
    quiet = vidindex("status").out
    add_odd(home, 6)
    unplaced = vidindex("status")
    vidindex("assign")
    told = vidindex("status").out
    data = vidindex("status", "--json").data

    assert "would pay" not in quiet + unplaced.out
    assert "unplaced 6 videos without a place in that run: vidindex assign" in unplaced.out
    assert "a new clustering would pay: 100% of 6 new videos fit no cluster" in told
    assert (data["run"], data["unplaced"]) == (1, 0)
    assert data["drift"]["would_pay"] is True
    assert (data["drift"]["placed"], data["drift"]["unsorted"]) == (6, 6)
    vidindex("cluster", "-k", "4")
    assert "would pay" not in vidindex("status").out


@pytest.mark.parametrize(
    "command", [["use", "1"], ["rm-run", "1"], ["diff"], ["name"], ["assign"]], ids=" ".join
)
def test_without_a_run_each_says_what_to_do(vidindex, command):
    assert_explained(vidindex(*command), 3, says="nothing is clustered yet", hint="cluster -k")


@pytest.mark.parametrize(
    "command", [["use", "1"], ["rm-run", "1"], ["diff"], ["name"], ["assign"]], ids=" ".join
)
def test_without_a_library_each_says_what_to_do(home, command):
    assert_explained(run_here(*command), 3, says="there is no library", hint="vidindex index")
