"""The options of apply: how files come to their places, which places, and what goes along."""

import os
from pathlib import Path
from typing import get_args

import pytest

from tests.cli.running import assert_explained, run_here
from tests.cli.small_library import ODD, contents, label_of, make_library, names_in
from tests.conftest import read_tree
from tests.generated import add_videos, around, centers, named
from vidindex.cli.apply import ConflictName, ModeName
from vidindex.planning import Conflict
from vidindex.store.moves import Mode
from vidindex.templates import FIELDS

OTHER_DISK = Path("/dev/shm")


@pytest.fixture
def vidindex(home):
    """Run a command in a home with a small library."""
    make_library(home)
    return run_here


@pytest.fixture
def sources(vidindex, home):
    return home / "in"


def assert_restored(before, after, home, out="out"):
    assert after == before
    assert not (home / out).exists()


@pytest.mark.parametrize(
    ("mode", "done", "back"),
    [
        (
            "move",
            "5 files moved, 1 sidecar went along; vidindex undo puts them",
            "6 files put back",
        ),
        ("copy", "5 files copied, 1 sidecar went along; vidindex undo takes", "6 copies removed"),
        ("hardlink", "5 hard links made, 1 sidecar went along", "6 hard links removed"),
        ("symlink", "5 links made, 1 sidecar went along", "6 links removed"),
        ("reflink-auto", "5 files cloned or copied, 1 sidecar went", "6 copies removed"),
    ],
)
def test_each_mode_and_its_way_back(vidindex, home, sources, mode, done, back):
    before = read_tree(sources)

    outcome = vidindex("apply", "out", "--mode", mode)

    assert outcome.code == 0
    assert outcome.out.startswith(f"batch 1: {done}")
    assert (read_tree(sources) == before) == (mode != "move")
    held = {Path(path).name: data for path, data in before.items() if data is not None}
    arrived = contents(home / "out")
    assert {Path(path).name: data for path, data in arrived.items()} == held
    a_file = next((home / "out").rglob("city000.mp4"))
    assert a_file.is_symlink() == (mode == "symlink")
    assert (a_file.stat().st_nlink == 2) == (mode == "hardlink")
    foretold = vidindex("undo", "--dry-run").out
    assert foretold.splitlines()[-1].replace("would be ", "") == f"{back}; nothing was changed"
    assert ("put back" in foretold) == (mode == "move")
    assert f"batch 2: {back}; vidindex undo 2 would undo that" in vidindex("undo").out
    assert_restored(before, read_tree(sources), home)


def test_the_json_tells_what_was_done_with_each_file(vidindex):
    data = vidindex("apply", "out", "--mode", "hardlink", "--json").data

    assert (data["mode"], data["moved"], data["skipped"], data["failed"]) == ("hardlink", 6, 0, 0)
    assert {move["action"] for move in data["moves"]} == {"hardlink"}
    (sidecar,) = [move for move in data["moves"] if move["is_sidecar"]]
    assert sidecar["target"].endswith("/beach000.en.srt")
    assert {move["state"] for move in data["moves"]} == {"done"}


def test_a_redo_of_copies_says_so(vidindex):
    vidindex("apply", "out", "--mode", "copy")
    vidindex("undo")

    assert "batch 3: 6 files copied again; vidindex undo 3 would undo" in vidindex("undo", "2").out


def test_a_view_is_brought_up_to_date(vidindex, home, sources):
    vidindex("apply", "view", "--mode", "symlink")
    (home / "view/mine.txt").write_text("mine")
    vidindex("cluster", "-k", "1")

    foretold = vidindex("apply", "view", "--mode", "symlink", "--dry-run").out
    outcome = vidindex("apply", "view", "--mode", "symlink")

    assert "removed, a link to" in foretold
    assert "old links would be removed; nothing was changed" in foretold
    assert "links made" in outcome.out
    assert "old links removed" in outcome.out
    assert sorted(names_in(home / "view")) == ["cluster_0", "mine.txt"]
    assert len(names_in(home / "view/cluster_0")) == 6
    again = vidindex("apply", "view", "--mode", "symlink")
    assert again.out == "nothing to move\n5 files in place already\n"


@pytest.mark.parametrize(
    ("option", "known"), [("--mode", get_args(Mode)), ("--on-conflict", get_args(Conflict))]
)
def test_a_wrong_word_is_told_with_the_right_ones(vidindex, home, option, known):
    before = read_tree(home / "in")

    outcome = vidindex("apply", "out", option, "steal")

    assert_explained(outcome, 2, says=f"'{option}': 'steal' is not one of", hint="apply --help")
    for word in known:
        assert f"'{word}'" in outcome.err
    assert read_tree(home / "in") == before


def test_the_words_of_the_command_line_are_those_of_the_library():
    assert get_args(ModeName) == get_args(Mode)
    assert get_args(ConflictName) == get_args(Conflict)


def test_a_template_decides_where_each_file_goes(vidindex, home):
    template = "{name}/{source}-{width:05}/{codec} {stem}{suffix}"

    outcome = vidindex("apply", "out", "--template", template)

    assert outcome.code == 0
    assert sorted(contents(home / "out")) == [
        "Sand/beach-00640/h264 beach000.en.srt",
        "Sand/beach-00640/h264 beach000.mp4",
        "Sand/beach-00640/h264 beach001.mp4",
        f"Sand/beach-00640/h264 {ODD}",
        f"cluster_{label_of('city')}/city-00640/h264 city000.mp4",
        f"cluster_{label_of('city')}/city-00640/h264 city001.mp4",
    ]


def test_an_unknown_field_is_told_with_the_known_ones(vidindex):
    outcome = vidindex("apply", "out", "--template", "{nope}/{stem}{suffix}")

    assert_explained(outcome, 2, says="unknown field {nope}", hint=", ".join(FIELDS))


def test_the_help_explains_each_field(vidindex):
    text = " ".join(vidindex("apply", "--help").out.split())

    for field, meaning in FIELDS.items():
        assert f"{{{field}}} {meaning}" in text


@pytest.fixture
def taken(vidindex, home):
    """The place of beach000.mp4, which has other content; and that of beach001.mp4, the same."""
    folder = home / "out" / f"cluster_{label_of('beach')}"
    folder.mkdir(parents=True)
    (folder / "beach000.mp4").write_text("mine")
    (folder / "beach001.mp4").write_bytes((home / "in/beach/beach001.mp4").read_bytes())
    return folder


@pytest.mark.parametrize(
    ("how", "code", "arrived", "left"),
    [
        ("rename", 0, ["beach000 (2).en.srt", "beach000 (2).mp4", "beach001 (2).mp4"], []),
        ("same", 0, ["beach000 (2).en.srt", "beach000 (2).mp4"], ["beach001.mp4"]),
        ("skip", 4, [], ["beach000.en.srt", "beach000.mp4", "beach001.mp4"]),
    ],
)
def test_a_taken_name(vidindex, home, taken, how, code, arrived, left):
    outcome = vidindex("apply", "out", "--on-conflict", how)

    assert outcome.code == code, outcome.err
    assert names_in(taken) == sorted([*arrived, "beach000.mp4", "beach001.mp4", ODD])
    assert (taken / "beach000.mp4").read_text() == "mine"
    assert names_in(home / "in/beach") == left
    assert ("1 file left: the same content is there already" in outcome.out) == (how == "same")


def test_a_taken_name_can_end_it_all_before_the_first_move(vidindex, home, taken):
    before = read_tree(home)

    outcome = vidindex("apply", "out", "--on-conflict", "fail")

    assert outcome.code == 3
    assert "beach00" in outcome.err
    assert {path: data for path, data in read_tree(home).items() if "library" not in path} == {
        path: data for path, data in before.items() if "library" not in path
    }


def test_sidecars_can_be_left(vidindex, home):
    outcome = vidindex("apply", "out", "--no-sidecars")

    assert "batch 1: 5 files moved; vidindex undo puts them back" in outcome.out
    assert names_in(home / "in/beach") == ["beach000.en.srt"]


def test_emptied_folders_are_removed_if_that_is_asked_for_and_come_back(vidindex, home, sources):
    (sources / "city/mine.txt").write_text("mine")
    (sources / "beach").chmod(0o750)
    before = read_tree(sources)

    outcome = vidindex("apply", "out", "--prune-empty")

    assert "moved, 1 sidecar went along, 1 emptied folder removed; vidindex undo" in outcome.out
    assert names_in(sources) == ["city"]
    vidindex("undo")
    assert_restored(before, read_tree(sources), home)
    assert (sources / "beach").stat().st_mode & 0o777 == 0o750


def test_the_folders_that_are_gone_are_named_in_json(vidindex, sources):
    answer = vidindex("apply", "out", "--prune-empty", "--json").data

    assert sorted(row["path"] for row in answer["pruned"]) == [
        *(str(folder) for folder in (sources, sources / "beach", sources / "city")),
    ]


def test_only_a_move_empties_folders(vidindex):
    outcome = vidindex("apply", "out", "--mode", "copy", "--prune-empty")

    assert_explained(outcome, 2, says="--prune-empty goes with --mode move", hint="leave one")


def test_a_destination_must_be_named(vidindex):
    assert_explained(vidindex("apply"), 2, says="not said where to", hint="vidindex apply DEST")


def test_a_dry_run_shows_the_tree_and_changes_nothing(vidindex, home):
    before = read_tree(home)
    beach, city = label_of("beach"), label_of("city")
    folders = {
        beach: [
            f"  cluster_{beach}  (3 files)",
            f"    beach000.mp4  <- {home}/in/beach/beach000.mp4",
            f"      beach000.en.srt  <- {home}/in/beach/beach000.en.srt",
            f"    beach001.mp4  <- {home}/in/beach/beach001.mp4",
            f"    caf\\xe9.mp4  <- {home}/in/beach/caf\\xe9.mp4",
        ],
        city: [
            f"  cluster_{city}  (2 files)",
            f"    city000.mp4  <- {home}/in/city/city000.mp4",
            f"    city001.mp4  <- {home}/in/city/city001.mp4",
        ],
    }

    outcome = vidindex("apply", "out", "--dry-run")

    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        f"{home}/out  (5 files)",
        *folders[0],
        *folders[1],
        "",
        "5 files would be moved, 1 sidecar would go along; nothing was changed",
    ]
    assert read_tree(home) == before


def test_a_long_folder_is_shown_whole_with_v(vidindex, home):
    many = named({"more": around(centers(2)[1], 30, seed=5)})
    add_videos(home / "library.db", many, home / "in/more", writes=True)
    vidindex("cluster", "-k", "1")

    cut, whole = (vidindex("apply", "out", "-n", *form).out for form in ([], ["-v"]))

    assert "    … and 15 more\n" in cut
    assert cut.count(" <- ") == 21
    assert whole.count(" <- ") == 36


@pytest.fixture
def other_disk(tmp_path):
    if not OTHER_DISK.is_dir() or OTHER_DISK.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    return OTHER_DISK


def test_a_dry_run_tells_what_is_copied_to_another_disk(vidindex, home, other_disk):
    target = other_disk / f"vidindex-test-{os.getpid()}"
    size = sum(len(data) for data in contents(home / "in").values())

    text = vidindex("apply", target, "--dry-run").out
    data = vidindex("apply", target, "--dry-run", "--json").data

    assert text.splitlines()[-1].startswith(f"{size} B to copy to /dev/shm, ")
    assert text.splitlines()[-1].endswith(" free")
    assert data["copied_bytes"] == size
    (room,) = data["room"]
    assert (room["path"], room["needed_bytes"]) == ("/dev/shm", size)
    assert room["free_bytes"] > 0
    assert vidindex("apply", "out", "--dry-run", "--json").data["copied_bytes"] == 0


def test_organize_takes_a_mode_and_a_template(vidindex, home):
    outcome = vidindex("organize", "in", "out", "-k", "2", "--template", "{nope}")

    assert_explained(outcome, 2, says="unknown field {nope}", hint="fields are")
    assert len(vidindex("runs", "--json").data["runs"]) == 1
