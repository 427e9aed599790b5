"""Where vectors lie on a plane: the like ones near each other, the same each time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vidindex import layouts
from vidindex.blocks import Points
from vidindex.layouts import lay_out, place_among


def groups(count: int, each: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return unit vectors in groups that overlap a little, mixed, and the group of each."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(count), each))
    middles = np.random.default_rng(99).normal(0, 1, (count, 64))
    drawn = middles[labels] + rng.normal(0, 0.5, (len(labels), 64))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32), labels


def purity(places: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    """Return the share of the 5 nearest neighbours of a place that are of its own group."""
    distances = np.linalg.norm(places[:, np.newaxis] - places, axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1)[:, :5]
    return float(np.mean(labels[nearest] == labels[:, np.newaxis]))


def assert_on_the_map(places: NDArray[np.float64], count: int) -> None:
    assert places.shape == (count, 2)
    assert places.min() >= 0
    assert places.max() <= 1


def test_like_vectors_lie_together():
    vectors, labels = groups(8, 25)

    places = lay_out(Points.of(vectors))

    assert_on_the_map(places, 200)
    assert purity(places, labels) > 0.95
    assert purity(places, np.random.default_rng(0).permutation(labels)) < 0.3


def test_the_map_fills_its_square():
    places = lay_out(Points.of(groups(4, 10)[0]))

    widths = places.max(axis=0) - places.min(axis=0)
    assert widths.max() == pytest.approx(1)
    assert widths.min() > 0.3


def test_of_many_an_even_choice_is_laid_out_and_the_others_lie_with_their_like(monkeypatch):
    monkeypatch.setattr(layouts, "MOST_LAID_OUT", 120)
    vectors, labels = groups(8, 75)

    places = lay_out(Points.of(vectors))

    assert_on_the_map(places, 600)
    assert purity(places, labels) > 0.9


def test_the_same_vectors_get_the_same_places_to_the_bit():
    vectors, _ = groups(4, 20)

    assert lay_out(Points.of(vectors)).tobytes() == lay_out(Points.of(vectors)).tobytes()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 10])
def test_few_vectors_have_places_of_their_own(count):
    vectors, _ = groups(count, 1)

    places = lay_out(Points.of(vectors))

    assert_on_the_map(places, count)
    assert len(np.unique(places, axis=0)) == count


def test_one_vector_lies_in_the_middle():
    assert lay_out(Points.of(groups(1, 1)[0])).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("count", [2, 5, 50])
def test_equal_vectors_lie_on_one_spot(count):
    places = lay_out(Points.of(np.repeat(groups(1, 1)[0], count, axis=0)))

    np.testing.assert_allclose(places, 0.5, atol=1e-6)


def test_vectors_of_zeros_have_a_place():
    assert_on_the_map(lay_out(Points.of(np.zeros((7, 64), np.float32))), 7)


def test_two_groups_of_equal_vectors_lie_apart():
    vectors = np.repeat(groups(2, 1)[0], 20, axis=0)

    places = lay_out(Points.of(vectors))

    np.testing.assert_allclose(np.abs(places[0] - places[-1]).max(), 1, atol=1e-6)
    np.testing.assert_allclose(places[:20], places[:1].repeat(20, axis=0), atol=1e-6)


def test_many_copies_of_one_vector_leave_room_for_the_others():
    vectors, labels = groups(4, 20)
    vectors[:30], labels[:30] = vectors[0], 9

    places = lay_out(Points.of(vectors))

    assert np.isfinite(places).all()
    assert purity(places, labels) > 0.8


def test_a_copy_is_placed_where_the_original_lies():
    known, _ = groups(4, 20)
    places = np.random.default_rng(0).random((80, 2))

    found = place_among(known[[3, 7]], known, places)

    np.testing.assert_allclose(found, places[[3, 7]], atol=1e-3)


def test_a_point_is_placed_among_those_it_is_like():
    known, labels = groups(4, 20)
    corners = np.array([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.9]])
    spread = np.random.default_rng(0).normal(0, 0.02, (80, 2))
    new, new_labels = groups(4, 5, seed=1)

    found = place_among(new, known, corners[labels] + spread)

    assert np.abs(found - corners[new_labels]).max() < 0.1


def test_a_point_may_have_one_neighbour_only():
    known, _ = groups(1, 1)

    assert place_among(groups(3, 1)[0], known, np.array([[0.2, 0.7]])).tolist() == [[0.2, 0.7]] * 3


def test_of_very_many_known_points_an_even_choice_is_enough(monkeypatch):
    monkeypatch.setattr(layouts, "MOST_AMONG", 40)
    monkeypatch.setattr(layouts, "ROWS_AT_ONCE", 7)
    known, labels = groups(4, 50)
    new, new_labels = groups(4, 5, seed=1)

    found = place_among(new, known, np.stack([labels / 3, labels / 3], axis=1))

    assert np.abs(found[:, 0] - new_labels / 3).max() < 0.1
