"""organize: index, cluster and apply of one folder in one go."""

import pytest

from tests.cli.running import assert_explained
from tests.conftest import read_tree


@pytest.fixture
def inbox(home, put, videos, vidindex):
    """inbox/ with e.mp4 and f.mp4, beside in/, which the library holds already."""
    vidindex("index", videos)
    put("e", home / "inbox/e.mp4")
    put("f", home / "inbox/f.mp4")
    return home / "inbox"


def test_only_the_videos_of_the_source_are_grouped_and_moved(vidindex, home, videos, inbox):
    others = read_tree(videos)

    outcome = vidindex("organize", inbox, "sorted", "-k", "2")

    assert outcome.code == 0
    assert "2 indexed" in outcome.out
    assert "run 1: 2 videos in 2 clusters" in outcome.out
    assert "batch 1: 2 files moved; vidindex undo puts them back" in outcome.out
    assert read_tree(videos) == others
    assert read_tree(inbox) == {}
    sorted_names = [name for name, data in read_tree(home / "sorted").items() if data]
    assert sorted(name.split("/")[0] for name in sorted_names) == ["cluster_0", "cluster_1"]
    assert sorted(name.split("/")[1] for name in sorted_names) == ["e.mp4", "f.mp4"]


def test_undo_puts_them_back(vidindex, home, inbox):
    before = read_tree(inbox)
    vidindex("organize", inbox, "sorted", "-k", "2")

    vidindex("undo")

    assert read_tree(inbox) == before
    assert not (home / "sorted").exists()


def test_a_dry_run_moves_nothing_and_tells_what_a_run_does(vidindex, home, inbox):
    before = read_tree(inbox)

    foretold = vidindex("organize", inbox, "sorted", "-k", "2", "--dry-run")

    assert foretold.code == 0
    assert read_tree(inbox) == before
    assert not (home / "sorted").exists()
    assert "2 files would be moved; nothing was changed" in foretold.out
    moves = [line for line in foretold.out.splitlines() if " -> " in line]
    vidindex("organize", inbox, "sorted", "-k", "2")
    for move in moves:
        source, target = move.split(" -> ")
        assert before[source.rpartition("/")[2]] == (home / target).read_bytes()


def test_it_takes_the_options_of_its_parts_and_groups_by_the_recipe_they_make(vidindex, inbox):
    outcome = vidindex(
        *["organize", inbox, "sorted", "-k", "2", "--dry-run", "--json"],
        *["--interval-s", "0.5", "--seed", "7", "--n-init", "3", "--normalize", "none"],
    )

    assert outcome.code == 0
    run = vidindex("runs", "--json").data["runs"][-1]
    assert (run["seed"], run["n_init"], run["normalize"], run["recipe_id"]) == (7, 3, "none", 2)
    assert run["scope"] == str(inbox)


def test_a_video_that_cannot_be_decoded_stays_and_makes_the_exit_code_4(vidindex, inbox):
    (inbox / "x.mp4").write_bytes(b"no video")

    outcome = vidindex("organize", inbox, "sorted", "-k", "2", "--json")

    assert outcome.code == 4
    assert outcome.data["apply"]["moved"] == 2
    assert [error["code"] for error in outcome.answer["errors"]] == ["undecodable"]
    assert read_tree(inbox) == {"x.mp4": b"no video"}


@pytest.mark.parametrize(
    ("arguments", "code", "says", "hint"),
    [
        (["nowhere", "sorted", "-k", "2"], 3, "there is no file or folder .*nowhere", "spelling"),
        (["inbox", "sorted", "-k", "3"], 3, "cannot make 3 clusters of 2 videos", "at most 2"),
        (["inbox", "sorted", "-k", "0"], 2, "K must be at least 1", "."),
        (["inbox", "in/a.mp4", "-k", "2"], 3, "a.mp4 is not a folder", "another destination"),
    ],
    ids=["source", "too many", "none", "destination"],
)
def test_what_cannot_be_done_moves_nothing(vidindex, home, inbox, arguments, code, says, hint):
    before = read_tree(inbox)

    outcome = vidindex("organize", *arguments, "-q")

    assert_explained(outcome, code, says=says, hint=hint)
    assert read_tree(inbox) == before
    assert not (home / "sorted").exists()
