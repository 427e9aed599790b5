"""K-Means on generated vectors: which partition, how it is numbered, and what is refused."""

import os

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from tests.mixtures import mixture
from vidindex import kmeans
from vidindex.blocks import Points
from vidindex.config import load
from vidindex.errors import Refused, UsageError
from vidindex.kmeans import group_vectors
from vidindex.spaces import Space


def blobs(sizes, *, seed=0, spread=0.1, dimensions=2048):
    """Vectors around as many centres as there are sizes, one blob after the other."""
    random = np.random.default_rng(seed)
    centres = random.uniform(0, 1, (len(sizes), dimensions))
    means = np.repeat(centres, sizes, axis=0)
    return np.abs(means + spread * random.normal(size=means.shape)).astype(np.float32)


def defaults(vectors, k, **settings):
    return group_vectors(vectors, k, **({"seed": 42, "n_init": 10, "normalize": "l2"} | settings))


@pytest.mark.parametrize("seed", [42, 0, 7])
@pytest.mark.parametrize("k", [1, 2, 5, 12])
def test_without_normalizing_one_start_gives_the_partition_of_plain_kmeans(k, seed):
    vectors = blobs([9, 14, 3, 20, 6, 11, 8], spread=0.4)

    ours = group_vectors(vectors, k, seed=seed, n_init=1, normalize="none")

    plain = KMeans(k, random_state=seed).fit(vectors)
    assert adjusted_rand_score(plain.labels_, ours.labels) == 1
    assert ours.inertia == pytest.approx(plain.inertia_, rel=1e-4)


def test_the_seed_can_change_the_partition():
    """Else the test above could not tell whether it is heeded."""
    vectors = blobs([9, 14, 3, 20, 6, 11, 8], spread=0.4)
    by_seed = [
        group_vectors(vectors, 12, seed=s, n_init=1, normalize="none").labels for s in (42, 0)
    ]

    assert adjusted_rand_score(*by_seed) < 0.99


def test_the_largest_seed_that_can_be_set_can_be_used_and_no_larger_one_be_set():
    largest = load({"seed": 2**32 - 1}, {"VIDINDEX_CONFIG": os.devnull}).settings.seed

    assert defaults(blobs([5, 5]), 2, seed=largest).labels.tolist() == [0] * 5 + [1] * 5
    with pytest.raises(UsageError, match="seed of --seed must be a whole number >= 0 and <= "):
        load({"seed": 2**32}, {"VIDINDEX_CONFIG": os.devnull})


def test_clear_groups_are_found():
    found = defaults(blobs([5, 9, 7]), 3)

    assert found.labels.tolist() == [2] * 5 + [0] * 9 + [1] * 7


def test_clusters_of_equal_size_are_numbered_by_their_first_member():
    vectors = blobs([4, 4, 4])

    for order in ([0, 4, 8], [8, 0, 4], [4, 8, 0]):
        rows = np.concatenate([np.arange(start, start + 4) for start in order])
        assert defaults(vectors[rows], 3).labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_equal_input_gives_equal_output():
    vectors = blobs([9, 14, 3, 20], spread=0.5)

    first, second = (defaults(vectors, 6) for _ in range(2))

    assert np.array_equal(first.labels, second.labels)
    assert first.inertia == pytest.approx(second.inertia, rel=1e-9)


def test_the_input_is_left_as_it_was():
    vectors = blobs([5, 5])
    before = vectors.copy()

    for normalize in ("l2", "none"):
        defaults(vectors, 2, normalize=normalize)

    assert np.array_equal(vectors, before)


def test_more_starts_find_a_better_grouping():
    vectors = blobs([6] * 12, spread=0.02, dimensions=3)

    one, ten = (
        np.mean([defaults(vectors, 12, seed=seed, n_init=n_init).inertia for seed in range(6)])
        for n_init in (1, 10)
    )

    assert ten < 0.9 * one


@pytest.mark.parametrize("count", [300, 3000])
def test_a_range_gives_for_each_k_what_that_k_alone_gives(count):
    points = Points.of(mixture(count))
    ks = [2, 3, 7, 20, 40]

    together = list(kmeans.group_range(points, ks, seed=1, n_init=4))

    for k, found in zip(ks, together, strict=True):
        alone = kmeans.group(points, k, seed=1, n_init=4)
        np.testing.assert_array_equal(found.labels, alone.labels)
        np.testing.assert_array_equal(found.centroids, alone.centroids)
        assert found.stability == alone.stability


def test_by_default_the_length_of_a_vector_says_nothing():
    vectors = blobs([6, 6, 6], spread=0.5)
    lengths = np.random.default_rng(1).uniform(0.1, 10, (18, 1)).astype(np.float32)

    assert np.array_equal(defaults(vectors * lengths, 3).labels, defaults(vectors, 3).labels)


def test_without_normalizing_the_length_counts():
    vectors = np.vstack([blobs([4]), 5 * blobs([4])])

    found = defaults(vectors, 2, normalize="none")

    assert found.labels.tolist() == [0] * 4 + [1] * 4


def test_normalized_vectors_have_length_1_and_a_zero_vector_stays_zero():
    vectors = np.vstack([blobs([3]), np.zeros((1, 2048), np.float32)])

    unit = Space("l2").place(vectors)

    assert unit.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), [1, 1, 1, 0], rtol=1e-5)


def test_a_zero_vector_is_grouped_like_any_other():
    vectors = np.vstack([blobs([5]), np.zeros((1, 2048), np.float32)])

    assert defaults(vectors, 2).labels.tolist() == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("normalize", ["l2", "none"])
def test_distances_are_to_the_vectors_own_centroid_in_the_space_that_is_clustered(normalize):
    vectors = blobs([9, 14, 3], spread=0.4)

    found = defaults(vectors, 4, normalize=normalize)

    points = vectors.astype(np.float64)
    if normalize == "l2":
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    for label in range(4):
        members = points[found.labels == label]
        np.testing.assert_allclose(found.centroids[label], members.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(
            found.distances[found.labels == label],
            np.linalg.norm(members - members.mean(axis=0), axis=1),
            rtol=1e-4,
        )
    assert found.inertia == pytest.approx(np.sum(found.distances**2))


def test_as_many_clusters_as_vectors_are_one_each():
    found = defaults(blobs([1] * 7), 7)

    assert found.labels.tolist() == list(range(7))
    assert found.distances.max() < 1e-3


def test_more_clusters_than_distinct_vectors_are_refused():
    vectors = np.repeat(blobs([1, 1, 1]), 4, axis=0)

    with pytest.raises(Refused, match="12 videos with 3 distinct vectors") as caught:
        defaults(vectors, 4)

    assert caught.value.hint == "choose a K of at most 3"
    assert np.bincount(defaults(vectors, 3).labels).tolist() == [4, 4, 4]


def test_vectors_that_differ_only_in_direction_are_distinct_but_not_in_length():
    vectors = np.vstack([blobs([1, 1]), 2 * blobs([1, 1])])

    assert sorted(np.bincount(defaults(vectors, 4, normalize="none").labels)) == [1] * 4
    with pytest.raises(Refused, match="4 videos with 2 distinct vectors"):
        defaults(vectors, 3)


@pytest.mark.parametrize("normalize", ["l2", "none"])
@pytest.mark.parametrize("changed", [1, 2048])
def test_vectors_too_alike_to_be_told_apart_are_refused_as_equal_ones_are(normalize, changed):
    """A remuxed video is another content; its vector is the same but for rounding."""
    vectors = blobs([1, 1, 1])
    twin = vectors[:1].copy()
    twin[0, :changed] = np.nextafter(twin[0, :changed], np.float32(9))

    with pytest.raises(Refused, match="cannot make 4 clusters of 4 videos") as caught:
        defaults(np.vstack([vectors, twin]), 4, normalize=normalize)

    assert caught.value.hint == "choose a K of at most 3"


def count_distinct(vectors, normalize):
    """How many vectors there are that differ by more than rounding."""
    return len(np.unique(Space(normalize).place(vectors).round(4), axis=0))


# Few values, so that equal rows, equal distances and zero vectors are common.
SMALL = st.tuples(st.integers(1, 12), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.sampled_from([0, 0.5, 1, 3]))
)


@given(vectors=SMALL, k=st.integers(1, 12), normalize=st.sampled_from(["l2", "none"]))
def test_any_grouping_is_whole_and_numbered_by_size(vectors, k, normalize):
    assume(k <= count_distinct(vectors, normalize))

    found = defaults(vectors, k, n_init=2, normalize=normalize)

    sizes = np.bincount(found.labels, minlength=k)
    firsts = [found.labels.tolist().index(label) for label in range(k)]
    assert len(sizes) == k
    assert sorted(zip(-sizes, firsts, strict=True)) == list(zip(-sizes, firsts, strict=True))


@given(vectors=SMALL, k=st.integers(1, 12), normalize=st.sampled_from(["l2", "none"]))
def test_any_vector_is_in_the_cluster_whose_centroid_is_nearest(vectors, k, normalize):
    points = Space(normalize).place(vectors)
    assume(k <= count_distinct(vectors, normalize))

    found = defaults(vectors, k, n_init=2, normalize=normalize)

    offsets = points[:, np.newaxis].astype(np.float64) - found.centroids
    nearest = np.linalg.norm(offsets, axis=2).min(axis=1)
    np.testing.assert_allclose(found.distances, nearest, atol=1e-5)


@given(vectors=SMALL, k=st.integers(2, 13))
def test_whatever_is_too_much_is_refused_with_a_k_that_is_not(vectors, k):
    assume(k > count_distinct(vectors, "l2"))

    with pytest.raises(Refused) as caught:
        defaults(vectors, k, n_init=1)

    most = int(caught.value.hint.removeprefix("choose a K of at most "))
    assert len(np.unique(defaults(vectors, most, n_init=1).labels)) == most
