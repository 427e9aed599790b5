"""Points as videos have them: clusters that overlap, of unequal sizes, in few real dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mixture(
    count: int, *, clusters: int = 25, dimensions: int = 256, seed: int = 0
) -> NDArray[np.float32]:
    """Return (count, dimensions) float32 points of length 1, none of them negative."""
    chance = np.random.default_rng(seed)
    axes = np.abs(chance.normal(size=(30, dimensions)))
    means = chance.gamma(0.6, 1, (clusters, 30))
    kinds = chance.choice(clusters, count, p=chance.dirichlet(np.full(clusters, 0.7)))
    inner = means[kinds] + chance.gamma(0.5, 0.7, (count, 30))
    points = inner @ axes / 5 + 0.1 * np.abs(chance.normal(size=(count, dimensions)))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
