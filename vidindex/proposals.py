"""Which of the user's classes new points belong to, and how sure that is. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidindex.blocks import Points
from vidindex.lloyd import find_means

NEIGHBOURS = 5
# A point fits a class fully up to so many times the usual distance of members from their mean.
FULL_FIT = 2.0
CHUNK_ROWS = 256


@dataclass(frozen=True)
class Proposals:
    """Classes for q points. best: (q,) from 0 to m - 1. confidence: (q,) float64 from 0 to 1."""

    best: NDArray[np.intp]
    confidence: NDArray[np.float64]


def propose(
    arranged: NDArray[np.float32], classes: NDArray[np.intp], points: NDArray[np.float32]
) -> Proposals:
    """Propose for each point the class with the nearest mean.

    arranged: (n, d) float32, the members of m classes; classes: (n,) from 0 to m - 1, none empty;
    points: (q, d) float32, in the same space.

    The confidence is the smallest of three numbers from 0 to 1: the margin, which is how much
    nearer the best mean is than the second, in units of the spread (the root mean square distance
    of members from their mean, as a video that is no member yet would have it); the agreement,
    which is the share of the nearest members, NEIGHBOURS or as many as the class has, that are of
    the class; and the fit, which falls with the square of the distance to the mean beyond FULL_FIT
    spreads.
    """
    middle = arranged.mean(axis=0)
    members = arranged - middle
    sizes = np.bincount(classes)
    means = find_means(Points.of(members), classes, len(sizes))
    spread = _find_spread(members, classes, means)
    best = np.empty(len(points), dtype=np.intp)
    confidence = np.empty(len(points))
    for start in range(0, len(points), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        own = points[chunk] - middle
        to_means = _distances(own, means)
        best[chunk] = to_means.argmin(axis=1)
        certain = _margins_and_fits(to_means, spread)
        agreement = _agreement(_distances(own, members), classes, best[chunk], sizes)
        confidence[chunk] = np.minimum(certain, agreement)
    return Proposals(best, confidence)


def _find_spread(
    members: NDArray[np.float32], classes: NDArray[np.intp], means: NDArray[np.float32]
) -> float:
    """Return the spread; if every class has but one member, half the least distance of two means.

    A member lies nearer to a mean that it has a part in; that is made up for.
    """
    sizes = np.bincount(classes)[classes]
    is_one_of_many = sizes > 1
    if is_one_of_many.any():
        offsets = members[is_one_of_many] - means[classes[is_one_of_many]]
        squares = np.einsum("nd,nd->n", offsets, offsets, dtype=np.float64)
        unseen = (sizes[is_one_of_many] / (sizes[is_one_of_many] - 1)) ** 2
        return float(np.sqrt(np.mean(squares * unseen)))
    between = _distances(means, means)
    return float(np.min(between[~np.eye(len(means), dtype=bool)], initial=np.inf)) / 2


def _margins_and_fits(to_means: NDArray[np.float64], spread: float) -> NDArray[np.float64]:
    """Return the smaller of margin and fit of each point. to_means: (q, m) distances."""
    nearest = np.sort(to_means, axis=1)
    tiny = np.finfo(np.float64).tiny
    if not np.isfinite(spread):  # one video in all: it tells nothing of how far others may be
        return (nearest[:, 0] <= tiny).astype(np.float64)
    spread = max(spread, float(tiny))
    reach = FULL_FIT * spread
    fits = (reach / np.maximum(nearest[:, 0], reach)) ** 2
    margins = np.ones(len(nearest))
    if nearest.shape[1] > 1:
        margins = np.minimum(nearest[:, 1] - nearest[:, 0], spread) / spread
    smaller: NDArray[np.float64] = np.minimum(margins, fits)
    return smaller


def _agreement(
    to_members: NDArray[np.float64],
    classes: NDArray[np.intp],
    best: NDArray[np.intp],
    sizes: NDArray[np.intp],
) -> NDArray[np.float64]:
    nearest = np.argsort(to_members, axis=1, kind="stable")[:, :NEIGHBOURS]
    is_of_best = classes[nearest] == best[:, None]
    looked_at = np.minimum(NEIGHBOURS, sizes[best])
    is_counted = np.arange(nearest.shape[1]) < looked_at[:, None]
    shares: NDArray[np.float64] = (is_of_best & is_counted).sum(axis=1) / looked_at
    return shares


def _distances(points: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the distances of each point to each other one: (q, n) float64."""
    squares = (
        np.einsum("nd,nd->n", points, points)[:, None]
        + np.einsum("nd,nd->n", others, others)
        - 2 * (points @ others.T)
    )
    distances: NDArray[np.float64] = np.sqrt(np.maximum(squares, 0)).astype(np.float64)
    return distances
