"""Duplicates of a library whose vectors, durations and files are known."""

import os
import shutil
import sqlite3
from contextlib import closing

import cv2
import numpy as np
import pytest

from tests.clips import picture
from tests.generated import add_videos, around, centers, named, put_copy
from vidindex import Library, Settings
from vidindex.errors import Refused, UsageError

SAME = 1e-4


def version_of(vector, seed=0):
    """A vector that differs as one of the same video in another size may."""
    noise = np.random.default_rng(seed).normal(0, SAME, vector.shape)
    return (vector + noise).astype(np.float32)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """120 unlike videos, all of 10 s, and a version of the first two, without thumbnails."""
    folder = tmp_path_factory.mktemp("prepared")
    points = around(centers(1)[0], 120)
    vectors = named({"clip": points, "copy": [version_of(points[0]), version_of(points[1])]})
    add_videos(folder / "library.db", vectors, folder / "in", writes=True)
    return folder


@pytest.fixture
def library(prepared, tmp_path):
    """A copy of the prepared library, its own for each test; the files are those of all."""
    shutil.copyfile(prepared / "library.db", tmp_path / "library.db")
    return Library(tmp_path / "library.db", Settings())


def change(library, statement, *values):
    with closing(sqlite3.connect(library.path)) as database, database:
        assert database.execute(statement, values).rowcount != 0


def set_video(library, name, **columns):
    for column, value in columns.items():
        change(
            library,
            f"UPDATE videos SET {column} = ? WHERE id = (SELECT video_id FROM files "
            "WHERE CAST(path AS TEXT) LIKE ?)",
            value,
            f"%/{name}.mp4",
        )


def set_picture(library, name, number):
    _, jpeg = cv2.imencode(".jpg", picture(number))
    change(
        library,
        "INSERT INTO thumbnails SELECT video_id, 0, 0, 160, 120, ? FROM files "
        "WHERE CAST(path AS TEXT) LIKE ?",
        jpeg.tobytes(),
        f"%/{name}.mp4",
    )


def groups(library, **keywords):
    return [
        (group.kind, [file.path.stem for file in group.files])
        for group in library.duplicates(**keywords).groups
    ]


BOTH = [("near", ["clip000", "copy000"]), ("near", ["clip001", "copy001"])]


def test_versions_of_close_duration_are_near_and_others_are_not(library):
    answer = library.duplicates()

    assert groups(library) == BOTH
    assert [file.cosine == 1 for file in answer.groups[0].files] == [True, False]
    assert answer.groups[0].files[1].cosine == pytest.approx(1, abs=1e-6)
    assert answer.unpictured == 122


def test_another_duration_is_another_video(library):
    set_video(library, "copy000", duration_s=10.4)

    assert groups(library) == BOTH[1:]


def test_a_video_of_unknown_duration_is_counted_and_in_no_near_group(library):
    set_video(library, "copy000", duration_s=None)

    assert groups(library) == BOTH[1:]
    assert library.duplicates().unclear == 1


def test_pictures_that_differ_tell_like_vectors_apart(library):
    set_picture(library, "clip000", 1)
    set_picture(library, "copy000", 2)

    assert groups(library) == BOTH[1:]


def test_pictures_that_agree_let_vectors_be_less_alike(library, prepared):
    """A version in a small size: too unlike to be one by its vector alone."""
    points = around(centers(1)[0], 120)
    add_videos(
        library.path,
        named({"tiny": [points[7] + 0.3 * (points[8] - points[7])]}),
        prepared / "in",
        writes=True,
    )
    assert groups(library) == BOTH
    set_picture(library, "tiny000", 5)
    set_picture(library, "clip007", 5)

    assert {"clip007", "tiny000"} in [set(names) for _, names in groups(library)]
    assert len(groups(library)) == 3


def test_the_least_cosine_takes_the_place_of_the_library_s_own(library):
    assert groups(library, least=1.0) == []
    assert groups(library, least=0.9999) == BOTH
    assert len(groups(library, least=0.5)[0][1]) > 10
    with pytest.raises(UsageError, match="from -1 to 1"):
        library.duplicates(least=1.1)


def test_in_a_small_library_pictures_alone_tell(tmp_path):
    """Two versions of one video, and nothing else: how far apart videos are is not known."""
    small = Library(tmp_path / "library.db", Settings())
    point = centers(1)[0]
    add_videos(small.path, named({"a": [point], "b": [version_of(point)]}), tmp_path, writes=True)
    assert groups(small) == []
    for name in ("a000", "b000"):
        set_picture(small, name, 3)

    assert groups(small) == [("near", ["a000", "b000"])]


def test_the_best_has_most_pixels_and_the_lesser_ones_bytes_are_counted(library):
    set_video(library, "copy000", width_px=1920, height_px=1080)

    (group,) = [
        group
        for group in library.duplicates().groups
        if "copy000" in {file.path.stem for file in group.files}
    ]

    assert [file.path.stem for file in group.files] == ["copy000", "clip000"]
    assert group.saveable_bytes == group.files[1].size_bytes


def test_distinct_videos_are_never_in_one_group(library, prepared):
    first, second = (prepared / f"in/{name}.mp4" for name in ("clip000", "copy000"))

    pair = library.set_distinct(first, second)
    library.set_distinct(second, first)

    assert [video.path for video in pair] == [first, second]
    assert groups(library) == BOTH[1:]
    assert [[v.path for v in each] for each in library.wishes().distinct] == [[first, second]]
    library.unset_distinct(pair[0].video_id, pair[1].blake3.hex()[:10])
    assert groups(library) == BOTH
    with pytest.raises(Refused, match="not noted as distinct"):
        library.unset_distinct(first, second)
    with pytest.raises(UsageError, match="one content"):
        library.set_distinct(first, first)
    with pytest.raises(Refused, match="no video 4000"):
        library.set_distinct(4000, first)


@pytest.fixture
def with_copies(library, tmp_path):
    """Its own folder with a file, a copy of it and a hard link of that."""
    add_videos(library.path, {"one.mp4": centers(2)[1]}, tmp_path / "own", writes=True)
    put_copy(library.path, tmp_path / "own/one.mp4", tmp_path / "own/two.mp4")
    return library


def test_files_of_one_content_are_exact_the_oldest_is_the_best(with_copies, tmp_path):
    kind, names = groups(with_copies, exact_only=True)[0]

    assert (kind, names) == ("exact", ["one", "two"])
    answer = with_copies.duplicates(exact_only=True)
    assert answer.saveable_bytes == (tmp_path / "own/one.mp4").stat().st_size
    assert answer.recipe is None


def test_hard_links_are_told_and_save_nothing(library, tmp_path):
    add_videos(library.path, {"one.mp4": centers(2)[1]}, tmp_path / "own", writes=True)
    put_link = tmp_path / "own/link.mp4"
    put_link.hardlink_to(tmp_path / "own/one.mp4")
    row = "SELECT video_id, size_bytes, mtime_ns, device, inode, checked_at_ns FROM files"
    change(
        library,
        "INSERT INTO files (path, video_id, size_bytes, mtime_ns, device, inode, checked_at_ns) "
        f"SELECT ?, * FROM ({row} WHERE CAST(path AS TEXT) LIKE '%/own/one.mp4')",
        os.fsencode(put_link),
    )

    answer = library.duplicates(exact_only=True)

    assert [file.path.stem for file in answer.groups[0].files] == ["link", "one"]
    assert answer.saveable_bytes == 0


def test_only_files_within_a_folder_are_compared(with_copies, tmp_path, prepared):
    assert groups(with_copies, within=tmp_path / "own") == [("exact", ["one", "two"])]
    assert groups(with_copies, within=prepared / "in") == BOTH
    assert len(groups(with_copies)) == 3


def test_a_missing_file_is_no_copy(with_copies):
    change(
        with_copies,
        "UPDATE files SET missing_since = '2026-01-01 00:00:00' WHERE CAST(path AS TEXT) "
        "LIKE '%/own/two.mp4'",
    )

    assert groups(with_copies, exact_only=True) == []


def test_lesser_copies_are_listed_only_while_the_best_is_there(with_copies, tmp_path):
    answer = with_copies.duplicates(exact_only=True)
    assert with_copies.lesser_copies(answer) == ([tmp_path / "own/two.mp4"], [])

    (tmp_path / "own/one.mp4").unlink()
    lesser, (problem,) = with_copies.lesser_copies(answer)

    assert lesser == []
    assert problem.path == tmp_path / "own/one.mp4"


def test_a_lesser_copy_that_was_changed_is_not_listed(with_copies, tmp_path):
    answer = with_copies.duplicates(exact_only=True)
    (tmp_path / "own/two.mp4").write_bytes(b"something new")

    lesser, (problem,) = with_copies.lesser_copies(answer)

    assert lesser == []
    assert problem.path == tmp_path / "own/two.mp4"


def test_a_damaged_vector_is_counted_and_stops_nothing(library):
    damaged = np.full(2048, np.nan, np.float32).tobytes()
    change(
        library,
        "UPDATE embeddings SET vector = ? WHERE video_id = (SELECT video_id FROM files WHERE "
        "CAST(path AS TEXT) LIKE '%/copy000.mp4')",
        damaged,
    )

    assert groups(library) == BOTH[1:]
    assert library.duplicates().unclear == 1
