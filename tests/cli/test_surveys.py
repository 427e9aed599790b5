"""`vidindex outliers`, `representatives` and `borderline`, against plain NumPy."""

import sqlite3

import numpy as np
import pytest

from tests import shown
from tests.cli.running import assert_explained, run_here
from vidindex.store.clusterings import Name


@pytest.fixture
def library(home):
    """A library of four scenes, clustered by scene, at home/library.db."""
    shown.make(home / "library.db", stored=None)
    shown.cluster_by_scene(home / "library.db", names={2: Name("Cats", "user")})
    return home / "library.db"


@pytest.fixture
def distances():
    """(24, 4), from each video to the centroid of each scene."""
    points = shown.vectors().astype(np.float64)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    centroids = points.reshape(4, shown.EACH, -1).mean(axis=1)
    return np.linalg.norm(points[:, np.newaxis] - centroids, axis=2)


def rows_of(*arguments):
    outcome = run_here(*arguments, "--json")
    assert outcome.code == 0, outcome.err
    assert list(outcome.data) == ["run", "rows"]
    return outcome.data["rows"]


def paths(rows):
    return [str(shown.path_of(row)) for row in rows]


def alter(library, statement):
    with sqlite3.connect(library) as database:
        database.execute(statement)
    database.close()


def test_outliers_are_far_for_their_cluster(library, distances):
    own = distances[np.arange(24), np.repeat(np.arange(4), 6)].reshape(4, 6)
    relative = (own / np.sqrt(np.mean(own**2, axis=1, keepdims=True))).ravel()
    expected = np.argsort(-relative)[:4]

    rows = rows_of("outliers", "--limit", "4")

    assert [row["path"] for row in rows if "path_b64" not in row] == [
        path for path in paths(expected) if path.isascii()
    ]
    assert [row["relative"] for row in rows] == pytest.approx(relative[expected], rel=1e-4)
    assert set(rows[0]) >= {"path", "hash", "label", "name", "distance", "relative"}


def test_a_wide_cluster_has_no_more_outliers_than_a_tight_one(library):
    alter(library, "UPDATE assignments SET distance = distance * 100 WHERE label = 0")
    alter(library, "UPDATE assignments SET distance = distance * 5 WHERE video_id = 20")

    assert rows_of("outliers", "--limit", "1")[0]["path"] == str(shown.path_of(19))


def test_representatives_are_the_nearest_of_each_cluster(library, distances):
    rows = rows_of("representatives", "--limit", "2")

    assert [row["label"] for row in rows] == [0, 0, 1, 1, 2, 2, 3, 3]
    nearest = 12 + np.argsort(distances[12:18, 2])[:2]
    assert [row["path"] for row in rows if row["label"] == 2] == paths(nearest)
    assert {row["name"] for row in rows if row["label"] == 2} == {"Cats"}


def test_borderline_has_the_least_margins_first(library, distances):
    own_label = np.repeat(np.arange(4), 6)
    own = distances[np.arange(24), own_label]
    others = distances.copy()
    others[np.arange(24), own_label] = np.inf
    margins = 1 - own / others.min(axis=1)
    expected = np.argsort(margins)[:3]

    rows = rows_of("borderline", "--limit", "3")

    assert [row["margin"] for row in rows] == pytest.approx(margins[expected], rel=1e-3)
    assert [row["label"] for row in rows] == own_label[expected].tolist()
    assert [row["other_label"] for row in rows] == others.argmin(axis=1)[expected].tolist()


def test_a_video_nearer_to_another_cluster_has_a_margin_below_0(library):
    alter(library, "UPDATE assignments SET label = 3 WHERE video_id = 1")

    (row,) = rows_of("borderline", "--limit", "1")

    assert (row["path"], row["label"], row["other_label"]) == (str(shown.path_of(0)), 3, 0)
    assert row["margin"] < 0


@pytest.mark.parametrize("command", ["outliers", "representatives", "borderline"])
def test_one_cluster_alone_may_be_listed(library, command):
    rows = rows_of(command, "--label", "2", "--limit", "99")

    assert len(rows) == 6
    assert all("cat-" in row["path"] for row in rows)


@pytest.mark.parametrize("command", ["outliers", "representatives", "borderline"])
def test_every_video_is_listed_once_and_unsorted_ones_are_not(library, command):
    copy = "INSERT INTO files SELECT 99, CAST('/videos/a copy.mp4' AS BLOB), video_id, size_bytes, "
    rest = "mtime_ns, device, 99, checked_at_ns, missing_since, read_error FROM files WHERE id = 1"
    alter(library, copy + rest)
    alter(library, "UPDATE assignments SET label = NULL WHERE video_id = 2")

    rows = rows_of(command, "--limit", "99")

    assert len({row["hash"] for row in rows}) == len(rows) == 23
    assert "/videos/a copy.mp4" in {row["path"] for row in rows}


@pytest.mark.parametrize("command", ["outliers", "representatives", "borderline"])
def test_people_see_a_table_with_names_of_clusters_and_odd_paths(library, command):
    out = run_here(command, "--limit", "99").out

    assert "2 Cats" in out
    assert r"harbour-\xe9.mp4" in out


@pytest.mark.parametrize("command", ["outliers", "representatives", "borderline"])
def test_what_cannot_be_listed_is_refused(library, command):
    assert_explained(run_here(command, "--run", "7"), 3, says="no run 7", hint="runs")
    assert_explained(run_here(command, "--label", "7"), 3, says="no label 7", hint="0, 1, 2, 3")
    assert_explained(run_here(command, "--limit", "0"), 2, says="limit", hint="leave")


def test_videos_that_are_all_alike_are_no_outliers(library):
    alter(library, "UPDATE assignments SET distance = 0 WHERE label = 1")

    assert [row["relative"] for row in rows_of("outliers", "--label", "1")] == [0] * 6


def test_one_cluster_alone_has_no_border(library):
    alter(library, "DELETE FROM assignments WHERE label > 0")
    alter(library, "DELETE FROM clusters WHERE label > 0")

    assert_explained(run_here("borderline"), 3, says="one cluster only", hint="cluster -k")
