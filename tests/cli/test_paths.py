"""Paths that lead nowhere, in circles, or to what may not be read."""

import os

import pytest

from tests.cli.running import assert_explained
from tests.conftest import read_tree


def test_a_missing_path_is_refused(vidindex, home):
    outcome = vidindex("index", "nowhere.mp4")

    assert_explained(outcome, 3, says=r"there is no file .*nowhere\.mp4", hint="spelling")
    assert read_tree(home) == {}


def test_a_missing_path_is_refused_beside_good_ones_before_anything_is_done(vidindex, home, videos):
    before = read_tree(home)

    outcome = vidindex("index", videos, "nowhere")

    assert_explained(outcome, 3, says="nowhere", hint="spelling")
    assert read_tree(home) == before


def test_a_missing_path_is_refused_before_weights_are_fetched(vidindex, home):
    outcome = vidindex("index", "nowhere", "--weights", "imagenet")

    assert_explained(outcome, 3, says="there is no file", hint="spelling")


def test_a_home_of_nobody_stands_for_itself(vidindex):
    outcome = vidindex("index", "~nobody-of-this-name/videos")

    assert_explained(outcome, 3, says="~nobody-of-this-name/videos", hint="spelling")


def test_a_name_that_is_too_long_is_refused(vidindex):
    outcome = vidindex("index", "x" * 300)

    assert_explained(outcome, 3, says="xxx: File name too long", hint="name")


def test_an_empty_folder_is_refused_and_makes_no_library(vidindex, home):
    (home / "in").mkdir()

    outcome = vidindex("index", "in")

    assert_explained(outcome, 3, says="there is no video in .*/in", hint=r"suffix.*\.mp4")
    assert read_tree(home) == {"in": None}


@pytest.mark.parametrize(
    "arguments",
    [
        ["index", ""],
        ["apply", ""],
        ["organize", "", "out", "-k", "2"],
        ["organize", "in", "", "-k", "2"],
        ["cluster", "-k", "2", "--within", ""],
        ["db", "backup", ""],
    ],
    ids=" ".join,
)
def test_an_empty_path_does_not_mean_the_current_folder(vidindex, home, clustered, arguments):
    before = read_tree(clustered)

    outcome = vidindex(*arguments)

    assert_explained(outcome, 2, says="a path is empty", hint=r"\. is the current folder")
    assert read_tree(clustered) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["index", "loop"],
        ["index", "in/../loop/x.mp4"],
        ["labels", "--db", "loop"],
        ["apply", "loop/out"],
        ["show", "loop"],
        ["cluster", "-k", "2", "--within", "loop"],
    ],
    ids=" ".join,
)
def test_a_symlink_loop_is_refused(vidindex, home, clustered, arguments):
    (home / "loop").symlink_to("loop")
    before = read_tree(home)

    outcome = vidindex(*arguments)

    assert_explained(outcome, 3, says="loop.* circle", hint="link")
    assert read_tree(home) == before


def test_links_below_a_folder_are_noted_and_not_followed(vidindex, videos):
    (videos / "round").symlink_to(".")
    (videos / "self.mp4").symlink_to("self.mp4")
    (videos / "twin.mp4").symlink_to("a.mp4")

    outcome = vidindex("index", videos)

    assert outcome.code == 0
    assert "4 indexed" in outcome.out
    for name in ("round", "self.mp4", "twin.mp4"):
        assert f"{videos}/{name}: a" in outcome.err


def test_a_pipe_named_like_a_video_is_noted_and_never_waited_for(vidindex, videos):
    os.mkfifo(videos / "pipe.mp4")
    (videos / "folder.mp4").mkdir()

    outcome = vidindex("index", videos)

    assert outcome.code == 0
    assert "4 indexed" in outcome.out
    assert f"{videos}/pipe.mp4: not a regular file" in outcome.err


def test_a_folder_without_permission_is_named_and_its_videos_are_not_called_missing(
    process, vidindex, videos
):
    vidindex("index", videos)
    (videos / "deep").chmod(0)

    outcome = process("index", videos, "--json", obeys_rights=True)

    (videos / "deep").chmod(0o755)
    assert outcome.code == 4
    assert (outcome.data["unchanged"], outcome.data["missing"]) == (3, 0)
    assert [(error["path"], error["code"]) for error in outcome.answer["errors"]] == [
        (str(videos / "deep"), "unreadable")
    ]
    assert f"{videos}/deep: cannot read the folder: Permission denied" in outcome.err
    assert vidindex("status", "--json").data["files"]["missing"] == 0


def test_a_folder_without_permission_is_refused_where_it_is_all_there_is(process, home, videos):
    (videos / "deep").chmod(0)

    outcome = process("index", "in/deep", obeys_rights=True)

    (videos / "deep").chmod(0o755)
    assert_explained(outcome, 3, says="deep: cannot read the folder", hint="no other video")
    assert not (home / "library.db").exists()


def test_a_path_behind_a_folder_without_permission_is_refused(process, videos):
    (videos / "deep").chmod(0)

    outcome = process("index", "in/deep/d.mp4", obeys_rights=True)

    (videos / "deep").chmod(0o755)
    assert_explained(outcome, 3, says=r"cannot look at .*d\.mp4: Permission denied", hint="rights")


def test_a_file_without_permission_is_named_and_keeps_its_vector(process, vidindex, videos):
    vidindex("index", videos)
    os.utime(videos / "a.mp4", (1_650_000_000, 1_650_000_000))
    (videos / "a.mp4").chmod(0)

    outcome = process("index", videos, "--json", obeys_rights=True)

    assert outcome.code == 4
    assert [(error["path"], error["code"]) for error in outcome.answer["errors"]] == [
        (str(videos / "a.mp4"), "unreadable")
    ]
    assert vidindex("status", "--json").data["recipes"][0]["vectors"] == 4
