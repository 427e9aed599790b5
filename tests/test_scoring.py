"""Scores of partitions, held against scikit-learn's, and which K is recommended."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from tests.mixtures import mixture
from vidindex.scoring import (
    Tried,
    agreement,
    mean_agreement,
    measure_apart,
    recommend,
    silhouette,
)


@pytest.mark.parametrize("seed", range(5))
def test_agreement_is_the_adjusted_rand_index(seed):
    chance = np.random.default_rng(seed)
    one, other = chance.integers(0, 4, 50), chance.integers(0, 6, 50)
    alike = np.where(chance.random(50) < 0.8, one, other)

    assert agreement(one, other) == pytest.approx(adjusted_rand_score(one, other))
    assert agreement(one, alike) == pytest.approx(adjusted_rand_score(one, alike))


def test_equal_labellings_agree_wholly_whatever_their_labels_are_called():
    one = np.array([0, 0, 1, 1, 2])

    assert agreement(one, np.array([2, 2, 0, 0, 1])) == 1
    assert agreement(np.zeros(3, int), np.zeros(3, int)) == 1
    assert mean_agreement([one, one, one]) == 1


def test_silhouette_is_that_of_scikit_learn():
    points = mixture(300)
    labels = np.random.default_rng(0).integers(0, 5, 300)
    labels[points[:, 0] > np.median(points[:, 0])] = 6
    labels[0] = 9  # alone in its cluster

    assert silhouette(measure_apart(points), labels) == pytest.approx(
        silhouette_score(points, labels), abs=1e-4
    )


def test_one_cluster_has_no_silhouette():
    assert silhouette(measure_apart(mixture(10)), np.zeros(10, int)) is None


def test_the_most_distinct_clusters_are_recommended():
    k, why = recommend([Tried(2, 0.3, 1.0), Tried(3, 0.5, 0.9), Tried(4, 0.4, 0.9)])

    assert k == 3
    assert "most distinct" in why
    assert "0.50" in why


def test_clusters_that_other_starts_do_not_find_again_are_not_recommended():
    k, why = recommend([Tried(2, 0.3, 1.0), Tried(3, 0.5, 0.5), Tried(4, 0.4, 0.9)])

    assert k == 4
    assert "other starts" in why


def test_of_equally_good_ones_the_least_k_is_recommended():
    assert recommend([Tried(2, 0.5, 1.0), Tried(3, 0.5, 1.0)])[0] == 2


def test_without_starts_to_compare_the_silhouette_alone_counts():
    assert recommend([Tried(2, 0.3, None), Tried(3, 0.5, None)])[0] == 3


def test_a_range_of_one_cluster_recommends_it():
    assert recommend([Tried(1, None, 1.0)])[0] == 1
