"""Better minima of K-Means than its starts find: breathing k-means.

Centroids are added where the error is greatest and taken out where they are missed least, by
turns, as long as that helps (Fritzke 2020, arXiv:2006.15666, algorithm 1). Where we differ: a
centroid that is added lies beside the one with the great error by a seeded random step, and the
neighbours that stay are chosen among the nearest centroids, one for each that goes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEPTH = 5  # so many centroids are added and taken out at first
_STEP = 0.01  # of the root mean squared distance of the points to their centroids
_LEAST_GAIN = 1e-4


@dataclass(frozen=True)
class Fitted:
    """K-Means at rest. labels: (n,), centroids: (k, d) float32, inertia: the squared distances."""

    labels: NDArray[np.intp]
    centroids: NDArray[np.float32]
    inertia: float


def breathe(
    points: NDArray[np.float32],
    fitted: Fitted,
    settle: Callable[[NDArray[np.float32]], Fitted],
    *,
    seed: int,
) -> Fitted:
    """Return a fit that is no worse. settle: runs Lloyd's algorithm from given centroids.

    points: (n, d) float32. If all points lie on their centroids there is nothing to gain.
    """
    chance = np.random.default_rng(seed)
    lengths = np.einsum("nd,nd->n", points, points)
    k = len(fitted.centroids)
    depth = min(DEPTH, k)
    while depth > 0 and fitted.inertia > 0 and k + depth <= len(points):
        more = settle(_breathe_in(points, lengths, fitted, depth, chance))
        fewer = settle(_breathe_out(points, more.centroids, depth))
        if fewer.inertia < (1 - _LEAST_GAIN) * fitted.inertia:
            fitted = fewer
        else:
            depth -= 1
    return fitted


def _breathe_in(
    points: NDArray[np.float32],
    lengths: NDArray[np.float32],
    fitted: Fitted,
    depth: int,
    chance: np.random.Generator,
) -> NDArray[np.float32]:
    nearest, squares, _ = _two_nearest(points, fitted.centroids)
    k, dimensions = fitted.centroids.shape
    errors = np.bincount(nearest, np.maximum(squares + lengths, 0), minlength=k)
    worst = np.argsort(-errors, kind="stable")[:depth]
    step = _STEP * np.sqrt(fitted.inertia / points.size)
    beside = fitted.centroids[worst] + step * chance.standard_normal((depth, dimensions))
    return np.vstack([fitted.centroids, beside]).astype(np.float32)


def _breathe_out(
    points: NDArray[np.float32], centroids: NDArray[np.float32], depth: int
) -> NDArray[np.float32]:
    """Take out the centroids without which the error grows least, no two that are neighbours."""
    nearest, squares, second_squares = _two_nearest(points, centroids)
    missed = np.bincount(nearest, second_squares - squares, minlength=len(centroids))
    lengths = np.einsum("kd,kd->k", centroids, centroids)
    apart = lengths[:, np.newaxis] - 2 * (centroids @ centroids.T) + lengths
    np.fill_diagonal(apart, np.inf)
    out: list[int] = []
    stays: set[int] = set()
    for number in np.argsort(missed, kind="stable").tolist():
        if len(out) == depth:
            break
        if number not in stays:
            out.append(number)
            if len(stays) + depth < len(centroids):
                stays.add(int(apart[number].argmin()))
    left = np.delete(centroids, out, axis=0)
    return left[: len(centroids) - depth]


def _two_nearest(
    points: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.float32]]:
    """Return the nearest centroid of each point, and the two least squared distances.

    Both are without the point's own squared length. With one centroid both are to that.
    """
    scores = points @ centroids.T
    scores *= -2
    scores += np.einsum("kd,kd->k", centroids, centroids)
    nearest = scores.argmin(axis=1)
    rows = np.arange(len(points))
    squares = scores[rows, nearest]
    if len(centroids) > 1:
        scores[rows, nearest] = np.inf
    return nearest, squares, scores.min(axis=1)
