import os
import tempfile
from pathlib import Path

import pytest

from vidindex.scanning import FileStat, Skipped, scan

MP4 = frozenset({".mp4"})
NOBODY = 65534


def found(roots, suffixes=MP4, **keywords):
    return [
        entry.path for entry in scan(roots, suffixes, **keywords) if isinstance(entry, FileStat)
    ]


def skipped(roots):
    return [entry for entry in scan(roots, MP4) if isinstance(entry, Skipped)]


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_files_are_found_by_suffix_in_all_depths_whatever_the_case(tmp_path):
    wanted = [touch(tmp_path / "a.mp4"), touch(tmp_path / "b.MP4"), touch(tmp_path / "d/e/c.mp4")]
    touch(tmp_path / "a.txt")
    touch(tmp_path / "mp4")

    assert found([tmp_path]) == wanted


def test_a_file_that_is_named_is_taken_whatever_its_suffix(tmp_path):
    assert found([touch(tmp_path / "a.dat")]) == [tmp_path / "a.dat"]


def test_overlapping_roots_yield_each_file_once(tmp_path):
    file = touch(tmp_path / "a/b/c.mp4")

    assert found([tmp_path, tmp_path / "a", tmp_path / "a/b", file, file]) == [file]


def test_a_folder_named_like_a_video_is_walked(tmp_path):
    assert found([touch(tmp_path / "x.mp4/y.mp4").parent.parent]) == [tmp_path / "x.mp4/y.mp4"]


def test_links_to_files_and_folders_are_passed_over_and_named(tmp_path):
    touch(tmp_path / "real/a.mp4")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "b.mp4").symlink_to(tmp_path / "real/a.mp4")

    assert found([tmp_path]) == [tmp_path / "real/a.mp4"]
    assert {(entry.path.name, entry.hides) for entry in skipped([tmp_path])} == {
        ("loop", False),
        ("b.mp4", False),
    }


def test_a_pipe_named_like_a_video_is_passed_over(tmp_path):
    os.mkfifo(tmp_path / "a.mp4")

    (entry,) = skipped([tmp_path])

    assert entry.reason == "not a regular file"


def test_names_that_are_not_utf8_are_found(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff\xfe'\n\".mp4")
    touch(path)

    assert found([tmp_path]) == [path]


def test_unfinished_copies_of_ours_are_not_videos(tmp_path):
    touch(tmp_path / ".vidindex-12.part")
    touch(tmp_path / ".vidindex-x.mp4")

    assert found([tmp_path]) == []


def test_excluded_files_are_not_videos(tmp_path):
    library = touch(tmp_path / "library.mp4")

    assert found([tmp_path], excluded=frozenset({library})) == []


def test_a_folder_deeper_than_python_recurses_is_walked(tmp_path):
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(300):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(os.open("a.mp4", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    finally:
        os.close(here)

    assert len(found([tmp_path])) == 1


@pytest.fixture
def open_folder():
    """A folder that every user can reach, seen by a user who is not root."""
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        if user == 0:
            os.seteuid(NOBODY)
        try:
            yield Path(folder)
        finally:
            os.seteuid(user)


def test_a_folder_that_cannot_be_read_hides_what_is_below(open_folder):
    touch(open_folder / "locked/a.mp4")
    (open_folder / "locked").chmod(0)

    entries = skipped([open_folder])

    (open_folder / "locked").chmod(0o700)
    assert [(entry.path, entry.hides) for entry in entries] == [(open_folder / "locked", True)]
