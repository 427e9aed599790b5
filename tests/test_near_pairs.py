"""Pairs of vectors that may be near: none is lost, and thousands alike are no millions of pairs."""

import numpy as np
import pytest

from tests.generated import around, centers
from vidindex import near_pairs
from vidindex.near_pairs import Limits, Sketcher, Traits, find_gaps


def sketches(vectors, block=100):
    sketcher = Sketcher(vectors.shape[1])
    for start in range(0, len(vectors), block):
        sketcher.add(vectors[start : start + block])
    return sketcher.finish()


def find_candidates(made, durations_s, most, *, without=0.0):
    """Find candidates among videos that all have pictures, but for the first."""
    pictured = np.arange(len(durations_s)) > 0
    traits = Traits(np.asarray(durations_s, np.float64), pictured if without else pictured | True)
    return near_pairs.find_candidates(made, traits, Limits(most, without))


def gaps_of_all(vectors):
    exact = vectors.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    return 1 - exact @ exact.T


@pytest.fixture(scope="module")
def vectors():
    """400 vectors about 40 points: some pairs are near, most are not."""
    return np.concatenate([around(center, 10, seed=row) for row, center in enumerate(centers(40))])


def test_the_spread_is_the_mean_gap_of_all_pairs(vectors):
    gaps = gaps_of_all(vectors)[np.triu_indices(len(vectors), 1)]

    assert sketches(vectors).spread == pytest.approx(gaps.mean(), rel=1e-5)


@pytest.mark.parametrize("block_rows", [7, 2048])
def test_every_near_pair_of_close_duration_is_a_candidate(vectors, monkeypatch, block_rows):
    monkeypatch.setattr(near_pairs, "BLOCK_ROWS", block_rows)
    durations_s = np.tile([10.0, 10.2, 10.6, 100.0, 101.0], 80)
    close = near_pairs.are_close(durations_s[:, np.newaxis], durations_s[np.newaxis])
    near = np.argwhere(np.triu((gaps_of_all(vectors) <= 0.1) & close, 1))

    found = find_candidates(sketches(vectors), durations_s, 0.1)

    assert len(near) > 500
    assert {*map(tuple, near.tolist())} <= {*map(tuple, found.tolist())}
    assert all(close[one, other] and one < other for one, other in found.tolist())
    assert len(found) < 2 * len(near)  # few that are not near come along


def test_gaps_are_exact_for_vectors_that_hardly_differ():
    base = centers(1)[0]
    other = base.copy()
    other[0] += 1e-3
    exact = gaps_of_all(np.stack([base, other]))[0, 1]

    assert find_gaps(np.stack([base, other]), *np.array([[0], [1]])) == pytest.approx(
        exact, abs=1e-15
    )
    assert 0 < exact < 1e-8


@pytest.mark.parametrize(
    ("one_s", "other_s", "expected"),
    [
        (10.0, 10.29, True),
        (10.0, 10.31, False),
        (3600.0, 3630.0, True),
        (3600.0, 3640.0, False),
        (10.0, np.nan, False),
        (np.nan, np.nan, False),
    ],
)
def test_durations_are_close_by_a_third_of_a_second_or_a_hundredth(one_s, other_s, expected):
    assert bool(near_pairs.are_close(np.float64(one_s), np.float64(other_s))) is expected


def test_a_video_of_unknown_duration_or_without_direction_is_in_no_pair():
    vectors = np.repeat(centers(1), 5, axis=0)
    vectors[1] = 0
    vectors[2, 7] = np.nan

    found = find_candidates(sketches(vectors), np.array([1, 1, 1, np.nan, 1]), 0.1)

    assert found.tolist() == [[0, 4]]


def test_a_video_without_pictures_must_be_nearer():
    base = centers(1)[0]
    vectors = np.stack([base, base * 2, *around(base, 2)])

    found = find_candidates(sketches(vectors), np.ones(4), 0.5, without=1e-6)

    assert found.tolist() == [[0, 1], [1, 2], [1, 3], [2, 3]]


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_vectors_have_no_pairs_and_no_spread(count):
    made = sketches(centers(1)[:count])

    assert made.spread == 0
    assert find_candidates(made, np.ones(count), 1.0).shape == (0, 2)


def test_of_thousands_alike_only_the_nearest_pairs_are_held(monkeypatch):
    monkeypatch.setattr(near_pairs, "MOST_PAIRS_HELD", 10_000)
    vectors = np.repeat(centers(1), 1000, axis=0)

    found = find_candidates(sketches(vectors), np.ones(1000), 0.1)

    assert len(found) < 1000 * near_pairs.NEAREST
    assert {other for one, other in found.tolist() if one == 0} == set(range(1, 1000))
