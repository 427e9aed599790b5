"""The ways to group points: K-Means, and what else scikit-learn has where it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, BisectingKMeans

from vidindex import kmeans, lloyd
from vidindex.blocks import Points, one_thread_each
from vidindex.config import Algorithm, Normalize
from vidindex.errors import Refused, UsageError
from vidindex.kmeans import Grouping
from vidindex.lineage import NO_LABEL
from vidindex.projections import Projected
from vidindex.spaces import Space, find_nearest

# These two compare each point with each other one.
MOST_POINTS = {"agglomerative": 10_000, "hdbscan": 20_000}
LEAST_CLUSTER = 5  # videos that make a cluster of hdbscan


@dataclass(frozen=True)
class Method:
    """How vectors are grouped."""

    algorithm: Algorithm = "kmeans"
    seed: int = 42
    n_init: int = 10
    normalize: Normalize = "l2"

    def require_k(self, k: int | None) -> None:
        """Check that the number of clusters is given just where the algorithm needs it.

        Raises:
            UsageError: it is not, or below 1.
        """
        if self.algorithm == "hdbscan":
            if k is not None:
                raise UsageError("hdbscan finds the number of clusters itself", "leave -k out")
        elif k is None:
            raise UsageError("how many clusters?", "for example: vidindex cluster -k 10")
        elif k < 1:
            raise UsageError(
                f"K must be at least 1, not {k}", "for example: vidindex cluster -k 10"
            )


def group(
    points: Points, k: int | None, method: Method, project: Callable[[], Projected]
) -> Grouping:
    """Group points by a method. k: None just for hdbscan.

    project: gives the points in few dimensions; asked for only if they are needed.

    Raises:
        Refused: there are fewer distinct points than clusters, too many points for the
            algorithm, or no clusters to be found.
    """
    if k is None:
        return _find_dense(points, method, project)
    if method.algorithm == "kmeans":
        return kmeans.group(points, k, seed=method.seed, n_init=method.n_init, project=project)
    _require_few(points, method)
    array = _array(points, project)
    kmeans.require_distinct(array, k)
    model = (
        BisectingKMeans(k, random_state=method.seed, n_init=method.n_init)
        if method.algorithm == "bisecting"
        else AgglomerativeClustering(k, linkage="ward")
    )
    with one_thread_each():
        return kmeans.describe(points, model.fit(array).labels_.astype(np.intp), k)


def group_range(
    points: Points, ks: Sequence[int], method: Method, project: Callable[[], Projected]
) -> Iterator[Grouping]:
    """Group points as `group` does, for one k after another.

    Raises:
        Refused: as `group`, for the k that is next.
    """
    if method.algorithm == "kmeans":
        yield from kmeans.group_range(
            points, ks, seed=method.seed, n_init=method.n_init, project=project
        )
    else:
        for k in ks:
            yield group(points, k, method, project)


def _find_dense(points: Points, method: Method, project: Callable[[], Projected]) -> Grouping:
    _require_few(points, method)
    nothing = Refused(
        f"hdbscan finds no cluster of {LEAST_CLUSTER} or more among {points.count} videos",
        "choose another algorithm, and a number of clusters with -k",
    )
    if points.count < LEAST_CLUSTER:
        raise nothing
    with one_thread_each():
        labels = HDBSCAN(min_cluster_size=LEAST_CLUSTER, copy=True).fit(_array(points, project))
    found = labels.labels_.astype(np.intp)
    is_in = found != NO_LABEL
    if not is_in.any():
        raise nothing
    k = int(found.max()) + 1
    found[is_in] = kmeans.rank_by_size(found[is_in], k)[found[is_in]]
    centroids = lloyd.find_means(points, found, k)
    nearest = found.copy()
    loose = np.flatnonzero(~is_in)
    nearest[loose], _ = find_nearest(points.rows(loose), centroids, Space("none"))
    distances = lloyd.measure_distances(points, nearest, centroids)
    return Grouping(found, distances, centroids, float(np.sum(np.square(distances[is_in]))))


def _require_few(points: Points, method: Method) -> None:
    most = MOST_POINTS.get(method.algorithm)
    if most is not None and points.count > most:
        raise Refused(
            f"{method.algorithm} is for {most} videos at most, not {points.count}",
            "use --algorithm kmeans or bisecting, or a part of the library: --within FOLDER",
        )


def _array(points: Points, project: Callable[[], Projected]) -> NDArray[np.float32]:
    return points.all() if points.count <= kmeans.FEW else project().array
