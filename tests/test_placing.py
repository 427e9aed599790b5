"""Videos that come after a clustering: their places in it, and when a new one would pay."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from tests.generated import add_videos, around, centers
from vidindex import Library, Settings
from vidindex.config import Normalize
from vidindex.errors import Refused
from vidindex.spaces import Space, find_nearest
from vidindex.spreads import find_drift, find_reaches

KINDS = "abc"
CENTERS = dict(zip("abcxyz", centers(6), strict=True))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "in"


@pytest.fixture(params=["l2", "none"])
def library(request, tmp_path, folder):
    """Three kinds of videos, twenty each, in three clusters."""
    return make_library(tmp_path, folder, request.param)


def make_library(tmp_path, folder, normalize: Normalize = "l2"):
    path = tmp_path / "library.db"
    for kind in KINDS:
        add(path, kind, 20, folder, writes=True)
    library = Library(path, Settings(weights="untrained", normalize=normalize))
    library.cluster(3)
    return library


def add(path, kind, count, folder, *, first=0, writes=False):
    """Add videos of a kind: a000.mp4 and so on."""
    vectors = around(CENTERS[kind], count, seed=1000 * ord(kind) + first)
    names = [f"{kind}{first + number:03}.mp4" for number in range(count)]
    add_videos(path, dict(zip(names, vectors, strict=True)), folder, writes=writes)


def labels_of(library, kind, **which):
    rows = library.labels(**which).rows
    return [row.label for row in rows if row.stat.path.name.startswith(kind)]


def test_new_videos_get_the_label_of_their_kind(library, folder):
    before = {kind: labels_of(library, kind)[0] for kind in KINDS}
    for kind in KINDS:
        add(library.path, kind, 5, folder, first=50)

    result = library.assign()

    assert (result.run, result.placed, result.unsorted, result.left_out) == (1, 15, 0, 0)
    assert {kind: set(labels_of(library, kind)) for kind in KINDS} == {
        kind: {label} for kind, label in before.items()
    }


def test_videos_of_no_kind_that_was_there_are_unsorted(library, folder):
    add(library.path, "x", 7, folder)
    add(library.path, "a", 2, folder, first=50)

    result = library.assign()

    assert (result.placed, result.unsorted) == (2, 7)
    assert labels_of(library, "x") == [None] * 7
    unsorted = library.labels(unsorted=True).rows
    assert {row.stat.path.name[0] for row in unsorted} == {"x"}
    assert all(row.is_placed_later for row in unsorted)


def test_the_videos_that_were_clustered_and_the_run_stay_as_they_were(library, folder):
    before = [row for row in library.labels().rows if not row.is_placed_later]
    clusters = library.clusters().clusters
    add(library.path, "a", 5, folder, first=50)
    add(library.path, "x", 5, folder)

    library.assign()

    assert [row for row in library.labels().rows if not row.is_placed_later] == before
    answer = library.clusters()
    assert answer.clusters == clusters
    assert (list(answer.placed.values()), answer.unsorted_later) == ([5], 5)


def test_a_second_time_there_is_nothing_to_place(library, folder):
    add(library.path, "a", 5, folder, first=50)
    library.assign()

    again = library.assign()

    assert (again.placed, again.unsorted) == (0, 0)


def test_the_distance_of_a_placed_video_is_that_of_a_clustered_one(library, folder):
    """A second video with the vector of a clustered one lies where that lies, to rounding."""
    (row,) = [row for row in library.labels().rows if row.stat.path.name == "a003.mp4"]
    vectors = around(CENTERS["a"], 20, seed=1000 * ord("a"))
    add_videos(library.path, {"twin.mp4": vectors[3]}, folder)

    library.assign()

    (twin,) = [other for other in library.labels().rows if other.is_placed_later]
    assert (twin.label, twin.distance) == (row.label, pytest.approx(row.distance, rel=1e-5))


def test_apply_puts_the_unsorted_into_a_folder_of_their_own(tmp_path, folder):
    library = make_library(tmp_path, folder)
    add(library.path, "x", 2, folder, writes=True)
    library.assign()

    library.apply(tmp_path / "sorted")

    unsorted = tmp_path / "sorted/unsorted"
    assert sorted(path.name for path in unsorted.iterdir()) == ["x000.mp4", "x001.mp4"]
    assert len(list((tmp_path / "sorted").rglob("*.mp4"))) == 62


def test_only_videos_below_the_folder_of_the_run_are_placed(tmp_path, folder):
    library = make_library(tmp_path, folder)
    library.cluster(3, scope=folder)
    add(library.path, "a", 2, folder, first=50)
    add(library.path, "b", 3, tmp_path / "elsewhere", first=60)

    assert library.assign().placed == 2
    assert library.assign(1).placed == 5


def test_a_damaged_vector_is_left_out_and_told(library, folder):
    damaged = np.full(2048, np.nan, np.float32)
    add_videos(library.path, {"damaged.mp4": damaged}, folder)
    add(library.path, "a", 1, folder, first=50)

    result = library.assign()

    assert (result.placed, result.unsorted, result.left_out) == (1, 0, 1)


def test_without_a_run_there_is_nothing_to_assign_to(tmp_path, folder):
    add(tmp_path / "library.db", "a", 3, folder)

    with pytest.raises(Refused, match="nothing is clustered yet"):
        Library(tmp_path / "library.db").assign()


def test_a_run_whose_recipe_has_no_vectors_left_is_refused(library):
    with closing(sqlite3.connect(library.path)) as raw, raw:
        raw.execute("DELETE FROM embeddings")

    with pytest.raises(Refused, match=r"run 1 was made by recipe 1, of which .* no vectors"):
        library.assign()


def test_a_pinned_video_goes_where_it_is_pinned(library, folder):
    from vidindex.db.engine import Database
    from vidindex.store import videos, wishes

    add(library.path, "x", 2, folder)
    label = labels_of(library, "b")[0]
    with Database(library.path) as database, database.writing() as session:
        newest = max(content.video_id for content in videos.list_contents(session, 1).values())
        wishes.put_pin(session, newest, label, now=library.runs()[0].created_at)

    result = library.assign()

    assert (result.placed, result.unsorted) == (1, 1)
    assert labels_of(library, "x001") == [label]


def test_a_standardized_space_is_that_of_its_shift_and_scale():
    vectors = np.array([[1.0, 10.0], [3.0, 30.0]], np.float32)
    space = Space("standard", np.array([1, 10], np.float32), np.array([2, 20], np.float32))

    rows, distances = find_nearest(vectors, np.array([[0, 0], [1, 2]], np.float32), space)

    assert space.place(vectors).tolist() == [[0, 0], [1, 1]]
    assert (rows.tolist(), distances.tolist()) == ([0, 1], [0, 1])


def test_a_zero_vector_has_a_place_too():
    rows, distances = find_nearest(
        np.zeros((1, 2), np.float32), np.array([[0, 1], [0.6, 0]], np.float32), Space("l2")
    )

    assert (rows.tolist(), distances.tolist()) == ([1], [pytest.approx(0.6)])


def test_each_cluster_has_its_own_reach():
    distances = np.concatenate([np.linspace(0.9, 1.1, 20), np.linspace(0.09, 0.11, 20)])

    near, far = find_reaches(np.repeat([1, 0], 20), distances, np.ones((2, 4), np.float32))

    assert 0.11 < near < 0.2
    assert 1.1 < far < 2
    assert far == pytest.approx(10 * near)


def test_a_cluster_of_one_video_reaches_as_far_as_clusters_usually_do():
    distances = np.array([0, 1.0, 1.1, 0.9, 1.0])

    lone, usual = find_reaches(np.array([0, 1, 1, 1, 1]), distances, np.ones((2, 4), np.float32))

    assert lone == usual > 1.1


def test_clusters_of_one_point_each_reach_no_farther_than_rounding():
    reaches = find_reaches(np.array([0, 1]), np.zeros(2), np.ones((2, 4), np.float32))

    assert reaches.tolist() == pytest.approx([2e-6, 2e-6])


def test_small_clusters_reach_as_far_as_more_of_their_kind_would_lie():
    """Members lie nearer to their own mean than others do, of two by a factor of 1.7."""
    rng = np.random.default_rng(3)
    points = rng.normal(size=(200, 2, 500))
    centroids = points.mean(axis=1)
    distances = np.linalg.norm(points - centroids[:, None], axis=2)
    others = np.linalg.norm(rng.normal(size=(200, 500)) - centroids, axis=1)

    reaches = find_reaches(
        np.repeat(np.arange(200), 2), distances.ravel(), centroids.astype(np.float32)
    )

    assert np.mean(others > 1.1 * reaches) < 0.02
    assert np.mean(others > distances.max(axis=1)) == 1


def test_videos_like_the_clustered_ones_do_not_drift(library, folder):
    for kind in KINDS:
        add(library.path, kind, 20, folder, first=50)
    library.assign()

    drift = library.status().drift

    assert (drift.placed, drift.unsorted) == (60, 0)
    assert drift.rise == pytest.approx(1, abs=0.05)
    assert not drift.has_many_unsorted
    assert not drift.has_risen


def test_many_unsorted_videos_make_a_new_clustering_pay(library, folder):
    add(library.path, "x", 6, folder)
    add(library.path, "a", 30, folder, first=50)
    library.assign()

    drift = library.status().drift

    assert (drift.placed, drift.unsorted) == (36, 6)
    assert drift.has_many_unsorted
    assert library.cluster(4).churn.new_clusters == 1
    assert library.status().drift.placed == 0


@pytest.mark.parametrize(
    ("placed", "rise", "pays"), [(30, 1.3, True), (30, 1.2, False), (19, 1.3, False)]
)
def test_videos_that_lie_farther_out_make_a_new_clustering_pay(placed, rise, pays):
    members = np.full(1000, 1.0)

    drift = find_drift(np.zeros(1000, np.intp), members, np.full(placed, rise), 0)

    assert drift.rise == pytest.approx(rise, rel=0.01)
    assert drift.has_risen is pays


def test_status_tells_how_many_videos_have_no_place_yet(library, folder):
    add(library.path, "a", 3, folder, first=50)

    assert library.status().unplaced == 3
    library.assign()
    assert library.status().unplaced == 0


def test_index_places_what_is_new(library, source, put, tmp_path, folder, recorder):
    """The clips look like none of the generated kinds, but like one another."""
    fresh = Library(tmp_path / "clips.db", Settings(weights="untrained"))
    for clip in "abcd":
        put(clip, tmp_path / f"clips/{clip}.mp4")
    first = fresh.index([tmp_path / "clips"], source=source)
    fresh.cluster(1)
    put("e", tmp_path / "clips/e.mp4")

    second = fresh.index([tmp_path / "clips"], source=source)
    third = fresh.index([tmp_path / "clips"], source=source)

    assert (first.placed, first.unsorted) == (0, 0)
    assert (second.indexed, second.placed + second.unsorted) == (1, 1)
    assert (third.placed, third.unsorted) == (0, 0)
    (row,) = [row for row in fresh.labels().rows if row.is_placed_later]
    assert row.stat.path.name == "e.mp4"
