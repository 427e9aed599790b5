"""The map of a library: made once, stored, gone on with; made all the same where it cannot be."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import obeying_rights
from tests.databases import make
from tests.generated import add_videos, around, centers, named
from vidindex import Library
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.db.lock import writer_lock
from vidindex.embedding import Sampling
from vidindex.errors import Refused
from vidindex.store import embeddings, files, maps

KINDS = ("beach", "city", "night")


def vectors_of(each, seed=0):
    """Return vectors by file name, of three kinds of videos."""
    middles = centers(len(KINDS))
    return named(
        {
            kind: around(middle, each, seed=10 * seed + number)
            for number, (kind, middle) in enumerate(zip(KINDS, middles, strict=True))
        }
    )


@pytest.fixture
def library(tmp_path):
    """A library of 30 videos of three kinds."""
    add_videos(tmp_path / "library.db", vectors_of(10))
    return Library(tmp_path / "library.db")


def add_later(library, each, folder="/later"):
    """Add more of each kind, as /later/beach000.mp4 and so on."""
    add_videos(library.path, vectors_of(each, seed=len(folder)), Path(folder))


def prune(library, path):
    """Let a file be gone, and the library forget its video."""
    with Database(library.path) as database, database.writing() as session:
        files.mark_missing(session, [files.find_file(session, Path(path)).id], since=make.NOON)
    assert len(library.prune(path, force=True).video_ids) == 1


def kinds(library):
    """Return the kind of each video, by its number."""
    with Database(library.path) as database, database.reading() as session:
        known = files.list_files(session)
    return {row.video_id: row.stat.path.stem[:-3] for row in known}


def stored(library, recipe=1):
    with Database(library.path) as database, database.reading() as session:
        return maps.find_map(session, recipe)


def assert_kinds_lie_together(library, points):
    kind_of = kinds(library)
    places = np.array([(point.x, point.y) for point in points])
    labels = np.array([kind_of[point.video_id] for point in points])
    for row, label in enumerate(labels):
        distances = np.linalg.norm(places - places[row], axis=1)
        distances[row] = np.inf
        assert labels[np.argmin(distances)] == label


def test_like_videos_lie_together(library, recorder):
    answer = library.map(reporter=recorder)

    assert sorted(kinds(library)) == [point.video_id for point in answer.points]
    assert_kinds_lie_together(library, answer.points)
    assert (answer.recipe, answer.is_kept) == (1, True)
    assert recorder.started == [("mapping", 30)]
    assert recorder.steps == 30
    assert recorder.notices == []


def test_a_map_is_made_once_and_read_back_equal(library, recorder):
    made = library.map()

    again = library.map(reporter=recorder)

    assert again == made
    assert recorder.started == []
    assert stored(library).points == made.points
    assert stored(library).software.startswith("scikit-learn ")


def test_equal_libraries_have_equal_maps(library, tmp_path):
    """Whatever the numbers of their videos are."""
    add_videos(tmp_path / "other.db", dict(reversed(vectors_of(10).items())))

    assert by_hash(Library(tmp_path / "other.db")) == by_hash(library)


def by_hash(library):
    points = {point.video_id: (point.x, point.y) for point in library.map().points}
    with Database(library.path) as database, database.reading() as session:
        return {content: points[number] for number, content in embeddings.list_embedded(session, 1)}


def test_videos_that_came_later_are_placed_among_their_like(library):
    before = library.map()
    add_later(library, 2)

    after = library.map()

    later = [point for point in after.points if point.is_placed_later]
    assert len(later) == 6
    assert tuple(point for point in after.points if not point.is_placed_later) == before.points
    assert_kinds_lie_together(library, after.points)
    assert library.map() == after
    assert stored(library).points == after.points


def test_the_map_is_made_anew_when_a_quarter_came_later(library):
    library.map()
    add_later(library, 3)
    assert sum(point.is_placed_later for point in library.map().points) == 9
    add_later(library, 2, "/last")

    answer = library.map()

    assert not any(point.is_placed_later for point in answer.points)
    assert stored(library).video_count == len(answer.points)
    assert_kinds_lie_together(library, answer.points)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_library_of_few_videos_has_a_map(count, tmp_path):
    points = centers(count)
    add_videos(tmp_path / "l.db", {f"{row}.mp4": points[row] for row in range(count)})

    answer = Library(tmp_path / "l.db").map()

    assert len({(point.x, point.y) for point in answer.points}) == count


def test_a_library_of_copies_has_a_map(tmp_path):
    one = centers(1)[0]
    add_videos(tmp_path / "l.db", {f"{row}.mp4": one for row in range(12)})

    answer = Library(tmp_path / "l.db").map()

    assert {(round(point.x, 5), round(point.y, 5)) for point in answer.points} == {(0.5, 0.5)}


def test_a_damaged_vector_is_left_out(library):
    damaged = np.full(2048, np.nan, np.float32)
    add_videos(library.path, {"damaged.mp4": damaged})

    made = library.map()

    assert len(made.points) == 30
    assert library.map() == made


def test_a_video_whose_files_are_gone_is_on_no_map_until_it_is_back(library):
    whole = library.map()
    with Database(library.path) as database, database.writing() as session:
        row = files.list_files(session)[0]
        files.mark_missing(session, [row.id], since=make.NOON)

    assert len(library.map().points) == 29

    with Database(library.path) as database, database.writing() as session:
        files.mark_present(session, [row.id])
    assert library.map() == whole


def test_a_pruned_video_is_gone_from_the_map(library):
    library.map()
    prune(library, "/videos/beach000.mp4")

    answer = library.map()

    assert len(answer.points) == 29
    assert stored(library).points == answer.points


def test_each_recipe_has_a_map_of_its_own(library):
    other = dataclasses.replace(make.RECIPE, sampling=Sampling(interval_s=10))
    add_videos(library.path, dict(list(vectors_of(10, seed=5).items())[:20]), recipe=other)

    with pytest.raises(Refused, match="vectors of 2 recipes"):
        library.map()
    maps_of = {number: library.map(number) for number in (1, 2)}

    assert [len(maps_of[number].points) for number in (1, 2)] == [30, 20]
    for number in (1, 2):
        assert library.map(number) == maps_of[number]
        assert stored(library, number).points == maps_of[number].points


def test_without_vectors_there_is_no_map(tmp_path):
    schema.create(tmp_path / "l.db")

    with pytest.raises(Refused, match="holds no vectors"):
        Library(tmp_path / "l.db").map()


def test_while_another_vidindex_is_writing_the_map_is_made_and_not_stored(library, recorder):
    with writer_lock(library.path):
        answer = library.map(reporter=recorder)

    assert len(answer.points) == 30
    assert not answer.is_kept
    assert stored(library) is None
    (notice,) = recorder.notices
    assert notice.startswith("the map was made, but not stored: another vidindex (process")
    assert library.map() == dataclasses.replace(answer, is_kept=True)


def test_a_library_that_cannot_be_written_has_a_map(library):
    library.path.chmod(0o444)
    library.path.parent.chmod(0o555)
    program = (
        "from vidindex import Library\n"
        f"answer = Library({os.fspath(library.path)!r}).map()\n"
        "print(len(answer.points), answer.is_kept)"
    )
    try:
        command = [*obeying_rights(), sys.executable, "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        library.path.parent.chmod(0o755)

    assert done.stdout == "30 False\n"


def test_what_was_pruned_while_the_map_was_made_is_not_stored(library, monkeypatch):
    from vidindex import layouts

    lay_out = layouts.lay_out

    def prune_meanwhile(points):
        prune(library, "/videos/beach000.mp4")
        return lay_out(points)

    monkeypatch.setattr(layouts, "lay_out", prune_meanwhile)

    library.map()

    assert len(stored(library).points) == 29


def test_of_two_that_make_the_map_at_once_both_have_one(library):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(library.map())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers[0].points == answers[1].points == stored(library).points


def test_a_map_that_is_stored_is_read_without_scikit_learn(library):
    library.map()
    program = (
        "import sys\nfrom vidindex import Library\n"
        f"assert len(Library({os.fspath(library.path)!r}).map().points) == 30\n"
        "print(sorted({'sklearn', 'scipy', 'tensorflow', 'cv2', 'av'} & sys.modules.keys()))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
