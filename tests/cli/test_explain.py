"""`vidindex explain`: the numbers that it gives, against those of plain NumPy."""

import sqlite3

import numpy as np
import pytest

from tests import shown
from tests.cli.running import assert_explained, run_here


@pytest.fixture
def library(home):
    """A library of four scenes with a head, clustered by scene, at home/library.db."""
    shown.make(home / "library.db", stored=shown.head())
    shown.cluster_by_scene(home / "library.db")
    return home / "library.db"


def explained(*arguments):
    outcome = run_here("explain", *arguments, "--json")
    assert outcome.code == 0, outcome.err
    return outcome.data


def points_in(normalize):
    vectors = shown.vectors().astype(np.float64)
    if normalize == "l2":
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    if normalize == "standard":
        return (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    return vectors


@pytest.mark.parametrize("normalize", ["l2", "none", "standard"])
def test_distances_margin_and_rank_are_those_in_the_runs_space(home, normalize):
    shown.make(home / "library.db", stored=None)
    shown.cluster_by_scene(home / "library.db", normalize=normalize)
    points = points_in(normalize)
    centroids = points.reshape(4, shown.EACH, -1).mean(axis=1)
    distances = np.linalg.norm(points[:, np.newaxis] - centroids, axis=2)
    first, second = np.argsort(distances[8])[:2]

    data = explained("/videos/street-2.mp4")

    assert data["cluster"]["label"] == 1
    assert [near["label"] for near in data["nearest"]] == [first, second]
    assert data["nearest"][0]["distance"] == pytest.approx(distances[8, first], rel=1e-4)
    assert data["nearest"][1]["distance"] == pytest.approx(distances[8, second], rel=1e-4)
    assert data["margin"] == pytest.approx(1 - distances[8, first] / distances[8, second], rel=1e-3)
    nearer = np.mean(distances[6:12, 1] <= distances[8, 1])
    assert data["percentile"] == pytest.approx(100 * nearer)


def test_neighbours_are_the_nearest_by_cosine(library):
    points = points_in("l2")
    cosines = points @ points[8]
    order = [row for row in np.argsort(-cosines) if row != 8][:3]

    rows = explained("/videos/street-2.mp4", "--top", "3")["neighbours"]

    assert [row["path"] for row in rows] == [str(shown.path_of(row)) for row in order]
    assert [row["cosine"] for row in rows] == pytest.approx(cosines[order], rel=1e-5)
    assert [row["label"] for row in rows] == [shown.scene_of(row) for row in order]


def test_the_classes_tell_what_it_shows_and_what_decides(library):
    data = explained("/videos/street-2.mp4")

    assert data["classes"][0]["class"] == "sports_car"
    deciding = data["deciding"][0]
    assert deciding["class"] == "sports_car"
    assert deciding["nearest"] > 0.5 > deciding["second"]
    assert deciding["score"] == pytest.approx(data["classes"][0]["score"])


def test_the_keys_are_stable(library):
    data = explained("/videos/street-2.mp4")

    assert list(data) == [
        *("path", "hash", "run", "cluster", "pinned_to", "nearest", "margin", "percentile"),
        *("neighbours", "classes", "deciding"),
    ]
    assert list(data["nearest"][0]) == ["label", "name", "distance"]


def test_a_hash_names_a_video_too(library):
    blake3 = explained("/videos/street-2.mp4")["hash"]

    assert explained(blake3[:8])["path"] == "/videos/street-2.mp4"


def test_people_can_read_it(library):
    out = run_here("explain", "/videos/street-2.mp4").out

    assert "cluster   1, distance" in out
    assert "sports_car" in out
    assert "/videos/street-" in out


def test_a_name_that_is_no_utf8_is_found_and_shown(library):
    path = str(shown.path_of(23))

    assert r"harbour-\xe9.mp4" in run_here("explain", path).out
    assert "path_b64" in explained(path)


def test_without_a_head_the_rest_is_told(home):
    shown.make(home / "library.db", stored=None, weights_name="untrained:0")
    shown.cluster_by_scene(home / "library.db")

    data = explained("/videos/cat-1.mp4")

    assert (data["cluster"]["label"], data["classes"], data["deciding"]) == (2, [], [])


def test_a_video_that_is_in_no_cluster_is_explained_by_the_nearest(library):
    with sqlite3.connect(library) as database:
        database.execute("UPDATE assignments SET label = NULL WHERE video_id = 9")
    database.close()

    data = explained("/videos/street-2.mp4")

    assert (data["cluster"], data["percentile"]) == (None, None)
    assert data["nearest"][0]["label"] == 1
    assert "none" in run_here("explain", "/videos/street-2.mp4").out


def test_what_cannot_be_explained_is_refused(library):
    assert_explained(run_here("explain", "absent.mp4"), 3, says="does not know", hint="hash")
    assert_explained(
        run_here("explain", "/videos/cat-1.mp4", "--run", "9"), 3, says="no run 9", hint="runs"
    )
    assert_explained(
        run_here("explain", "/videos/cat-1.mp4", "--top", "0"), 2, says="--top", hint="5"
    )
    with sqlite3.connect(library) as database:
        database.execute("DELETE FROM embeddings WHERE video_id = 1")
    database.close()
    assert_explained(run_here("explain", "/videos/beach-0.mp4"), 3, says="no vector", hint="index")


def test_an_unclustered_library_says_what_to_do_first(home):
    shown.make(home / "library.db", stored=None)

    assert_explained(run_here("explain", "/videos/cat-1.mp4"), 3, says="nothing", hint="cluster -k")
