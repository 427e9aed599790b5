"""Wishes brought into a grouping, and the colours that keep points apart."""

from dataclasses import replace

import numpy as np
import pytest

from tests.generated import around, centers
from vidindex import kmeans
from vidindex.blocks import Points
from vidindex.colouring import colour, find_clique
from vidindex.constraints import Wishes, claim_clusters, grant
from vidindex.lineage import NO_LABEL


def pairs(*nodes):
    return [(one, other) for one in nodes for other in nodes if one < other]


def neighbours(edges, count):
    found = {node: set() for node in range(count)}
    for one, other in edges:
        found[one].add(other)
        found[other].add(one)
    return found


def wishes(pins, apart=()):
    return Wishes(pins, tuple(apart), str)


@pytest.fixture(scope="module")
def points():
    """Forty points of each of three kinds, in this order."""
    kinds = [around(center, 40, seed=row) for row, center in enumerate(centers(3))]
    return Points.of(np.concatenate(kinds))


@pytest.fixture(scope="module")
def grouping(points):
    return kmeans.group(points, 3, seed=0, n_init=2)


def test_granted_wishes_are_returned_as_they_were(points, grouping):
    label = int(grouping.labels[0])
    granted = wishes({0: label}, [(1, 41)])

    assert grant(points, grouping, granted, {label: label}) is grouping


def test_only_the_points_that_wishes_are_of_move_where_that_is_enough(points, grouping):
    other = int(grouping.labels[40])
    asked = wishes({0: other}, [(81, 82)])

    found = grant(points, grouping, asked, {other: other})

    moved = np.flatnonzero(found.labels != grouping.labels).tolist()
    assert found.labels[0] == other
    assert found.labels[81] != found.labels[82]
    assert moved in ([0, 81], [0, 82])


def test_the_one_that_is_less_certain_gives_way(points, grouping):
    asked = wishes({}, [(81, 82)])
    nearer, farther = sorted((81, 82), key=lambda row: grouping.distances[row])

    found = grant(points, grouping, asked, {})

    assert found.labels[nearer] == grouping.labels[nearer]
    offsets = grouping.centroids - points.all()[farther]
    by_distance = np.argsort(np.linalg.norm(offsets, axis=1))
    assert found.labels[farther] == by_distance[1]


def test_points_in_no_cluster_stay_there_unless_they_are_pinned(points, grouping):
    labels = grouping.labels.copy()
    labels[[0, 1, 2]] = NO_LABEL
    noisy = replace(grouping, labels=labels)

    found = grant(points, noisy, wishes({0: 1}, [(1, 2)]), {1: 1}, settles=False)

    assert found.labels[[0, 1, 2]].tolist() == [1, NO_LABEL, NO_LABEL]
    assert found.labels[3:].tolist() == labels[3:].tolist()


def test_points_in_no_cluster_are_apart_already(points, grouping):
    labels = grouping.labels.copy()
    labels[[1, 2]] = NO_LABEL
    noisy = replace(grouping, labels=labels)

    assert grant(points, noisy, wishes({}, [(1, 2)]), {}, settles=False) is noisy


def test_a_seeded_cluster_begins_with_its_pinned_points(points, grouping):
    """Two clusters, in which the second and third kind are one, and a label for the third kind."""
    two = kmeans.group(points, 2, seed=0, n_init=2)
    asked = wishes({80: 7, 81: 7, 0: 5, 40: 5})
    claims = claim_clusters(points, two, np.array([5, 6]), asked)

    found = grant(points, two, asked, claims, seeded=frozenset({1}))

    assert claims == {0: 5, 1: 7}
    assert set(found.labels[80:].tolist()) == {1}
    assert found.labels[[0, 40]].tolist() == [0, 0]


def test_a_cluster_that_the_wishes_empty_gets_another_point():
    points = Points.of(np.diag(np.arange(1, 6)).astype(np.float32))
    each = kmeans.group(points, 4, seed=0, n_init=1)
    alone = next(row for row in range(5) if (each.labels == each.labels[row]).sum() == 1)
    other = int(each.labels[(alone + 1) % 5])

    found = grant(points, each, wishes({alone: other}), {other: other})

    assert found.labels[alone] == other
    assert set(found.labels.tolist()) == {0, 1, 2, 3}


def test_the_results_are_measured_anew(points, grouping):
    found = grant(points, grouping, wishes({0: 1, 40: 2, 80: 0}), {0: 0, 1: 1, 2: 2})

    array = points.all()
    for label in range(3):
        mean = array[found.labels == label].mean(axis=0)
        np.testing.assert_allclose(found.centroids[label], mean, atol=1e-5)
    expected = np.linalg.norm(array - found.centroids[found.labels], axis=1)
    np.testing.assert_allclose(found.distances, expected, rtol=1e-5)
    assert found.inertia == pytest.approx(np.sum(expected**2), rel=1e-5)


def test_first_choices_count_where_they_fit_together():
    choices = {0: [2, 0, 1], 1: [2, 1, 0], 2: [1, 2, 0]}

    assert colour(choices, neighbours([(0, 1)], 3), {}) == {0: 2, 1: 1, 2: 1}


def test_colours_are_found_where_the_first_choices_lead_to_none():
    """A crown: each upper node is a neighbour of all lower ones but its own."""
    edges = [(row, 4 + other) for row in range(4) for other in range(4) if row != other]
    graph = neighbours(edges, 8)
    order = [0, 4, 1, 5, 2, 6, 3, 7]  # the order in which choosing the first free colour fails
    choices = {node: [0, 1] for node in order}

    found = colour(choices, graph, {})

    assert found is not None
    assert all(found[one] != found[other] for one, other in edges)


def test_colours_that_cannot_be_are_not_found():
    edges = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)]  # an odd ring needs three

    assert colour({node: [0, 1] for node in range(5)}, neighbours(edges, 5), {}) is None
    assert colour({node: [0, 1, 2] for node in range(5)}, neighbours(edges, 5), {}) is not None
    assert colour({0: [0, 1]}, neighbours([(0, 1), (0, 2)], 3), {1: 0, 2: 1}) is None


def test_a_clique_is_found_among_other_edges():
    edges = [*pairs(1, 3, 4, 6), (0, 1), (0, 3), (2, 5), (5, 6)]

    assert find_clique(neighbours(edges, 7)) == [1, 3, 4, 6]


def test_far_too_many_that_must_be_apart_are_told_quickly():
    edges = pairs(*range(60))

    assert colour({node: list(range(30)) for node in range(60)}, neighbours(edges, 60), {}) is None
