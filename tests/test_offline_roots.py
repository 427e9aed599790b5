"""Which folders are taken for absent disks, and what is then left alone."""

import sys
from dataclasses import replace

import pytest

from tests.decisions import ROOT, YESTERDAY, decide, row_of, stat_of
from vidindex.reconciling import FEWEST_OF_A_DISK, Reading
from vidindex.scanning import Skipped

LOCKED = Skipped(ROOT / "locked", "cannot read the folder: Permission denied", hides=True)


def rows(*names, first_inode=100):
    """The library's files of these names, all different."""
    return [
        row_of(name, id=inode, stat=stat_of(name, inode=inode))
        for inode, name in enumerate(names, start=first_inode)
    ]


def others(*names):
    """Files that the library does not know."""
    return [stat_of(name, inode=inode) for inode, name in enumerate(names, start=900)]


def renamed(row, name):
    return replace(row.stat, path=ROOT / name)


def read(*stats):
    return [Reading(stat, None) for stat in stats]


def test_a_root_without_any_video_is_offline_and_none_is_missing():
    known = rows("a.mp4", "b.mp4")

    assert decide([], known) == {"offline": [ROOT], "unconfirmed": known}


def test_a_single_file_is_enough_for_an_empty_root_to_be_offline():
    known = rows("a.mp4")

    assert decide([], known) == {"offline": [ROOT], "unconfirmed": known}


def test_a_root_that_holds_other_files_than_the_known_ones_is_offline_and_they_are_not_read():
    known, foreign = rows("a.mp4", "b.mp4"), others("c.mp4", "d.mp4")

    assert decide(foreign, known) == {
        "offline": [ROOT],
        "unconfirmed": known,
        "foreign": foreign,
    }


def test_a_single_known_file_may_have_been_replaced_by_another():
    known, new = rows("a.mp4"), others("b.mp4")
    assert len(known) < FEWEST_OF_A_DISK

    assert decide(new, known) == {"to_read": read(*new), "missing": known}


def test_one_file_that_is_at_its_place_shows_that_the_disk_is_there():
    known, new = rows("a.mp4", "b.mp4", "c.mp4"), others("d.mp4")

    assert decide([known[1].stat, *new], known) == {
        "unchanged": [known[1]],
        "to_read": read(*new),
        "missing": [known[0], known[2]],
    }


def test_one_file_that_is_at_its_place_with_another_content_is_enough():
    known = rows("a.mp4", "b.mp4", "c.mp4")
    edited = replace(known[0].stat, size_bytes=1)

    assert decide([edited], known) == {"to_read": read(edited), "missing": known[1:]}


def test_one_file_that_was_missing_and_is_back_is_enough():
    known = rows("a.mp4", "b.mp4", "c.mp4")
    back = replace(known[0], missing_since=YESTERDAY)

    decided = decide([back.stat], [back, *known[1:]])

    assert decided == {"unchanged": [back], "returned": [back], "missing": known[1:]}


def test_a_root_whose_top_folder_was_renamed_is_not_offline():
    known = rows("old/a.mp4", "old/b.mp4")
    moved = [renamed(known[0], "new/a.mp4"), renamed(known[1], "new/b.mp4")]

    assert decide(moved, known) == {"to_read": read(*moved), "missing": known}


def test_one_file_that_kept_its_identity_under_another_name_is_enough():
    known = rows("a.mp4", "b.mp4", "c.mp4")
    found = [renamed(known[2], "deep/z.mp4"), *others("d.mp4")]

    assert decide(found, known) == {"to_read": read(*found), "missing": known}


def test_a_renamed_file_is_known_although_its_device_has_another_number_since_a_reboot():
    known = rows("a.mp4", "b.mp4")
    found = replace(renamed(known[0], "z.mp4"), device=6)

    assert decide([found], known) == {"to_read": read(found), "missing": known}


@pytest.mark.parametrize("change", ["size_bytes", "mtime_ns", "inode"])
def test_a_file_of_another_disk_that_is_alike_in_part_is_no_renamed_one(change):
    known = rows("a.mp4", "b.mp4")
    alike = renamed(known[0], "z.mp4")
    alike = replace(alike, **{change: getattr(alike, change) + 1000})

    assert decide([alike], known)["offline"] == [ROOT]


def test_files_that_moved_to_another_root_leave_no_offline_one_behind():
    inbox, archive = ROOT / "inbox", ROOT / "archive"
    known = rows("inbox/a.mp4", "inbox/b.mp4")
    moved = renamed(known[0], "archive/a.mp4")

    decided = decide([moved], known, roots=[inbox, archive])

    assert decided == {"to_read": read(moved), "missing": known}


def test_a_file_that_is_there_but_was_not_looked_for_shows_that_the_disk_is_there(tmp_path):
    (tmp_path / "a.xyz").touch()
    known = [
        row_of("", id=number, stat=stat_of("", path=tmp_path / name, inode=number))
        for number, name in enumerate(["a.xyz", "b.mp4", "c.mp4"])
    ]

    assert decide([], known, roots=[tmp_path]) == {"missing": known[1:]}


def test_a_root_whose_files_were_missing_before_is_not_offline():
    known = [replace(row, missing_since=YESTERDAY) for row in rows("a.mp4", "b.mp4")]
    new = others("c.mp4")

    assert decide([], known) == {}
    assert decide(new, known) == {"to_read": read(*new)}


def test_the_other_roots_are_brought_up_to_date():
    here, there = rows("here/a.mp4"), rows("there/b.mp4", "there/c.mp4", first_inode=200)
    new, foreign = others("here/d.mp4"), others("there/e.mp4")

    decided = decide(
        [here[0].stat, *new, *foreign], here + there, roots=[ROOT / "here", ROOT / "there"]
    )

    assert decided == {
        "unchanged": here,
        "to_read": read(*new),
        "offline": [ROOT / "there"],
        "unconfirmed": there,
        "foreign": foreign,
    }


def test_a_mount_point_that_was_named_beside_the_folder_around_it_is_offline_by_itself():
    outer, inner = rows("a.mp4"), rows("usb/b.mp4", "usb/c.mp4", first_inode=200)

    decided = decide([outer[0].stat], outer + inner, roots=[ROOT, ROOT / "usb"])

    assert decided == {"unchanged": outer, "offline": [ROOT / "usb"], "unconfirmed": inner}


def test_a_root_that_was_named_twice_is_offline_once():
    assert decide([], rows("a.mp4"), roots=[ROOT, ROOT])["offline"] == [ROOT]


def test_a_file_that_was_named_and_is_gone_is_offline():
    known = rows("a.mp4")

    assert decide([], known, roots=[ROOT / "a.mp4"])["offline"] == [ROOT / "a.mp4"]


def test_a_root_that_cannot_be_read_is_not_taken_for_an_absent_disk():
    assert decide([], rows("a.mp4"), skipped=[replace(LOCKED, path=ROOT)]) == {}


def test_an_empty_root_beside_a_locked_folder_is_offline_for_what_was_not_in_there():
    known = rows("a.mp4", "locked/b.mp4")

    decided = decide([], known, skipped=[LOCKED])

    assert decided == {"offline": [ROOT], "unconfirmed": known[:1]}


@pytest.mark.parametrize("new", [[], others("c.mp4")], ids=["empty", "another disk"])
def test_that_the_files_are_gone_can_be_confirmed(new):
    known = rows("a.mp4", "b.mp4")

    decided = decide(new, known, confirm_missing=True)

    assert decided.pop("missing") == known
    assert decided == ({"to_read": read(*new)} if new else {})


def test_a_folder_whose_name_begins_alike_is_another_place():
    known = rows("disk/a.mp4", "disk/b.mp4")
    new = others("disk 2/c.mp4")

    decided = decide(new, known, roots=[ROOT / "disk", ROOT / "disk 2"])

    assert decided["offline"] == [ROOT / "disk"]
    assert decided["to_read"] == read(*new)


def count_calls(files, *, roots):
    """How many functions are called to decide on so many known files, all gone, in 3 folders."""
    names = [f"{number % 3}/{number}.mp4" for number in range(files)]
    known, new = rows(*names), others(*(f"new/{name}" for name in names))
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        decide(new, known, roots=[ROOT / root for root in roots(names)])
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize(
    "roots",
    [lambda _: ["0", "1", "2"], lambda names: names],
    ids=["three folders", "each file"],
)
def test_the_work_grows_with_the_number_of_files_and_no_faster(roots):
    few, many = (count_calls(files, roots=roots) for files in (300, 3000))

    assert many < 11 * few
