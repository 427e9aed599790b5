"""A disk that is not mounted, or another one in its place: nothing is marked, nothing is read."""

import pytest

from tests.cli.running import assert_explained


@pytest.fixture
def disk(vidindex, home, put):
    """disk/ with three videos that the library knows."""
    for clip in "abc":
        put(clip, home / f"disk/{clip}.mp4")
    assert vidindex("index", home / "disk").code == 0
    return home / "disk"


@pytest.fixture
def unplugged(disk, home):
    """The same folder, empty, as a mount point without its disk."""
    disk.rename(home / "shelf")
    disk.mkdir()
    return disk


@pytest.fixture
def swapped(unplugged, put):
    """The same folder with another disk's files."""
    put("d", unplugged / "d.mp4")
    put("e", unplugged / "e.mp4")
    return unplugged


def library_bytes(home):
    return (home / "library.db").read_bytes()


def file_counts(vidindex):
    return vidindex("status", "--json").data["files"]


def test_an_empty_mount_point_is_refused_and_nothing_is_changed(vidindex, home, unplugged):
    before = library_bytes(home)

    outcome = vidindex("index", unplugged)

    assert_explained(
        outcome, 3, says=f"3 .*files .*{unplugged}.* are gone", hint="mounted.*--confirm-missing"
    )
    assert library_bytes(home) == before


def test_another_disk_in_its_place_is_refused_and_its_files_are_not_read(vidindex, home, swapped):
    before = library_bytes(home)

    outcome = vidindex("index", swapped)

    assert_explained(
        outcome, 3, says=f"3 .*files .*{swapped}.* are gone", hint="mounted.*--confirm-missing"
    )
    assert library_bytes(home) == before


def test_another_disk_holds_up_no_other_folder(vidindex, home, put, swapped):
    put("f", home / "here/f.mp4")

    outcome = vidindex("index", swapped, home / "here", "--json")

    assert (outcome.code, outcome.data["indexed"], outcome.data["missing"]) == (4, 1, 0)
    (error,) = outcome.answer["errors"]
    assert (error["code"], error["path"]) == ("offline", str(swapped))
    assert file_counts(vidindex) == {"present": 4, "missing": 0, "unreadable": 0}


def test_that_the_files_were_taken_away_can_be_confirmed(vidindex, swapped):
    outcome = vidindex("index", swapped, "--confirm-missing", "--json")

    assert (outcome.code, outcome.data["indexed"], outcome.data["missing"]) == (0, 2, 3)


def test_the_right_disk_comes_back_as_if_nothing_had_been(vidindex, home, swapped):
    vidindex("index", swapped)
    swapped.rename(home / "other disk")
    (home / "shelf").rename(swapped)

    counts = vidindex("index", swapped, "--json").data

    assert (counts["unchanged"], counts["relinked"], counts["indexed"]) == (3, 0, 0)


def test_a_disk_whose_folders_were_all_renamed_is_the_same_disk(vidindex, home, disk):
    (disk / "sorted/by hand").mkdir(parents=True)
    for name in "abc":
        (disk / f"{name}.mp4").rename(disk / f"sorted/by hand/{name} 2.mp4")

    outcome = vidindex("index", disk, "--json")

    assert (outcome.code, outcome.data["relinked"], outcome.data["missing"]) == (0, 3, 0)
    assert file_counts(vidindex) == {"present": 3, "missing": 0, "unreadable": 0}


def test_a_folder_that_cannot_be_read_is_named_and_its_files_stay(process, vidindex, disk):
    disk.chmod(0)
    try:
        outcome = process("index", disk, "--json", obeys_rights=True)
    finally:
        disk.chmod(0o755)

    assert outcome.code == 4
    assert [error["code"] for error in outcome.answer["errors"]] == ["unreadable"]
    assert file_counts(vidindex) == {"present": 3, "missing": 0, "unreadable": 0}


def test_a_file_that_cannot_be_read_is_named_and_keeps_its_vector(process, vidindex, put, disk):
    """It was touched, so it must be read again."""
    put("d", disk / "a.mp4").chmod(0)

    outcome = process("index", disk, "--json", obeys_rights=True)

    assert outcome.code == 4
    assert [error["path"] for error in outcome.answer["errors"]] == [str(disk / "a.mp4")]
    assert file_counts(vidindex) == {"present": 2, "missing": 0, "unreadable": 1}
    assert vidindex("cluster", "-k", "3").code == 0
