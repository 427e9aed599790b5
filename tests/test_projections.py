"""The stored projection: what it keeps, and when it is made anew."""

import sqlite3

import numpy as np
import pytest
from sklearn.decomposition import PCA

from tests.databases.make import RECIPE
from tests.generated import add_videos, around, centers, named
from tests.mixtures import mixture
from vidindex import Library, Settings, kmeans, projections
from vidindex.blocks import Points


def test_it_keeps_as_much_of_the_variance_as_principal_components_do(monkeypatch):
    monkeypatch.setattr(projections, "DIMENSIONS", 16)
    points = mixture(1500)

    found = projections.fit(Points.of(points))

    best = PCA(16).fit(points).explained_variance_ratio_.sum()
    assert best - 0.005 < found.explained <= best + 1e-5
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(16), atol=1e-5)


def test_it_tells_how_much_it_keeps_of_other_points():
    here, there = mixture(500), mixture(500, seed=1)
    fitted = projections.fit(Points.of(here[:40]))

    kept = projections.project(Points.of(there), fitted).explained

    offsets = there - fitted.center
    inside = offsets @ fitted.components.T @ fitted.components
    assert kept == pytest.approx(np.sum(inside**2) / np.sum(offsets**2), rel=1e-4)
    assert kept < fitted.explained


def test_few_points_are_kept_whole():
    points = mixture(20)

    fitted = projections.fit(Points.of(points))
    few = projections.project(Points.of(points), fitted)

    assert few.explained == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(fitted.lift(few.array), points, atol=1e-5)
    np.testing.assert_allclose(few.lengths, np.square(few.array).sum(axis=1), rtol=1e-3, atol=1e-6)


def test_equal_points_have_a_projection_too():
    fitted = projections.fit(Points.of(np.ones((5, 30), np.float32)))

    assert fitted.explained == 1
    assert np.isfinite(fitted.components).all()


SPOTS = centers(12)


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library of 40 videos that counts as a large one."""
    monkeypatch.setattr(kmeans, "FEW", 1)
    add(tmp_path / "l.db", "first", SPOTS[:4])
    return Library(tmp_path / "l.db", Settings())


def add(path, name, spots):
    vectors = [vector for row, spot in enumerate(spots) for vector in around(spot, 10, seed=row)]
    add_videos(path, named({name: vectors}), recipe=RECIPE)


def stored(library):
    with sqlite3.connect(library.path) as database:
        rows = database.execute(
            "SELECT normalize, video_count, components, explained FROM projections ORDER BY 1"
        ).fetchall()
    database.close()
    return rows


def test_it_is_made_once_for_all_k(library):
    library.cluster(4)
    (first,) = stored(library)

    library.cluster(3)
    library.cluster_range(range(2, 6))

    assert first[:2] == ("l2", 40)
    assert stored(library) == [first]


def test_each_space_has_its_own(library):
    for normalize in ("l2", "none", "standard"):
        Library(library.path, Settings(normalize=normalize)).cluster(4)

    assert [row[0] for row in stored(library)] == ["l2", "none", "standard"]


def test_it_is_renewed_when_the_library_has_grown_much_and_not_before(library):
    library.cluster(4)
    (before,) = stored(library)

    add(library.path, "more", SPOTS[:2])
    library.cluster(4)
    assert stored(library) == [before]

    add(library.path, "many", SPOTS[:4])
    library.cluster(4)

    (after,) = stored(library)
    assert after[1] == 100
    assert after[2] != before[2]


def test_it_is_renewed_when_it_explains_less_than_it_did(library):
    library.cluster(4)
    (before,) = stored(library)

    add(library.path, "other", SPOTS[10:])
    library.cluster(4)

    (after,) = stored(library)
    assert after[1] == 60
    assert after[2] != before[2]


def test_a_part_of_the_library_does_not_replace_it(library, tmp_path):
    vectors = named({"there": around(SPOTS[9], 12)})
    add_videos(library.path, vectors, tmp_path / "there")
    library.cluster(4)
    before = stored(library)

    library.cluster(2, scope=tmp_path / "there")

    assert stored(library) == before


def test_without_one_a_part_of_the_library_stores_none(library):
    library.cluster(2, scope="/videos")

    assert stored(library) == []
