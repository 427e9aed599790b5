"""Thumbnails in the library: stored with the vector, or added later without the network."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
import threading

import cv2
import numpy as np
import pytest

from tests import clips, stub
from tests.databases import make
from vidindex import Library, Settings
from vidindex.db.engine import Database
from vidindex.decoders import Decoders
from vidindex.errors import MediaError, UsageError
from vidindex.scanning import FileStat
from vidindex.store import thumbnails

BARE = Settings(weights="untrained", thumbnails=0)


def places(library):
    """Return video, position and time of all stored thumbnails."""
    with Database(library.path) as database, database.reading() as session:
        return [
            (place.video_id, place.position, place.time_s)
            for place in thumbnails.list_places(session)
        ]


def pictures(library):
    """Return the pixels of all stored thumbnails by video and position."""
    with Database(library.path) as database, database.reading() as session:
        return {
            (place.video_id, place.position): cv2.imdecode(
                np.frombuffer(
                    thumbnails.find_jpeg(session, place.video_id, place.position), np.uint8
                ),
                cv2.IMREAD_COLOR_RGB,
            )
            for place in thumbnails.list_places(session)
        }


@pytest.fixture
def bare(library, index, put, tmp_path):
    """A library with the vectors of in/a.mp4, in/b.mp4 and no thumbnails; opened for some."""
    put("a", tmp_path / "in/a.mp4")
    put("b", tmp_path / "in/b.mp4")
    index(tmp_path / "in", into=Library(library.path, BARE))
    assert places(library) == []
    return library


class Reader:
    """A FrameReader that counts the files that it is given, and may do something first."""

    def __init__(self, decoders, before=lambda _: None):
        self._decoders = decoders
        self._before = before
        self.paths = []

    def __call__(self, path, sampling):
        self.paths.append(path)
        self._before(path)
        return self._decoders(path, sampling)


@pytest.fixture
def decoders():
    with Decoders(thumbnails=9) as decoders:
        yield decoders


def test_index_stores_a_thumbnail_of_a_video_of_one_sample(library, index, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")
    put("a", tmp_path / "in/copy.mp4")

    index(tmp_path / "in")

    assert places(library) == [(1, 0, 0.0)]
    assert pictures(library)[1, 0].shape == (120, 160, 3)


def test_index_stores_as_many_thumbnails_as_are_wanted(index, tmp_path):
    clips.make_slow(tmp_path / "clip.mp4", 12)
    library = Library(tmp_path / "l.db", Settings(weights="untrained", interval_s=1, thumbnails=4))

    index(tmp_path / "clip.mp4", into=library)

    assert places(library) == [(1, 0, 1.0), (1, 1, 4.0), (1, 2, 7.0), (1, 3, 10.0)]


def test_a_video_that_cannot_be_decoded_gets_none(library, index, tmp_path):
    (tmp_path / "text.mp4").write_text("hello")

    assert index(tmp_path / "text.mp4").failed == 1

    assert places(library) == []
    assert library.status().unpictured == 0


def test_vectors_are_the_same_to_the_bit_with_and_without(bare, index, tmp_path):
    other = Library(tmp_path / "other.db", Settings(weights="untrained"))
    index(tmp_path / "in", into=other)

    assert len(places(other)) == 2
    assert other.vectors().hashes == bare.vectors().hashes
    assert other.vectors().vectors.tobytes() == bare.vectors().vectors.tobytes()


def test_thumbnails_are_added_later_without_the_network(bare, index, source, recorder, tmp_path):
    vectors = bare.vectors().vectors.tobytes()
    loads = source.loads
    assert bare.status().unpictured == 2

    result = index(tmp_path / "in", add_thumbnails=True, reporter=recorder)

    assert (result.pictured, result.unchanged, result.indexed) == (2, 2, 0)
    assert ("making thumbnails", 2) in recorder.started
    assert recorder.steps == 2
    assert source.loads == loads
    assert bare.vectors().vectors.tobytes() == vectors
    assert bare.status().unpictured == 0
    assert {shape.shape for shape in pictures(bare).values()} == {(120, 160, 3)}


def test_a_video_that_has_thumbnails_is_not_opened(bare, index, put, decoders, tmp_path):
    index(tmp_path / "in/a.mp4", add_thumbnails=True)
    put("c", tmp_path / "in/c.mp4")
    reader = Reader(decoders)

    result = index(tmp_path / "in", add_thumbnails=True, read_frames=reader)

    assert [path.name for path in reader.paths] == ["c.mp4", "b.mp4"]
    assert (result.indexed, result.unchanged, result.pictured) == (1, 2, 1)
    assert index(tmp_path / "in", add_thumbnails=True, read_frames=reader).pictured == 0
    assert len(reader.paths) == 2


def test_only_videos_below_the_paths_get_thumbnails(bare, index, tmp_path):
    result = index(tmp_path / "in/b.mp4", add_thumbnails=True)

    assert result.pictured == 1
    assert bare.status().unpictured == 1


def test_without_being_asked_index_adds_none_to_unchanged_videos(bare, index, decoders, tmp_path):
    reader = Reader(decoders)

    index(tmp_path / "in", read_frames=reader)

    assert reader.paths == []
    assert bare.status().unpictured == 2


def test_a_video_that_fails_now_keeps_its_vector_and_is_named(bare, index, decoders, tmp_path):
    def fail(path):
        if path.name == "a.mp4":
            raise MediaError("the decoder crashed (signal 11)")

    reader = Reader(decoders, before=fail)

    result = index(tmp_path / "in", add_thumbnails=True, read_frames=reader)

    assert (result.failed, result.pictured) == (1, 1)
    assert [problem.path.name for problem in result.problems] == ["a.mp4"]
    assert len(bare.vectors().paths) == 2
    assert bare.failures().undecodable == ()


def test_a_file_that_changes_meanwhile_gets_none(bare, index, put, decoders, tmp_path):
    reader = Reader(decoders, before=lambda path: put("c", path))

    result = index(tmp_path / "in/a.mp4", add_thumbnails=True, read_frames=reader)

    assert (result.failed, result.pictured) == (1, 0)
    assert "changed while it was read" in result.problems[0].message
    assert places(bare) == []


def test_a_file_that_is_gone_is_missing_and_no_failure(bare, index, tmp_path):
    (tmp_path / "in/a.mp4").unlink()

    result = index(tmp_path / "in", add_thumbnails=True)

    assert (result.missing, result.pictured, result.failed) == (1, 1, 0)


def test_files_of_an_absent_disk_are_let_alone(bare, index, put, decoders, tmp_path):
    put("c", tmp_path / "other/c.mp4")
    (tmp_path / "in").rename(tmp_path / "unplugged")
    (tmp_path / "in").mkdir()
    reader = Reader(decoders)

    result = index(tmp_path / "in", tmp_path / "other", add_thumbnails=True, read_frames=reader)

    assert [problem.code for problem in result.problems] == ["offline"]
    assert [path.name for path in reader.paths] == ["c.mp4"]


def test_what_is_finished_is_kept_when_the_run_is_to_stop(bare, index, put, decoders, tmp_path):
    for clip in "cdef":
        put(clip, tmp_path / f"in/{clip}.mp4")
    index(tmp_path / "in", into=Library(bare.path, BARE))
    one = dataclasses.replace(bare.settings, workers=1)
    stop = threading.Event()

    def stop_at_the_third(path):
        if path.name == "c.mp4":
            stop.set()

    result = index(
        tmp_path / "in",
        into=Library(bare.path, one),
        add_thumbnails=True,
        read_frames=Reader(decoders, before=stop_at_the_third),
        stopping=stop.is_set,
    )

    assert result.was_stopped
    assert 1 <= result.pictured <= 3
    assert bare.status().unpictured == 6 - result.pictured
    assert index(tmp_path / "in", add_thumbnails=True).pictured == 6 - result.pictured


def test_a_second_recipe_makes_them_anew_and_only_once(bare, index, tmp_path):
    index(tmp_path / "in/a.mp4", add_thumbnails=True)
    often = Library(bare.path, Settings(weights="untrained", interval_s=0.4))

    index(tmp_path / "in", into=often)

    assert [position for _, position, _ in places(bare)] == [0, 1, 2, 0, 1, 2]


def test_a_second_recipe_without_thumbnails_lets_a_video_keep_its_own(bare, index, tmp_path):
    index(tmp_path / "in", add_thumbnails=True)
    before = places(bare)

    index(tmp_path / "in", into=Library(bare.path, dataclasses.replace(BARE, interval_s=0.4)))

    assert places(bare) == before


def test_a_reader_that_makes_none_goes_on_working(library, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"some video")
    keywords = {"source": stub.STUB, "read_frames": stub.read_frames}

    assert library.index(tmp_path / "clip.mp4", **keywords).indexed == 1
    assert library.index(tmp_path / "clip.mp4", add_thumbnails=True, **keywords).pictured == 0

    assert places(library) == []


def test_adding_none_is_refused(bare, index, tmp_path):
    with pytest.raises(UsageError, match="no thumbnails to add"):
        index(tmp_path / "in", into=Library(bare.path, BARE), add_thumbnails=True)


def test_a_library_of_an_older_revision_gets_thumbnails(put, tmp_path):
    """Its videos are in place, its weights are not; the network would fail."""
    library = Library(shutil.copyfile(make.FOLDER / "0004.db", tmp_path / "library.db"))
    path = put("a", tmp_path / "in/a.mp4")
    stat = FileStat.of(path, path.lstat())
    with sqlite3.connect(library.path) as raw:
        raw.execute(
            "UPDATE files SET path = ?, size_bytes = ?, mtime_ns = ?, device = ?, inode = ?, "
            "checked_at_ns = ? WHERE path = ?",
            (
                bytes(path),
                *(stat.size_bytes, stat.mtime_ns, stat.device, stat.inode),
                stat.mtime_ns + 10**12,
                bytes(make.SORTED_BEACH),
            ),
        )
    raw.close()

    class Absent(stub.StubNetwork):
        weights_digest = make.RECIPE.weights_digest

        def load(self):
            raise AssertionError("the network is not needed")

    result = library.index(path.parent, add_thumbnails=True, source=Absent())

    assert (result.unchanged, result.pictured) == (1, 1)
    assert places(library) == [(1, 0, 0.0)]
    assert library.vectors().vectors.tobytes() == make.VECTORS.tobytes()
