"""Files that are no videos: each is named with its reason, the run goes on, nothing is lost."""

import re
import shutil

import pytest

from tests.clips import make_sound_only
from tests.conftest import read_tree

REASONS = {
    "text": r"not a video \(text\)",
    "zeros": r"not a video \(only zeros\)",
    "noise": r"not a video \(no known format\)",
    "empty": "empty file",
    "sound": "no video stream",
    "cut": "truncated",
    "header": "truncated",
    "playlist": "a playlist, not a video",
}


@pytest.fixture(params=REASONS)
def broken(request, home, videos):
    """The name of a kind of broken file, which lies in in/broken.mp4."""
    path, whole = home / "in/broken.mp4", (videos / "a.mp4").read_bytes()
    contents = {
        "text": b"dear diary\n",
        "zeros": bytes(5000),
        "noise": bytes(range(256)) * 40,
        "empty": b"",
        "cut": whole[: len(whole) // 2],
        "header": whole[:406],
        "playlist": f"#EXTM3U\n#EXTINF:1,\n{videos}/a.mp4\n".encode(),
    }
    if request.param == "sound":
        make_sound_only(path)
    else:
        path.write_bytes(contents[request.param])
    return request.param


def test_it_is_named_with_its_reason_and_the_others_are_indexed(vidindex, home, broken):
    before = read_tree(home / "in")

    outcome = vidindex("index", "in", "--json")

    assert outcome.code == 4
    assert (outcome.data["indexed"], outcome.data["failed"]) == (4, 1)
    (error,) = outcome.answer["errors"]
    assert (error["path"], error["code"]) == (str(home / "in/broken.mp4"), "undecodable")
    assert re.search(REASONS[broken], error["message"])
    assert read_tree(home / "in") == before


@pytest.mark.parametrize("broken", ["sound"], indirect=True)
def test_it_is_one_line_for_a_person(vidindex, home, broken):
    outcome = vidindex("index", "in")

    failures = [line for line in outcome.err.splitlines() if line.startswith("failed")]
    assert len(failures) == 1
    assert failures[0].startswith(f"failed: {home}/in/broken.mp4: no video stream")
    assert "Traceback" not in outcome.err
    assert "4 indexed, 0 unchanged, 1 failed" in outcome.out


@pytest.mark.parametrize("broken", ["cut"], indirect=True)
def test_it_is_not_tried_again_and_yet_not_forgotten(vidindex, home, broken):
    vidindex("index", "in")

    outcome = vidindex("index", "in")

    assert outcome.code == 4
    assert "0 indexed, 4 unchanged" in outcome.out
    assert "1 file failed before" in outcome.out
    assert "failed   " + str(home / "in/broken.mp4") in vidindex("status").out


@pytest.mark.parametrize("broken", ["cut"], indirect=True)
def test_it_is_indexed_once_it_is_whole(vidindex, put, home, broken):
    vidindex("index", "in")
    put("e", home / "in/broken.mp4")

    outcome = vidindex("index", "in", "--json")

    assert (outcome.code, outcome.data["indexed"], outcome.data["failed"]) == (0, 1, 0)


@pytest.mark.parametrize("broken", ["text"], indirect=True)
def test_it_is_in_no_cluster_and_is_not_moved(vidindex, home, broken):
    vidindex("index", "in")
    vidindex("cluster", "-k", "2")

    outcome = vidindex("apply", "out", "--json")

    assert (outcome.code, outcome.data["moved"]) == (0, 4)
    assert (home / "in/broken.mp4").read_bytes() == b"dear diary\n"


def test_a_folder_of_nothing_but_broken_files_still_makes_a_library(vidindex, home):
    (home / "in").mkdir()
    (home / "in/x.mp4").write_bytes(b"")

    outcome = vidindex("index", "in", "--json")

    assert (outcome.code, outcome.data["failed"]) == (4, 1)
    assert vidindex("cluster", "-k", "1").code == 3


def test_a_copy_of_a_broken_file_is_named_too(vidindex, home, videos):
    (videos / "x.mp4").write_bytes(b"dear diary\n")
    shutil.copy(videos / "x.mp4", videos / "y.mp4")

    outcome = vidindex("index", "in", "--json")

    assert [error["path"] for error in outcome.answer["errors"]] == [
        str(videos / "x.mp4"),
        str(videos / "y.mp4"),
    ]


def test_what_the_decoder_mutters_does_not_reach_the_terminal(process, home, videos, vidindex):
    (videos / "broken.mp4").write_bytes((videos / "a.mp4").read_bytes()[:3000])
    (videos / "noise.mkv").write_bytes(bytes(range(256)) * 40)
    vidindex("index", videos / "a.mp4")

    outcome = process("index", "in/broken.mp4", "in/noise.mkv")

    assert outcome.code == 4
    lines = outcome.err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["indexing", "failed", "failed"]
