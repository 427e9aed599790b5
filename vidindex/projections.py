"""A space of few dimensions that keeps most of the points' variance: principal components.

Found by randomized subspace iteration (Halko, Martinsson, Tropp 2011, doi:10.1137/090771806,
algorithm 4.4) on a seeded sample of the points. NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidindex.blocks import Points, one_thread_each, work_through

DIMENSIONS = 128
SAMPLE = 4096
SEED = 0  # the projection is stored, whatever seeds later runs have
_OVERSAMPLING = 16
_ITERATIONS = 3
# A stored projection is renewed when the library has grown by this share, or when it explains
# by so much less of the variance than it did.
GROWTH = 0.5
LOSS = 0.05


@dataclass(frozen=True)
class Projection:
    """Where a space of few dimensions lies.

    center: (d,) float32, components: (m, d) float32, orthonormal rows. explained: the share of
    the variance of the points that it was made of, 0 to 1.
    """

    center: NDArray[np.float32]
    components: NDArray[np.float32]
    explained: float

    def lift(self, projected: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where projected points, (n, m), lie among the unprojected: (n, d) float32."""
        lifted: NDArray[np.float32] = projected @ self.components + self.center
        return lifted


def fit(points: Points) -> Projection:
    """Find the space of a sample of points. There is at least one."""
    sample = draw(points, SAMPLE, SEED).astype(np.float32)
    center = sample.mean(axis=0)
    sample -= center
    most = min(DIMENSIONS, *sample.shape)
    columns = min(most + _OVERSAMPLING, *sample.shape)
    with one_thread_each():
        chance = np.random.default_rng(SEED).standard_normal((points.dimensions, columns))
        basis = chance.astype(np.float32)
        for _ in range(_ITERATIONS):
            basis, _triangle = np.linalg.qr(sample.T @ (sample @ basis))
        inside = sample @ basis
        _, singular, rotation = np.linalg.svd(inside, full_matrices=False)
    components = (basis @ rotation.T).T[:most]
    variance = float(np.einsum("nd,nd->", sample, sample, dtype=np.float64))
    kept = float(np.sum(np.square(singular[:most], dtype=np.float64)))
    explained = min(1.0, kept / variance) if variance > 0 else 1.0
    return Projection(center, np.ascontiguousarray(components), explained)


@dataclass(frozen=True)
class Projected:
    """Points in a space of few dimensions.

    array: (n, m) float32. lengths: (n,) float32, the squared distances of the unprojected points
    to the center. explained: the share of their variance that is kept, 0 to 1.
    """

    array: NDArray[np.float32]
    lengths: NDArray[np.float32]
    projection: Projection
    explained: float


def project(points: Points, projection: Projection) -> Projected:
    """Project points."""
    components = projection.components.T

    def work(
        _: slice, block: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        offsets = block - projection.center
        return (offsets @ components).astype(np.float32, copy=False), np.einsum(
            "nd,nd->n", offsets, offsets
        )

    parts = list(work_through(points, work))
    array = np.concatenate([part for part, _ in parts])
    lengths = np.concatenate([part for _, part in parts])
    # About the center of the projection, which is near the points' own.
    variance = float(lengths.sum(dtype=np.float64))
    kept = float(np.einsum("nm,nm->", array, array, dtype=np.float64))
    explained = min(1.0, kept / variance) if variance > 0 else 1.0
    return Projected(array, lengths, projection, explained)


def draw(points: Points, size: int, seed: int) -> NDArray[np.float32]:
    """Return a seeded sample of points in their order: all if they are not more."""
    return points.rows(draw_rows(points.count, size, seed))


def draw_rows(count: int, size: int, seed: int) -> NDArray[np.intp]:
    """Return the sorted numbers of a seeded sample of count points."""
    if count <= size:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, size, replace=False))
