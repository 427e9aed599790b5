"""The tree that a dry run shows: exact, in order, and harmless whatever the names."""

import os
import time
from pathlib import Path

import pytest

from tests.cli.test_hostile_names import NAMES, UNSAFE
from vidindex.cli.plan_tree import render
from vidindex.grounds import Room
from vidindex.moving import MoveOutcome, MoveResult

OUT = Path("/sorted")


def coming(target, source="/in", state="planned", **fields):
    target = OUT / target
    source = Path(source) / target.name if source == "/in" else Path(source)
    return MoveOutcome(source, target, state, **fields)


def result_of(*outcomes, **fields):
    defaults = {"in_place": 0, "was_stopped": False, "destination": OUT}
    return MoveResult(None, outcomes, (), **(defaults | fields))


def test_folders_with_counts_files_with_their_sources_and_sidecars_below_them():
    result = result_of(
        coming("cluster_10/z.mp4"),
        coming("cluster_9/clip 10.mp4"),
        coming("cluster_9/clip 9.mp4", "/in/deep/other.mp4"),
        coming("cluster_9/clip 9.srt", "/in/deep/other.srt", is_sidecar=True),
        coming("cluster_9/clip 9.nfo", "/in/deep/other.nfo", is_sidecar=True),
        coming("unsorted.mp4"),
        coming("cluster_9/2024/x (2).mp4", "/in/x.mp4"),
    )

    assert render(result) == (
        "/sorted  (5 files)\n"
        "  unsorted.mp4  <- /in/unsorted.mp4\n"
        "  cluster_9  (3 files)\n"
        "    clip 9.mp4  <- /in/deep/other.mp4\n"
        "      clip 9.srt  <- /in/deep/other.srt\n"
        "      clip 9.nfo  <- /in/deep/other.nfo\n"
        "    clip 10.mp4  <- /in/clip 10.mp4\n"
        "    2024  (1 file)\n"
        "      x (2).mp4  <- /in/x.mp4\n"
        "  cluster_10  (1 file)\n"
        "    z.mp4  <- /in/z.mp4\n"
        "\n"
        "5 files would be moved, 2 sidecars would go along; nothing was changed"
    )


def test_sidecars_of_videos_that_are_there_already_stand_for_themselves():
    result = result_of(
        coming("a.srt", is_sidecar=True, action="copy"),
        coming("b.srt", is_sidecar=True, action="copy"),
        mode="copy",
    )

    assert render(result) == (
        "/sorted  (2 files)\n"
        "  a.srt  <- /in/a.srt\n"
        "  b.srt  <- /in/b.srt\n"
        "\n"
        "0 files would be copied, 2 sidecars would go along; nothing was changed"
    )


def test_links_of_a_view_that_go():
    gone = MoveOutcome(OUT / "old/a.mp4", Path("/in/a.mp4"), "planned", "unlink")

    text = render(
        result_of(gone, coming("new/a.mp4", action="symlink"), mode="symlink"),
    )

    assert text == (
        "/sorted  (1 file)\n"
        "  new  (1 file)\n"
        "    a.mp4  <- /in/a.mp4\n"
        "  old  (0 files)\n"
        "    a.mp4  removed, a link to /in/a.mp4\n"
        "\n"
        "1 link would be made, 1 old link would be removed; nothing was changed"
    )


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("move", "1 file would be moved"),
        ("copy", "1 file would be copied"),
        ("hardlink", "1 hard link would be made"),
        ("symlink", "1 link would be made"),
        ("reflink", "1 file would be cloned"),
        ("reflink-auto", "1 file would be cloned or copied"),
    ],
)
def test_it_says_what_would_be_done(mode, says):
    assert render(result_of(coming("a.mp4"), mode=mode)).endswith(
        f"\n\n{says}; nothing was changed"
    )


def test_the_bytes_to_be_copied_and_the_room_there():
    room = (
        Room(Path("/mnt/b"), 1_400_000_000, 20_100_000_000),
        Room(Path("/mnt/\x1bc"), 999, 1000),
        Room(Path("/here"), 0, 5_000_000_000),
    )

    lines = render(result_of(coming("a.mp4"), room=room)).splitlines()

    assert lines[-2:] == [
        "1.4 GB to copy to /mnt/b, 20.1 GB free",
        "999 B to copy to /mnt/\\x1bc, 1.0 kB free",
    ]


def test_a_long_folder_is_cut_unless_all_is_wanted():
    many = [coming(f"cluster_0/{number}.mp4") for number in range(332)]
    along = coming("cluster_0/0.srt", is_sidecar=True)
    result = result_of(many[0], along, *many[1:], coming("cluster_1/x.mp4"))

    cut, whole = render(result).splitlines(), render(result, is_whole=True).splitlines()

    assert cut[1:4] == [
        "  cluster_0  (332 files)",
        "    0.mp4  <- /in/0.mp4",
        "      0.srt  <- /in/0.srt",
    ]
    assert cut[22:25] == [
        "    19.mp4  <- /in/19.mp4",
        "    … and 312 more",
        "  cluster_1  (1 file)",
    ]
    assert sum(" <- " in line for line in whole) == 334
    assert not any("more" in line for line in whole)


def test_no_plan_has_no_tree():
    assert render(result_of()) == "0 files would be moved; nothing was changed"


def test_no_name_reaches_the_terminal_as_it_is():
    folder = os.fsdecode(NAMES["escape"])
    outcomes = [
        coming(f"{folder}{number}/{os.fsdecode(name)}", f"/in\x1b/{number}")
        for number, name in enumerate(NAMES.values())
    ]
    moved_along = [coming(f"{folder}0/\u202e.srt", "/in/\x07", is_sidecar=True)]

    text = render(result_of(*outcomes, *moved_along, destination=OUT))

    assert not UNSAFE.search(text)
    assert text.encode()
    assert len(text.splitlines()) == 1 + 2 * len(NAMES) + 1 + 2
    assert "caf\\xe9 \\xff.mp4" in text


def test_a_path_of_a_thousand_folders_is_shown():
    text = render(result_of(coming("a/" * 1500 + "x.mp4")))

    assert text.splitlines()[1500].startswith(" " * 3000 + "a  (1 file)")


def test_ten_thousand_files_are_shown_at_once():
    many = [coming(f"cluster_{number % 40}/{number}.mp4") for number in range(10_000)]
    result = result_of(*many)

    started = time.process_time()  # other programs may take their time
    lines = render(result).splitlines()
    took_s = time.process_time() - started

    assert len(lines) == 1 + 40 * 22 + 2
    assert took_s < 2
