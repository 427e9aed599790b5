"""Lloyd's algorithm in blocks, held against scikit-learn's."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from tests.mixtures import mixture
from vidindex import blocks, lloyd
from vidindex.blocks import Points


def refine(points, centroids, tolerance=0.0):
    return lloyd.refine(Points.of(points), centroids, tolerance=tolerance, most_steps=500)


@pytest.fixture(params=[blocks.BLOCK_BYTES, 50_000], ids=["one block", "many blocks"])
def _block_size(request, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", request.param)


@pytest.mark.usefixtures("_block_size")
def test_from_the_same_centroids_it_ends_where_scikit_learn_does():
    points = mixture(3000)
    start = points[::300].copy()

    found = refine(points, start)

    expected = KMeans(10, init=start, n_init=1, tol=0, max_iter=500).fit(points)
    assert np.mean(found.labels == expected.labels_) > 0.999
    np.testing.assert_allclose(found.centroids, expected.cluster_centers_, atol=1e-3)
    assert found.inertia == pytest.approx(expected.inertia_, rel=1e-4)


@pytest.mark.usefixtures("_block_size")
def test_distances_and_means_are_those_of_plain_numpy():
    points = mixture(1000)
    labels = np.arange(1000) % 3

    means = lloyd.find_means(Points.of(points), labels, 3)
    distances = lloyd.measure_distances(Points.of(points), labels, means)

    expected = np.stack([points[labels == label].mean(axis=0) for label in range(3)])
    np.testing.assert_allclose(means, expected, atol=1e-6)
    offsets = points.astype(np.float64) - expected[labels]
    np.testing.assert_allclose(distances, np.linalg.norm(offsets, axis=1), rtol=1e-5)


def test_points_without_a_cluster_have_no_part_in_the_means():
    points = np.array([[0, 0], [2, 2], [100, 100]], np.float32)

    means = lloyd.find_means(Points.of(points), np.array([0, 0, -1]), 1)

    assert means.tolist() == [[1, 1]]


def test_a_centroid_that_nothing_is_near_gets_the_farthest_point():
    points = np.array([[0, 0], [0, 1], [1, 0], [9, 9]], np.float32)
    start = np.array([[0.3, 0.3], [500, 500]], np.float32)

    found = refine(points, start)

    assert found.labels.tolist() == [0, 0, 0, 1]
    assert found.centroids[1].tolist() == [9, 9]


def test_with_fewer_distinct_points_than_centroids_it_ends_with_an_empty_cluster():
    points = np.repeat(np.eye(2, dtype=np.float32), 5, axis=0)

    found = refine(points, np.vstack([points[[0, 5]], [[3, 3]]]).astype(np.float32))

    assert len(np.unique(found.labels)) == 2


def test_far_from_zero_near_points_are_still_told_apart():
    points = (mixture(500, dimensions=64) * 0.01 + 30).astype(np.float32)
    start = points[::100].copy()

    found = refine(points, start)

    expected = KMeans(5, init=start, n_init=1, tol=0, max_iter=500).fit(points.astype(np.float64))
    assert found.inertia == pytest.approx(expected.inertia_, rel=0.01)
