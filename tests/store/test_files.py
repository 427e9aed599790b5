from dataclasses import replace
from pathlib import Path

import pytest

from tests.databases import make
from tests.store.conftest import put_video
from vidindex.store import files
from vidindex.store.files import StoredFile

A, B = Path("/videos/a.mp4"), Path("/videos/b.mp4")


@pytest.fixture
def video(session):
    return put_video(session, 1)


def put(session, path, video_id, *, inode=1, checked_at_ns=5):
    files.put_file(session, make.stat(path, inode), video_id=video_id, checked_at_ns=checked_at_ns)


def paths(session, *arguments, **keywords):
    return [str(file.stat.path) for file in files.list_files(session, *arguments, **keywords)]


def test_a_file_is_listed_as_it_was_put(session, video):
    put(session, A, video)

    assert files.list_files(session) == [
        StoredFile(1, make.stat(A, 1), 5, video, b"\x01" * 32, None, None)
    ]


def test_files_are_sorted_by_the_bytes_of_their_paths(session, video):
    for inode, name in enumerate(("/b", "/a/z", "/B", "/a", "/\udcff", "/é")):
        put(session, Path(name), video, inode=inode)

    assert paths(session) == ["/B", "/a", "/a/z", "/b", "/é", "/\udcff"]


def test_the_files_of_a_folder_are_those_at_or_below_it(session, video):
    for inode, name in enumerate(
        ("/in", "/in/a", "/in/deep/b", "/in-two/c", "/in0", "/other/in/d")
    ):
        put(session, Path(name), video, inode=inode)

    assert paths(session, Path("/in")) == ["/in", "/in/a", "/in/deep/b"]
    assert len(paths(session, Path("/"))) == 6


def test_a_folder_is_no_pattern(session, video):
    for inode, name in enumerate(("/100%/a", "/100x/b", "/a_b/c", "/axb/d")):
        put(session, Path(name), video, inode=inode)

    assert paths(session, Path("/100%")) == ["/100%/a"]
    assert paths(session, Path("/a_b")) == ["/a_b/c"]


def test_the_files_of_one_content_are_listed(session, video):
    put(session, A, video)
    put(session, B, put_video(session, 2))

    assert paths(session, video_id=video) == [str(A)]


def test_a_file_is_found_by_its_path(session, video):
    put(session, A, video)
    put(session, A / "below", video)

    assert files.find_file(session, A).stat.path == A
    assert files.find_file(session, B) is None


def test_a_file_that_holds_another_content_now_is_the_same_row(session, video):
    put(session, A, video)
    other = put_video(session, 2)

    put(session, A, other, inode=7, checked_at_ns=9)

    assert files.list_files(session) == [
        StoredFile(1, make.stat(A, 7), 9, other, b"\x02" * 32, None, None)
    ]


def test_a_file_that_was_never_read_has_a_reason_and_no_content(session):
    files.put_unreadable(session, make.stat(A, 1), "permission denied", checked_at_ns=5)

    assert files.list_files(session) == [
        StoredFile(1, make.stat(A, 1), 5, None, None, None, "permission denied")
    ]


def test_a_file_that_cannot_be_read_any_more_keeps_its_content(session, video):
    put(session, A, video)

    files.put_unreadable(session, make.stat(A, 8), "input/output error", checked_at_ns=9)

    assert files.list_files(session) == [
        StoredFile(1, make.stat(A, 1), 5, video, b"\x01" * 32, None, "input/output error")
    ]


def test_a_file_that_is_read_again_is_neither_missing_nor_unreadable(session, video):
    files.put_unreadable(session, make.stat(A, 1), "permission denied", checked_at_ns=5)
    files.mark_missing(session, [1], since=make.NOON)

    put(session, A, video)

    file = files.find_file(session, A)
    assert (file.video_id, file.missing_since, file.read_error) == (video, None, None)


def test_a_missing_file_tells_since_when_and_keeps_its_content(session, video):
    put(session, A, video)
    put(session, B, video, inode=2)

    files.mark_missing(session, [1], since=make.NOON)

    gone, there = files.list_files(session)
    assert (gone.missing_since, gone.video_id) == (make.NOON, video)
    assert there.missing_since is None


def test_a_file_that_is_back_is_as_before(session, video):
    put(session, A, video)
    before = files.list_files(session)
    files.put_unreadable(session, make.stat(A, 1), "permission denied", checked_at_ns=6)
    files.mark_missing(session, [1], since=make.NOON)

    files.mark_present(session, [1])

    assert files.list_files(session) == before


def test_a_renamed_file_keeps_everything_else(session, video):
    put(session, A, video)
    before = files.find_file(session, A)

    files.rename_file(session, 1, B)

    assert files.list_files(session) == [replace(before, stat=make.stat(B, 1))]


def test_a_moved_file_takes_its_row_along(session, video):
    put(session, A, video)

    files.follow_move(session, A, make.stat(B, 7))

    assert files.list_files(session) == [
        StoredFile(1, make.stat(B, 7), 5, video, b"\x01" * 32, None, None)
    ]


def test_a_moved_file_replaces_the_row_of_what_was_at_its_target(session, video):
    put(session, A, video)
    put(session, B, put_video(session, 2), inode=2)
    files.mark_missing(session, [2], since=make.NOON)

    files.follow_move(session, A, make.stat(B, 1))

    (file,) = files.list_files(session)
    assert (file.id, file.stat.path, file.video_id) == (1, B, video)


def test_a_moved_file_that_is_not_known_changes_nothing(session, video):
    put(session, B, video)
    before = files.list_files(session)

    files.follow_move(session, A, make.stat(B, 7))

    assert files.list_files(session) == before


def test_files_are_counted_by_how_they_are(session, video):
    assert files.count_files(session) == (0, 0, 0)
    for inode, name in enumerate("abcdef", start=1):
        put(session, Path("/", name), video, inode=inode)
    for inode in (4, 5):
        files.put_unreadable(
            session, make.stat(Path("/", "abcdef"[inode - 1]), inode), "barred", checked_at_ns=5
        )
    files.mark_missing(session, [5, 6], since=make.NOON)

    assert files.count_files(session) == (3, 2, 1)
