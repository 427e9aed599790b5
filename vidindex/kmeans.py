"""K-Means over points: labels, distances, centroids and inertia.

With more than one start, the best of several k-means++ starts is improved by breathing. Where
that would take long, it is done on a sample of the points in a space of few dimensions; what was
found settles then among all points, in all their dimensions.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from vidindex import lloyd, projections
from vidindex.blocks import Points, one_thread_each, side_by_side
from vidindex.breathing import Fitted, breathe
from vidindex.errors import Refused
from vidindex.lloyd import Origin, Partition
from vidindex.projections import Projected, draw_rows
from vidindex.scoring import mean_agreement
from vidindex.spaces import Space

FEW = 2000
# Up to so many points times clusters all starts are made with all points and dimensions, or else
# at least the plain one: what is found is never worse than that.
SMALL = 5000
MEDIUM = 40_000
SAMPLE = 4000
SAMPLE_PER_CLUSTER = 80
SEARCHED_DIMENSIONS = 48
STARTS_PER_BREATHER = 5
# The relative gain of a step below which Lloyd's algorithm ends among all points.
TOLERANCE = 1e-4
MOST_STEPS = 20


class TooManyClusters(Refused):
    """There are fewer distinct points than clusters."""


@dataclass(frozen=True)
class Grouping:
    """k clusters of n points, numbered by size, the largest first.

    labels: (n,) from 0 to k - 1; negative if a point is in no cluster. distances: (n,) Euclidean
    distance of each point to its centroid (or the nearest one), and centroids: (k, d) float32,
    both in the space that was clustered. inertia: the sum of the squared distances of the points
    that are in a cluster. stability: how far the starts agree, at most 1; None if there was one.
    """

    labels: NDArray[np.intp]
    distances: NDArray[np.float64]
    centroids: NDArray[np.float32]
    inertia: float
    stability: float | None = None


def group(
    points: Points,
    k: int,
    *,
    seed: int,
    n_init: int,
    project: Callable[[], Projected] | None = None,
) -> Grouping:
    """Group points into k clusters.

    points: at least one. project: asked for the points in few dimensions if there are many; by
    default a projection is made for this call. With n_init 1 the partition is that of
    scikit-learn's ``KMeans(k, random_state=seed)`` on all points.

    Raises:
        TooManyClusters: there are fewer distinct points than clusters.
    """
    (grouping,) = group_range(points, [k], seed=seed, n_init=n_init, project=project)
    return grouping


def group_range(
    points: Points,
    ks: Sequence[int],
    *,
    seed: int,
    n_init: int,
    project: Callable[[], Projected] | None = None,
) -> Iterator[Grouping]:
    """Group points into k clusters as `group` does, for one k after another.

    While one grouping settles among all points, the next ones are searched for.

    Raises:
        TooManyClusters: there are fewer distinct points than clusters, for the k that is next.
    """
    project = project or cached_projection(points)
    with warnings.catch_warnings():  # here, as it holds for all threads
        # It warns where points differ in their last bits only; those are refused afterwards.
        warnings.simplefilter("ignore", ConvergenceWarning)
        tasks = _plan_searches(points, ks, seed, n_init, project)
        for k, found in zip(ks, side_by_side(tasks), strict=True):
            yield _settle(points, k, seed, found, project)


def group_vectors(
    vectors: NDArray[np.float32], k: int, *, seed: int, n_init: int, normalize: str
) -> Grouping:
    """Group vectors, (n, d) float32, normalized as "l2" or "none", into k clusters.

    Raises:
        TooManyClusters: there are fewer distinct vectors than clusters.
    """
    return group(Points.of(Space(normalize).place(vectors)), k, seed=seed, n_init=n_init)


def describe(
    points: Points,
    labels: NDArray[np.intp],
    k: int,
    centroids: NDArray[np.float32] | None = None,
) -> Grouping:
    """Number the clusters of a partition by size and measure them.

    labels: (n,) from 0 to k - 1. centroids: (k, d) float32, their means, where they are known.

    Raises:
        TooManyClusters: a cluster is empty, as so many points cannot be told apart.
    """
    told_apart = len(np.unique(labels))
    if told_apart < k:
        raise _too_many(k, points.count, told_apart)
    rank = rank_by_size(labels, k)
    labels = rank[labels]
    if centroids is None:
        centroids = lloyd.find_means(points, labels, k)
    else:
        centroids = centroids[np.argsort(rank)]
    distances = lloyd.measure_distances(points, labels, centroids)
    return Grouping(labels, distances, centroids, float(np.sum(np.square(distances))))


def rank_by_size(labels: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """Return the new number of each cluster, (k,), the largest first; equals by first member.

    labels: (n,) from 0 to k - 1.
    """
    sizes = np.bincount(labels, minlength=k)
    first_member = np.full(k, len(labels))
    np.minimum.at(first_member, labels, np.arange(len(labels)))
    rank = np.empty(k, dtype=np.intp)
    rank[np.lexsort((first_member, -sizes))] = np.arange(k)
    return rank


def require_distinct(array: NDArray[np.float32], k: int) -> None:
    """Check that there are as many distinct points as clusters; almost equal ones may pass.

    Raises:
        TooManyClusters: there are fewer.
    """
    if 2 * k <= len(array) and len(np.unique(array[: 2 * k], axis=0)) >= k:
        return  # most often, and quickly found
    distinct = len({row.tobytes() for row in array})
    if k > distinct:  # one step is enough to see how many can be told apart
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = _fit(array, KMeans(distinct, n_init=1, max_iter=1, random_state=0))
        raise _too_many(k, len(array), len(np.unique(found.labels)))


def cached_projection(points: Points) -> Callable[[], Projected]:
    """Return what makes a projection and projects the points by it, the first time it is asked."""
    return cache(lambda: projections.project(points, projections.fit(points)))


def software() -> str:
    """Name the library that computes, and its version."""
    return f"scikit-learn {sklearn.__version__}"


@dataclass(frozen=True)
class _Found:
    """What a search came to: labels of all points, (n,), or else centroids in few dimensions."""

    labels: NDArray[np.intp] | None
    centroids: NDArray[np.float32]
    stability: float | None


def _plan_searches(
    points: Points, ks: Sequence[int], seed: int, n_init: int, project: Callable[[], Projected]
) -> Iterator[Callable[[], _Found]]:
    """Give a search for each k. Points are read, and projected, before it begins."""
    for k in ks:
        is_small = points.count <= FEW and points.count * min(k, points.count) <= SMALL
        if n_init == 1 or is_small:
            yield partial(_search_all, points.all(), k, seed, n_init)
        else:
            yield partial(_search_sample, project().array, k, seed, n_init)


def _search_all(array: NDArray[np.float32], k: int, seed: int, n_init: int) -> _Found:
    require_distinct(array, k)
    fitted, stability = _search(array, k, seed, n_init)
    return _Found(fitted.labels.astype(np.intp), fitted.centroids, stability)


def _search_sample(array: NDArray[np.float32], k: int, seed: int, n_init: int) -> _Found:
    """Search among some of the projected points, (n, m), in the first of their dimensions."""
    require_distinct(array, k)
    sample = array[draw_rows(len(array), max(SAMPLE, SAMPLE_PER_CLUSTER * k), seed)]
    few = np.ascontiguousarray(sample[:, :SEARCHED_DIMENSIONS])
    fitted, stability = _search(few, k, seed, n_init)
    sizes = np.bincount(fitted.labels, minlength=k)
    centroids = np.zeros((k, sample.shape[1]), np.float32)
    np.add.at(centroids, fitted.labels, sample)
    centroids /= np.maximum(sizes, 1)[:, np.newaxis]
    return _Found(None, centroids, stability)


def _settle(
    points: Points, k: int, seed: int, found: _Found, project: Callable[[], Projected]
) -> Grouping:
    """Let what was found settle among all points, in all their dimensions, and describe it."""
    labels, centroids = found.labels, None
    if labels is None:
        settled = _refine(points, project(), found.centroids)
        labels, centroids = settled.labels, settled.centroids
        if points.count * k <= MEDIUM:
            plain, _ = _search(points.all(), k, seed, 1)
            if plain.inertia < settled.inertia:
                labels, centroids = plain.labels.astype(np.intp), None
    return replace(describe(points, labels, k, centroids), stability=found.stability)


def _refine(points: Points, projected: Projected, centroids: NDArray[np.float32]) -> Partition:
    few = lloyd.refine(
        Points.of(projected.array), centroids, tolerance=TOLERANCE / 10, most_steps=5 * MOST_STEPS
    )
    lifted = projected.projection.lift(few.centroids)
    origin = Origin(projected.projection.center, projected.lengths)
    return lloyd.refine(points, lifted, tolerance=TOLERANCE, most_steps=MOST_STEPS, origin=origin)


def _search(
    array: NDArray[np.float32], k: int, seed: int, n_init: int
) -> tuple[Fitted, float | None]:
    """Fit k centroids to points; also return how far the starts agree."""

    def settle(centroids: NDArray[np.float32]) -> Fitted:
        return _fit(array, KMeans(len(centroids), init=centroids, n_init=1, random_state=0))

    if n_init == 1:
        with one_thread_each():
            return _fit(array, KMeans(k, random_state=seed)), None
    # The first start is that of KMeans(k, random_state=seed).
    seeds = [seed, *np.random.default_rng(seed).integers(2**31, size=n_init - 1).tolist()]
    starts = list(side_by_side(partial(_fit, array, KMeans(k, random_state=one)) for one in seeds))
    stability = mean_agreement([start.labels for start in starts])
    starts.sort(key=lambda start: start.inertia)
    breathers = starts[: max(1, n_init // STARTS_PER_BREATHER)]
    ends = side_by_side(partial(breathe, array, one, settle, seed=seed) for one in breathers)
    return min(ends, key=lambda end: end.inertia), stability


def _fit(array: NDArray[np.float32], model: KMeans) -> Fitted:
    model.fit(array)
    return Fitted(model.labels_, model.cluster_centers_, model.inertia_)


def _too_many(k: int, count: int, told_apart: int) -> TooManyClusters:
    return TooManyClusters(
        f"cannot make {k} clusters of {count} videos with {told_apart} distinct vectors",
        f"choose a K of at most {told_apart}",
    )
