"""K-Means over vectors: labels, distances, centroids and inertia.

The only module that imports scikit-learn.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from vidindex.config import Normalize
from vidindex.errors import Refused


@dataclass(frozen=True)
class Grouping:
    """K clusters of n vectors, numbered by size, the largest first.

    labels: (n,) from 0 to k - 1. distances: (n,) Euclidean distance of each vector to its
    centroid, and centroids: (k, d) float32, both in the space that was clustered.
    inertia: the sum of the squared distances.
    """

    labels: NDArray[np.intp]
    distances: NDArray[np.float64]
    centroids: NDArray[np.float32]
    inertia: float


def group(
    vectors: NDArray[np.float32], k: int, *, seed: int, n_init: int, normalize: Normalize
) -> Grouping:
    """Group vectors with Lloyd's algorithm from k-means++ starts, the best of n_init.

    vectors: (n, d) float32, n at least 1, in a fixed order. With normalize "none" and n_init 1 the
    partition is that of scikit-learn's ``KMeans(k, random_state=seed)``.

    Raises:
        Refused: there are fewer distinct vectors than clusters.
    """
    points = normalized(vectors, normalize)
    distinct = len({point.tobytes() for point in points})
    if k <= distinct:
        model = KMeans(n_clusters=k, n_init=n_init, random_state=seed)
    else:  # refused below; one step is enough to see how many can be told apart
        model = KMeans(n_clusters=distinct, n_init=1, max_iter=1, random_state=seed)
    with warnings.catch_warnings():
        # It warns where vectors differ in their last bits only; that is refused below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(points)
    told_apart = len(np.unique(model.labels_))
    if told_apart < k:
        raise Refused(
            f"cannot make {k} clusters of {len(points)} videos with {told_apart} distinct vectors",
            f"choose a K of at most {told_apart}",
        )
    order = _by_size(model.labels_, k)
    rank = np.empty(k, dtype=np.intp)
    rank[order] = np.arange(k)
    labels = rank[model.labels_]
    centroids = model.cluster_centers_[order]
    offsets = points.astype(np.float64) - centroids[labels]
    distances = np.linalg.norm(offsets, axis=1)
    return Grouping(
        labels, distances, centroids.astype(np.float32), float(np.sum(np.square(distances)))
    )


def normalized(vectors: NDArray[np.float32], normalize: Normalize) -> NDArray[np.float32]:
    """Bring vectors into the space that is clustered; a zero vector stays zero.

    vectors: (n, d) float32; returns (n, d) float32.
    """
    if normalize == "none":
        return vectors
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


def software() -> str:
    """Name the library that computes, and its version."""
    return f"scikit-learn {sklearn.__version__}"


def _by_size(labels: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """Order clusters by size, the largest first; equals by their first member."""
    sizes = np.bincount(labels, minlength=k)
    first_member = np.full(k, len(labels))
    np.minimum.at(first_member, labels, np.arange(len(labels)))
    return np.lexsort((first_member, -sizes))
