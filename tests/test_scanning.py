import os
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from vidindex.scanning import FileStat, Followed, Skipped, scan

MP4 = frozenset({".mp4"})
NOBODY = 65534


def found(roots, suffixes=MP4, **keywords):
    return [
        entry.path for entry in scan(roots, suffixes, **keywords) if isinstance(entry, FileStat)
    ]


def skipped(roots, **keywords):
    return [entry for entry in scan(roots, MP4, **keywords) if isinstance(entry, Skipped)]


def followed(roots):
    entries = scan(roots, MP4, follows_links=True)
    return [(entry.path, entry.target) for entry in entries if isinstance(entry, Followed)]


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


def test_a_link_to_something_else_is_passed_over_in_silence(tmp_path):
    (tmp_path / "notes.txt").symlink_to(touch(tmp_path / "real/notes.txt"))
    (tmp_path / "lock").symlink_to("nobody@nowhere:1234")

    assert skipped([tmp_path]) == []
    assert skipped([tmp_path], follows_links=True) == []


def test_a_folder_reached_by_a_link_that_is_followed_is_scanned_where_it_really_is(tmp_path):
    file = touch(tmp_path / "disk/deep/a.mp4")
    link = tmp_path / "library/link"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "disk")

    assert found([tmp_path / "library"], follows_links=True) == [file]
    assert followed([tmp_path / "library"]) == [(link, tmp_path / "disk")]


@pytest.mark.parametrize(
    ("link", "target"),
    [("a.mp4", "real/blob-17"), ("movie", "real/a.mp4"), ("a.MP4", "real/a.mp4")],
)
def test_a_file_reached_by_a_link_that_is_followed_counts_if_either_name_is_a_videos(
    tmp_path, link, target
):
    file = touch(tmp_path / target)
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / link).symlink_to(file)

    assert found([tmp_path / "library"], follows_links=True) == [file]


def test_a_link_to_a_file_that_is_no_video_is_not_followed(tmp_path):
    (tmp_path / "library").mkdir()
    (tmp_path / "library/notes.txt").symlink_to(touch(tmp_path / "notes.txt"))

    assert list(scan([tmp_path / "library"], MP4, follows_links=True)) == []


def test_however_often_links_lead_to_a_file_it_is_found_once(tmp_path):
    library = tmp_path / "library"
    files = [touch(library / "a.mp4"), touch(library / "deep/b.mp4"), touch(tmp_path / "out/c.mp4")]
    for name, target in {
        "loop": library,
        "parent": tmp_path,
        "first": tmp_path / "out",
        "second": tmp_path / "out",
        "chain": library / "first",
        "file.mp4": tmp_path / "out/c.mp4",
        "same.mp4": library / "a.mp4",
        "deep/back": library / "deep",
    }.items():
        (library / name).symlink_to(target)

    assert sorted(found([library], follows_links=True)) == files
    assert sorted(found([library, library / "deep", tmp_path], follows_links=True)) == files


def test_a_link_into_what_is_scanned_anyway_is_no_further_root(tmp_path):
    touch(tmp_path / "z/a.mp4")
    (tmp_path / "a link").symlink_to(tmp_path / "z")

    assert followed([tmp_path]) == []


@pytest.mark.parametrize("target", ["nowhere", "b.mp4"], ids=["dangling", "circle"])
def test_a_link_that_leads_nowhere_is_named(tmp_path, target):
    (tmp_path / "a.mp4").symlink_to(tmp_path / target)
    (tmp_path / "b.mp4").symlink_to(tmp_path / "a.mp4")

    entries = skipped([tmp_path], follows_links=True)

    assert [(entry.path.name, entry.hides) for entry in entries] == [
        ("a.mp4", False),
        ("b.mp4", False),
    ]
    assert all(entry.reason.startswith("cannot follow the link: ") for entry in entries)


def test_the_library_is_no_video_by_way_of_a_link_either(tmp_path):
    library = touch(tmp_path / "library.mp4")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link.mp4").symlink_to(library)

    assert found([tmp_path / "in"], excluded=frozenset({library}), follows_links=True) == []


def test_a_socket_named_like_a_video_is_passed_over(tmp_path):
    os.mknod(tmp_path / "a.mp4", stat.S_IFSOCK | 0o600)

    (entry,) = skipped([tmp_path])

    assert (entry.path, entry.reason) == (tmp_path / "a.mp4", "not a regular file")


def test_a_device_is_passed_over():
    (entry,) = skipped([Path("/dev/null")])

    assert entry.reason == "not a regular file"


def test_a_root_that_is_not_there_yields_nothing(tmp_path):
    assert list(scan([tmp_path / "absent"], MP4)) == []


def test_a_folder_whose_place_a_link_takes_after_it_was_listed_is_not_walked(tmp_path):
    """Both folders are listed before either is walked; b is swapped when a's file is told."""
    touch(tmp_path / "library/a/1.mp4")
    touch(tmp_path / "library/b/2.mp4")
    touch(tmp_path / "other/3.mp4")
    names = []

    for entry in scan([tmp_path / "library"], MP4):
        names.append(entry.path.name)
        if entry.path.name == "1.mp4":
            (tmp_path / "library/b").rename(tmp_path / "away")
            (tmp_path / "library/b").symlink_to(tmp_path / "other")

    assert names == ["1.mp4"]


def test_two_hard_links_are_two_files(tmp_path):
    first = touch(tmp_path / "a.mp4")
    (tmp_path / "b.mp4").hardlink_to(first)

    one, other = scan([tmp_path], MP4)

    assert (one.path.name, other.path.name) == ("a.mp4", "b.mp4")
    assert one.inode == other.inode


def test_no_file_is_opened(tmp_path):
    for name in ("a.mp4", "deep/b.mp4", "c.txt"):
        touch(tmp_path / name)
    watched = [os.fspath(tmp_path)]
    opened = []

    def note(event, arguments):
        if event == "open" and watched and str(arguments[0]).startswith(watched[0]):
            opened.append(Path(arguments[0]))

    sys.addaudithook(note)  # there is no way to take it away again
    entries = list(scan([tmp_path], MP4))
    watched.clear()

    assert len(entries) == 2
    assert opened == [tmp_path, tmp_path / "deep"]


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


def test_a_link_into_a_folder_that_cannot_be_entered_is_an_obstacle(open_folder):
    touch(open_folder / "locked/a.mp4")
    (open_folder / "in").mkdir()
    (open_folder / "in/b.mp4").symlink_to(open_folder / "locked/a.mp4")
    (open_folder / "locked").chmod(0)

    entries = skipped([open_folder / "in"], follows_links=True)

    (open_folder / "locked").chmod(0o700)
    assert [(entry.path.name, entry.hides) for entry in entries] == [("b.mp4", True)]
