"""A plane in which like vectors lie near each other.

t-SNE (van der Maaten, Hinton 2008, jmlr.org/papers/v9/vandermaaten08a.html; Barnes-Hut: van der
Maaten 2014, jmlr.org/papers/v15/vandermaaten14a.html) of a few principal components. Of many
vectors only an even choice is laid out so; the others are placed among those.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vidindex import projections
from vidindex.blocks import Points, one_thread_each

DIMENSIONS = 50
PERPLEXITY = 30.0
ITERATIONS = 500
SEED = 0  # also of the choice
MOST_LAID_OUT = 2500  # the time that it takes is more than linear in their number
FEWEST_LAID_OUT = 5  # of fewer distinct vectors the two first components are the map
NEIGHBOURS = 5
MOST_AMONG = 10_000  # neighbours of many are looked for among so many
ROWS_AT_ONCE = 1024
LEAST_SQUARE = 1e-6  # equal vectors, as float32 tells


def lay_out(points: Points) -> NDArray[np.float64]:
    """Give each point its place: (n, 2) float64, from 0 to 1. There is at least one.

    points: of length 1, or 0. The same points in the same order get the same places.
    """
    few = projections.project(points, projections.fit(points)).array[:, :DIMENSIONS]
    chosen = projections.draw_rows(points.count, MOST_LAID_OUT, SEED)
    others = np.setdiff1d(np.arange(points.count), chosen)
    places = np.empty((points.count, 2))
    places[chosen] = _fit_into_square(_spread(few[chosen]))
    places[others] = place_among(few[others], few[chosen], places[chosen])
    return places


def place_among(
    points: NDArray[np.float32], known: NDArray[np.float32], places: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give each point a place among those that it is most like; the nearer, the more they count.

    points: (n, d) float32. known: (m, d) float32, at least one; places: theirs, (m, 2) float64.
    Returns (n, 2) float64, within the bounds of the places.
    """
    among = projections.draw_rows(len(known), MOST_AMONG, SEED)
    known, places = known[among], places[among]
    count = min(NEIGHBOURS, len(known))
    half_squares = np.einsum("md,md->m", known, known) / 2
    found = np.empty((len(points), 2))
    with one_thread_each():
        for start in range(0, len(points), ROWS_AT_ONCE):
            block = points[start : start + ROWS_AT_ONCE]
            farness = half_squares - block @ known.T
            nearest = np.argpartition(farness, count - 1, axis=1)[:, :count]
            offsets = known[nearest] - block[:, np.newaxis]
            squares = np.einsum("nkd,nkd->nk", offsets, offsets, dtype=np.float64)
            weights = 1 / np.maximum(squares, LEAST_SQUARE)
            weights /= weights.sum(axis=1, keepdims=True)
            found[start : start + len(block)] = np.einsum("nk,nkx->nx", weights, places[nearest])
    return np.clip(found, places.min(axis=0), places.max(axis=0))


def software() -> str:
    """Name the library that computes, and its version."""
    import sklearn

    return f"scikit-learn {sklearn.__version__}"


def _spread(few: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return where points, (n, m), lie on a plane of any size: (n, 2)."""
    plane = np.zeros((len(few), 2), np.float32)
    plane[:, : few.shape[1]] = few[:, :2]
    if len(np.unique(few, axis=0)) < FEWEST_LAID_OUT:
        return plane.astype(np.float64)
    from sklearn.manifold import TSNE

    model = TSNE(
        perplexity=min(PERPLEXITY, (len(few) - 1) / 3),
        init=plane / plane[:, 0].std() * np.float32(1e-4),  # as scikit-learn begins with PCA
        max_iter=ITERATIONS,
        random_state=SEED,
    )
    with one_thread_each():  # several would add up in an order that differs from run to run
        spread: NDArray[np.float64] = model.fit_transform(few).astype(np.float64)
    return spread


def _fit_into_square(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale places evenly, so that they fill the square from 0 to 1 in one direction."""
    low, high = plane.min(axis=0), plane.max(axis=0)
    width = float(np.max(high - low)) or 1.0
    square: NDArray[np.float64] = np.clip((plane - (low + high) / 2) / width + 0.5, 0, 1)
    return square
