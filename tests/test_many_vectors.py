"""Clusterings of so many vectors that they are searched in a sample and in few dimensions."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.cluster import KMeans

from tests.mixtures import mixture
from vidindex import kmeans
from vidindex.blocks import Points
from vidindex.errors import Refused

COUNT = 6000
PROGRAM = """
import json, sys
import numpy as np
from tests.mixtures import mixture
from vidindex import kmeans
from vidindex.blocks import Points
found = kmeans.group(Points.of(mixture(6000)), 12, seed=42, n_init=10)
print(json.dumps([found.labels.tolist(), found.inertia.hex(), found.stability.hex()]))
"""


@pytest.fixture(scope="module")
def points():
    return mixture(COUNT)


@pytest.mark.parametrize("k", [3, 12, 40])
def test_the_inertia_is_as_low_as_that_of_the_best_of_ten_starts_of_plain_kmeans(points, k):
    found = kmeans.group(Points.of(points), k, seed=42, n_init=10)

    plain = [KMeans(k, n_init=1, random_state=seed).fit(points).inertia_ for seed in range(10)]
    of_42 = KMeans(k, random_state=42).fit(points).inertia_
    assert found.inertia <= 1.01 * min(plain)
    assert found.inertia <= 1.0001 * of_42


def test_labels_distances_and_inertia_are_those_of_all_dimensions(points):
    found = kmeans.group(Points.of(points), 12, seed=42, n_init=10)

    exact = points.astype(np.float64)
    means = np.stack([exact[found.labels == label].mean(axis=0) for label in range(12)])
    apart = np.linalg.norm(exact[:, np.newaxis] - means, axis=2)
    np.testing.assert_allclose(found.centroids, means, atol=1e-5)
    np.testing.assert_allclose(
        found.distances, apart[np.arange(COUNT), found.labels], rtol=1e-4, atol=1e-5
    )
    assert found.inertia == pytest.approx(np.sum(found.distances**2))
    # It ends when a step gains next to nothing: a few points at the borders may still move.
    assert np.mean(apart.argmin(axis=1) == found.labels) > 0.99


def test_one_start_is_that_of_plain_kmeans_however_many_vectors_there_are(points):
    found = kmeans.group(Points.of(points), 12, seed=7, n_init=1)

    plain = KMeans(12, random_state=7).fit(points)
    assert np.array_equal(np.sort(np.bincount(plain.labels_)), np.sort(np.bincount(found.labels)))
    assert found.inertia == pytest.approx(plain.inertia_, rel=1e-4)


def run_program(**variables):
    environment = {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(["."])}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=True
    )
    return json.loads(done.stdout)


def test_the_result_is_the_same_to_the_bit_on_any_number_of_threads():
    one, two, three = (
        run_program(OMP_NUM_THREADS=threads, OPENBLAS_NUM_THREADS=threads) for threads in "123"
    )

    assert one == two == three


def test_the_result_is_the_same_to_the_bit_on_one_core():
    whole = run_program()
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cores)})
        alone = run_program()
    finally:
        os.sched_setaffinity(0, cores)

    assert alone == whole


def test_few_distinct_vectors_among_many_are_refused_with_their_number():
    copies = np.repeat(mixture(7), 1000, axis=0)

    with pytest.raises(Refused, match="7000 videos with 7 distinct vectors") as caught:
        kmeans.group(Points.of(copies), 8, seed=42, n_init=10)

    assert caught.value.hint == "choose a K of at most 7"
    found = kmeans.group(Points.of(copies), 7, seed=42, n_init=10)
    assert np.bincount(found.labels).tolist() == [1000] * 7
    assert found.inertia < 1e-3


def test_vectors_that_the_sample_does_not_hold_get_clusters_of_their_own():
    rare = np.vstack([np.repeat(mixture(1), 9996, axis=0), mixture(4, seed=1)])

    found = kmeans.group(Points.of(rare), 5, seed=42, n_init=10)

    assert np.bincount(found.labels).tolist() == [9996, 1, 1, 1, 1]
