"""Find, among many vectors, the pairs that may be near each other. NumPy only.

All pairs are looked at, but each vector in short, as a *sketch*: its direction, multiplied by a
random matrix, which keeps distances but for a few per cent (Johnson and Lindenstrauss, "Extensions
of Lipschitz mappings into a Hilbert space", 1984). The *gap* of two vectors is 1 - cosine; the
*spread* of a library is the mean gap of all its pairs. A gap is small or large by the spread only:
it is 0.005 for a network that was never trained, and a hundred times as much for one that was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.int64]

SKETCH_SIZE = 128
# A squared distance of sketches has a standard deviation of 12.5 % of itself: so one pair in a
# million is lost for which this allowance is too small.
ALLOWANCE = 1.6
BLOCK_ROWS = 2048  # of so many sketches each with each: 16 MiB
NEAREST = 64  # pairs that are kept for each vector, so that a thousand alike are no million pairs
MOST_PAIRS_HELD = 4_000_000  # before the farther ones of them are dropped: 100 MB
PAIRS_AT_ONCE = 1024  # of whole vectors in float64: 16 MiB for each of the two
# Copies were found to differ by 0.07 s, and by what the sound is longer than the pictures.
CLOSE_S = 0.3
CLOSE_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class Sketches:
    """Vectors in short.

    rows: (n, 128) float32, about their mean. spread: the mean gap of all pairs of different rows;
    0 of fewer than two. is_sound: (n,) bool, false for a vector that has no direction.
    """

    rows: NDArray[np.float32]
    spread: float
    is_sound: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Traits:
    """What is known of the videos besides their vectors.

    durations_s: (n,), NaN where it is not known; such a video is near to no one. has_pictures:
    (n,), whether there are any that can be compared.
    """

    durations_s: NDArray[np.float64]
    has_pictures: NDArray[np.bool_]


@dataclass(frozen=True)
class Limits:
    """The largest gap of near videos: where both have pictures, which must agree, and elsewhere."""

    with_pictures: float
    without: float


class Sketcher:
    """Makes sketches of vectors that come block by block, as the memory may not hold them all."""

    def __init__(self, size: int) -> None:
        """Take vectors of so many numbers."""
        chance = np.random.default_rng(0)
        self._matrix = chance.standard_normal((size, SKETCH_SIZE), np.float32)
        self._matrix /= np.float32(np.sqrt(SKETCH_SIZE))
        self._total = np.zeros(size)
        self._rows: list[NDArray[np.float32]] = []
        self._is_sound: list[NDArray[np.bool_]] = []

    def add(self, vectors: NDArray[np.float32]) -> None:
        """Take the next vectors, (n, size) float32."""
        directions, is_sound = to_directions(vectors)
        self._total += directions.sum(axis=0, dtype=np.float64)
        self._rows.append(directions @ self._matrix)
        self._is_sound.append(is_sound)

    def finish(self) -> Sketches:
        """Return the sketches of all vectors, in order."""
        rows = np.concatenate([np.empty((0, SKETCH_SIZE), np.float32), *self._rows])
        is_sound = np.concatenate([np.empty(0, np.bool_), *self._is_sound])
        count = int(is_sound.sum())
        mean = self._total / max(1, count)
        rows -= (mean @ self._matrix.astype(np.float64)).astype(np.float32)
        spread = max(0.0, 1 - float(mean @ mean)) * count / (count - 1) if count > 1 else 0.0
        return Sketches(rows, spread, is_sound)


def to_directions(
    vectors: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return vectors at length 1, (n, d) float32, and which have a direction: the others are 0."""
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(vectors, axis=1)
        is_sound = np.isfinite(lengths) & (lengths > 0)
        directions = vectors / lengths[:, np.newaxis]
    directions[~is_sound] = 0
    return directions, is_sound


def are_close(one_s: NDArray[np.float64], other_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether durations are those of copies: by 0.3 s, or by 1 % of the longer. NaN never is."""
    longer = np.maximum(one_s, other_s)
    close: NDArray[np.bool_] = np.abs(one_s - other_s) <= np.maximum(CLOSE_S, CLOSE_SHARE * longer)
    return close


def find_candidates(sketches: Sketches, traits: Traits, limits: Limits) -> Pairs:
    """Find the pairs of close duration that may be near.

    Returns (m, 2), in each the lower row first, and in order; of a row with very many lower ones
    only the nearest 64.
    """
    usable = np.flatnonzero(sketches.is_sound & np.isfinite(traits.durations_s))
    order = usable[np.argsort(traits.durations_s[usable], kind="stable")]
    sorted_traits = Traits(traits.durations_s[order], traits.has_pictures[order])
    nearest = _Nearest(len(sketches.rows))
    for one, other, gaps in _sweep(sketches.rows[order], sorted_traits, limits):
        nearest.add(order[one], order[other], gaps)
    return nearest.finish()


def find_gaps(
    vectors: NDArray[np.float32], one: NDArray[np.int64], other: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the gap of each pair of rows, (m,). vectors: (n, d) float32, not of length 1."""
    gaps = np.empty(len(one))
    for start in range(0, len(one), PAIRS_AT_ONCE):
        part = slice(start, start + PAIRS_AT_ONCE)
        difference = _exact_directions(vectors[one[part]]) - _exact_directions(vectors[other[part]])
        gaps[part] = np.einsum("nd,nd->n", difference, difference) / 2
    return gaps


def _exact_directions(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    exact = vectors.astype(np.float64)
    directions: NDArray[np.float64] = exact / np.linalg.norm(exact, axis=1, keepdims=True)
    return directions


def _sweep(
    rows: NDArray[np.float32], traits: Traits, limits: Limits
) -> Iterator[tuple[Pairs, Pairs, NDArray[np.float32]]]:
    """Give the pairs of near rows, block by block. rows: sorted by duration."""
    halves = np.einsum("nd,nd->n", rows, rows) / 2
    durations_s, pictured = traits.durations_s, traits.has_pictures
    longest = np.maximum(durations_s + CLOSE_S, durations_s / (1 - CLOSE_SHARE))
    ends = np.searchsorted(durations_s, longest, side="right")
    for top in range(0, len(rows), BLOCK_ROWS):
        bottom = min(top + BLOCK_ROWS, len(rows))
        for left in range(top, int(ends[bottom - 1]), BLOCK_ROWS):
            right = min(left + BLOCK_ROWS, len(rows))
            gaps = rows[top:bottom] @ rows[left:right].T
            np.subtract(halves[left:right], gaps, out=gaps)
            gaps += halves[top:bottom, np.newaxis]
            has_both = pictured[top:bottom].any() and pictured[left:right].any()
            most = max(limits.with_pictures, limits.without) if has_both else limits.without
            at = np.flatnonzero(gaps <= ALLOWANCE * most)
            one, other = top + at // (right - left), left + at % (right - left)
            near = gaps.ravel()[at]
            wanted = (other > one) & are_close(durations_s[one], durations_s[other])
            wanted &= (pictured[one] & pictured[other]) | (near <= ALLOWANCE * limits.without)
            yield one[wanted], other[wanted], near[wanted]


class _Nearest:
    """Collects pairs; of each row with many lower ones, only the nearest of those stay."""

    def __init__(self, row_count: int) -> None:
        self._pairs: list[Pairs] = [np.empty((0, 2), np.int64)]
        self._gaps: list[NDArray[np.float32]] = [np.empty(0, np.float32)]
        self._held = 0
        # Up to which gap a pair is wanted still, by its higher row.
        self._bars = np.full(row_count, np.inf, np.float32)

    def add(self, one: Pairs, other: Pairs, gaps: NDArray[np.float32]) -> None:
        higher = np.maximum(one, other)
        wanted = gaps <= self._bars[higher]
        lower = np.minimum(one[wanted], other[wanted])
        self._pairs.append(np.stack([lower, higher[wanted]], axis=1))
        self._gaps.append(gaps[wanted])
        self._held += len(lower)
        if self._held > MOST_PAIRS_HELD:
            self._drop_far()

    def finish(self) -> Pairs:
        self._drop_far()
        pairs = self._pairs[0]
        ordered: Pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        return ordered

    def _drop_far(self) -> None:
        pairs, gaps = np.concatenate(self._pairs), np.concatenate(self._gaps)
        order = np.lexsort((pairs[:, 0], gaps, pairs[:, 1]))
        pairs, gaps = pairs[order], gaps[order]
        ranks = np.arange(len(pairs)) - np.searchsorted(pairs[:, 1], pairs[:, 1], side="left")
        last = ranks == NEAREST - 1
        self._bars[pairs[last, 1]] = gaps[last]
        near = ranks < NEAREST
        self._pairs, self._gaps, self._held = [pairs[near]], [gaps[near]], int(near.sum())
