"""The space that a run was clustered in, for vectors that come later. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Float = TypeVar("Float", np.float32, np.float64)

CHUNK_ROWS = 4096  # 32 MiB of vectors: temporaries stay small whatever the library's size


@dataclass(frozen=True)
class Space:
    """How vectors are brought into a space: normalize is "l2", "none" or "standard".

    shift, scale: (2048,) float32, just if it is "standard": what is taken off, then divided by.
    """

    normalize: str
    shift: NDArray[np.float32] | None = None
    scale: NDArray[np.float32] | None = None

    def place(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring vectors, (n, d) float32, into the space: (n, d) float32. Zero stays zero in l2."""
        if self.normalize == "l2":
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            unit: NDArray[np.float32] = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
            return unit
        if self.shift is None or self.scale is None:
            return vectors
        standard: NDArray[np.float32] = (vectors - self.shift) / self.scale
        return standard


def find_nearest(
    vectors: NDArray[np.float32], centroids: NDArray[np.float32], space: Space
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return for each vector the row of its nearest centroid, and the distance to it.

    vectors: (n, d) float32, not yet in the space; centroids: (k, d) float32, in it, k at least 1.
    Returns (n,) rows and (n,) Euclidean distances in the space. Equally near: the first.
    """
    rows = np.empty(len(vectors), dtype=np.intp)
    distances = np.empty(len(vectors), dtype=np.float64)
    exact = centroids.astype(np.float64)
    half_squares = np.sum(exact * exact, axis=1) / 2
    for start in range(0, len(vectors), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        points = space.place(vectors[chunk]).astype(np.float64)
        rows[chunk] = np.argmax(points @ exact.T - half_squares, axis=1)
        distances[chunk] = np.linalg.norm(points - exact[rows[chunk]], axis=1)
    return rows, distances


def find_distances(
    vectors: NDArray[np.float32], centroids: NDArray[np.float32], space: Space
) -> NDArray[np.float64]:
    """Return the Euclidean distance of each vector to each centroid in the space, (n, k).

    vectors: (n, d) float32, not yet in the space; centroids: (k, d) float32, in it.
    """
    targets = centroids.astype(np.float64)
    half_squares = np.einsum("kd,kd->k", targets, targets) / 2
    distances = np.empty((len(vectors), len(targets)))
    for start in range(0, len(vectors), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        points = space.place(vectors[chunk]).astype(np.float64)
        own = np.einsum("nd,nd->n", points, points) / 2
        squares = 2 * (own[:, np.newaxis] + half_squares - points @ targets.T)
        distances[chunk] = np.sqrt(np.maximum(squares, 0))
    return distances


def find_cosines(vectors: NDArray[Float], vector: NDArray[Float]) -> NDArray[Float]:
    """Return the cosine of each of (n, d) vectors to one; 0 to a zero vector, -1 to a damaged.

    Computed in the vectors' own precision: float32 for speed, with an error of some 1e-6.
    """
    with np.errstate(all="ignore"):
        lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors)) * np.linalg.norm(vector)
        cosines = vectors @ vector / np.where(lengths > 0, lengths, np.float32(1))
    return np.where(np.isfinite(cosines), cosines, np.float32(-1)).clip(-1, 1)
