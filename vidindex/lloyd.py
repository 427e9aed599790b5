"""Lloyd's algorithm over points in blocks: from given centroids to better ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidindex.blocks import Points, work_through

ROUNDING = 1e-6  # of squared lengths, with float32 numbers


@dataclass(frozen=True)
class Partition:
    """k clusters of n points; some may be empty if there are fewer distinct points.

    labels: (n,) from 0 to k - 1. centroids: (k, d) float32, the means of the clusters.
    inertia: the sum of the squared distances to the centroids of the step before, about.
    """

    labels: NDArray[np.intp]
    centroids: NDArray[np.float32]
    inertia: float


@dataclass(frozen=True)
class Origin:
    """A point near all others, (d,) float32, and their squared distances to it, (n,) float32.

    Relative to it the products are small, and so are their rounding errors.
    """

    middle: NDArray[np.float32]
    lengths: NDArray[np.float32]


@dataclass(frozen=True)
class _Step:
    """Every point in the cluster of its nearest centroid. sums: (k, d) float64 of the points."""

    labels: NDArray[np.intp]
    squares: NDArray[np.float32]
    sums: NDArray[np.float64]
    sizes: NDArray[np.intp]


def refine(
    points: Points,
    centroids: NDArray[np.float32],
    *,
    tolerance: float,
    most_steps: int,
    origin: Origin | None = None,
) -> Partition:
    """Move centroids to the means of the points that are nearest to them, again and again.

    centroids: (k, d) float32. tolerance: the relative gain of a step at which it ends, unless no
    point changes its cluster before. A cluster that loses all its points gets the point that is
    farthest from its centroid.
    """
    origin = origin or _measure_from(points, centroids.mean(axis=0))
    before: Partition | None = None
    while True:
        step = _assign(points, centroids, origin)
        inertia = float(step.squares.sum(dtype=np.float64))
        was_filled = _fill_empty(points, step, ROUNDING * float(origin.lengths.max()))
        sizes = np.maximum(step.sizes, 1)[:, np.newaxis]
        means = np.where(step.sizes[:, np.newaxis] > 0, step.sums / sizes, centroids)
        after = Partition(step.labels, means.astype(np.float32), inertia)
        most_steps -= 1
        has_settled = before and not was_filled and _has_settled(before, after, tolerance)
        if most_steps <= 0 or has_settled:
            return after
        before, centroids = after, after.centroids


def measure_distances(
    points: Points, labels: NDArray[np.intp], centroids: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the Euclidean distance of each point to the centroid of its label: (n,) float64.

    No label may be negative.
    """

    def measure(rows: slice, block: NDArray[np.float32]) -> NDArray[np.float64]:
        offsets = block - centroids[labels[rows]]
        np.square(offsets, out=offsets)
        lengths: NDArray[np.float64] = np.sqrt(offsets.sum(axis=1, dtype=np.float64))
        return lengths

    return np.concatenate(list(work_through(points, measure)))


def find_means(points: Points, labels: NDArray[np.intp], k: int) -> NDArray[np.float32]:
    """Return the means of k clusters, none of them empty: (k, d) float32.

    labels: (n,) from 0 to k - 1; negative: in no cluster.
    """
    sums = np.zeros((k, points.dimensions))
    for part in work_through(points, lambda rows, block: _sum_up(block, labels[rows], k)):
        sums += part
    sizes = np.bincount(labels[labels >= 0], minlength=k)
    return (sums / sizes[:, np.newaxis]).astype(np.float32)


def _assign(points: Points, centroids: NDArray[np.float32], origin: Origin) -> _Step:
    k = len(centroids)
    arms = centroids - origin.middle
    offsets = np.einsum("kd,kd->k", arms, arms) + 2 * (arms @ origin.middle)

    def assign(
        rows: slice, block: NDArray[np.float32]
    ) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.float32]]:
        scores = block @ arms.T
        scores *= -2
        scores += offsets
        labels = scores.argmin(axis=1)
        squares = scores[np.arange(len(block)), labels] + origin.lengths[rows]
        return labels, np.maximum(squares, 0), _sum_up(block, labels, k)

    labels, squares, sums = [], [], np.zeros((k, points.dimensions))
    for block_labels, block_squares, block_sums in work_through(points, assign):
        labels.append(block_labels)
        squares.append(block_squares)
        sums += block_sums
    joined = np.concatenate(labels)
    return _Step(joined, np.concatenate(squares), sums, np.bincount(joined, minlength=k))


def _measure_from(points: Points, middle: NDArray[np.float32]) -> Origin:
    def measure(_: slice, block: NDArray[np.float32]) -> NDArray[np.float32]:
        offsets = block - middle
        squares: NDArray[np.float32] = np.einsum("nd,nd->n", offsets, offsets)
        return squares

    return Origin(middle, np.concatenate(list(work_through(points, measure))))


def _sum_up(block: NDArray[np.float32], labels: NDArray[np.intp], k: int) -> NDArray[np.float32]:
    is_in = (labels == np.arange(k)[:, np.newaxis]).astype(np.float32)
    sums: NDArray[np.float32] = is_in @ block
    return sums


def _fill_empty(points: Points, step: _Step, least: float) -> bool:
    """Give each empty cluster the farthest point, in place; return whether there was one.

    least: a squared distance that could come of rounding.
    """
    empty = np.flatnonzero(step.sizes == 0)
    farthest = np.argsort(-step.squares, kind="stable")[: len(empty)]
    was_filled = False
    for cluster, row in zip(empty, farthest, strict=True):
        if step.squares[row] <= least or step.sizes[step.labels[row]] == 1:
            continue
        point = points.rows(np.array([row]))[0]
        step.sums[step.labels[row]] -= point
        step.sizes[step.labels[row]] -= 1
        step.sums[cluster], step.sizes[cluster], step.labels[row] = point, 1, cluster
        was_filled = True
    return was_filled


def _has_settled(before: Partition, after: Partition, tolerance: float) -> bool:
    gain = before.inertia - after.inertia
    return gain <= tolerance * after.inertia or np.array_equal(before.labels, after.labels)
