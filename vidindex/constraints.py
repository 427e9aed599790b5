"""Clusters that heed wishes: some points in a certain cluster, some pairs apart. NumPy only.

After COP-KMeans (Wagstaff et al., "Constrained K-means Clustering with Background Knowledge",
ICML 2001) with seeds that stay in their clusters (Basu et al., "Semi-supervised Clustering by
Seeding", ICML 2002). Other than there, a finished grouping is the start, so that what no wish
concerns stays as it is, and points that must be apart get their clusters all together, so that
one is found for each wherever that is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vidindex import lloyd
from vidindex.blocks import Points, work_through
from vidindex.colouring import colour, find_clique
from vidindex.errors import Refused
from vidindex.lineage import NO_LABEL

if TYPE_CHECKING:
    from vidindex.kmeans import Grouping

# Lloyd's steps after the wishes are granted; they end when fewer than this share of points move.
MOST_STEPS = 10
SETTLED_SHARE = 1e-3


@dataclass(frozen=True)
class Wishes:
    """What is wished of n points.

    pins: by row, the label of the cluster that it belongs to. apart: pairs of rows that may not
    share a cluster. name: how a message calls a row.
    """

    pins: Mapping[int, int]
    apart: tuple[tuple[int, int], ...]
    name: Callable[[int], str]

    def __bool__(self) -> bool:
        return bool(self.pins or self.apart)


def require_possible(wishes: Wishes, count: int, k: int) -> None:
    """Check that wishes of some of count points do not rule k clusters out.

    Raises:
        Refused: more labels are pinned to than k, too few points are left for the other clusters,
            or two points of one label must be apart.
    """
    labels = sorted(set(wishes.pins.values()))
    if len(labels) > k:
        examples = {label: row for row, label in sorted(wishes.pins.items(), reverse=True)}
        listed = _listed([f"{wishes.name(examples[label])} to {label}" for label in labels])
        raise Refused(
            f"videos are pinned to {len(labels)} labels, which {k} "
            f"{'cluster' if k == 1 else 'clusters'} cannot have: {listed}",
            f"choose a K of at least {len(labels)}, or unpin some (vidindex wishes lists them)",
        )
    for one, other in wishes.apart:
        label = wishes.pins.get(one)
        if label is not None and label == wishes.pins.get(other):
            raise Refused(
                f"{wishes.name(one)} and {wishes.name(other)} are both pinned to label {label}, "
                "and must be apart",
                "unpin one of them, or: vidindex can A B",
            )
    most = count - len(wishes.pins) + len(labels)
    if k > most:
        raise Refused(
            f"cannot make {k} clusters of {count} videos, {len(wishes.pins)} of which are pinned "
            f"to {len(labels)} of them",
            f"choose a K of at most {most}, or unpin some (vidindex wishes lists them)",
        )


def claim_clusters(
    points: Points, grouping: Grouping, labels: NDArray[np.intp], wishes: Wishes
) -> dict[int, int]:
    """Choose the cluster that becomes that of each label that points are pinned to.

    labels: (k,) what each cluster would be called. Returns labels by cluster: the one called so
    already, or else the one nearest to the pinned points of those that no other pins want.
    """
    wanted = sorted(set(wishes.pins.values()))
    claims = {
        int(cluster): int(labels[cluster]) for cluster in np.flatnonzero(np.isin(labels, wanted))
    }
    for label in wanted:
        if label in claims.values():
            continue
        offsets = grouping.centroids - _seed(points, label, wishes)
        squares = np.einsum("kd,kd->k", offsets, offsets)
        squares[list(claims)] = np.inf
        claims[int(squares.argmin())] = label
    return claims


def grant(
    points: Points,
    grouping: Grouping,
    wishes: Wishes,
    claims: Mapping[int, int],
    *,
    seeded: frozenset[int] = frozenset(),
    settles: bool = True,
) -> Grouping:
    """Return a grouping in which every wish is granted; the very one given if it is already.

    claims: the label by cluster, of all labels that points are pinned to. seeded: the clusters of
    these that begin anew, with their pinned points. settles: let the others follow, by Lloyd's
    algorithm; otherwise none moves but those that wishes are of.

    Raises:
        Refused: the points that must be apart do not fit into the clusters.
    """
    placer = _Placer(wishes, claims, len(grouping.centroids))
    rows = placer.rows(grouping.labels)
    parted = placer.find_parted(points, rows)
    centroids, labels = grouping.centroids, grouping.labels.copy()
    if seeded and settles:
        centroids = centroids.copy()
        for cluster in seeded:
            centroids[cluster] = _seed(points, claims[cluster], wishes)
        labels = _find_nearest(points, centroids)
    labels[rows] = placer.place(rows, parted, centroids, labels[rows])
    if np.array_equal(labels, grouping.labels):
        return grouping
    for step in range(MOST_STEPS + 1):
        _fill_empty(points, labels, centroids, wishes)
        centroids = lloyd.find_means(points, labels, len(centroids))
        if not settles or step == MOST_STEPS:
            break
        nearest = _find_nearest(points, centroids)
        nearest[rows] = placer.place(rows, parted, centroids, nearest[rows])
        moved = np.count_nonzero(nearest != labels)
        if moved <= SETTLED_SHARE * points.count:
            break
        labels = nearest
    return _measured(points, grouping, labels, centroids)


class _Placer:
    """Finds the clusters of the points that wishes are of."""

    def __init__(self, wishes: Wishes, claims: Mapping[int, int], k: int) -> None:
        cluster_of = {label: cluster for cluster, label in claims.items()}
        self._wishes = wishes
        self._k = k
        self._fixed = {row: cluster_of[label] for row, label in wishes.pins.items()}
        self._neighbours: dict[int, set[int]] = {}
        for one, other in wishes.apart:
            self._neighbours.setdefault(one, set()).add(other)
            self._neighbours.setdefault(other, set()).add(one)

    def rows(self, labels: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the rows that wishes are of, sorted; points in no cluster are apart from all."""
        parted = [row for row in self._neighbours if labels[row] != NO_LABEL]
        return np.array(sorted({*self._fixed, *parted}), dtype=np.intp)

    def find_parted(self, points: Points, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return those of the rows' points that no pin holds: (p, d)."""
        return points.rows(rows[[row not in self._fixed for row in rows.tolist()]])

    def place(
        self,
        rows: NDArray[np.intp],
        parted: NDArray[np.float32],
        centroids: NDArray[np.float32],
        labels: NDArray[np.intp],
    ) -> NDArray[np.intp]:
        """Return the clusters of rows. parted: what `find_parted` returns; labels: (s,) of rows.

        Each keeps its cluster unless a wish is against it; it gets the nearest one possible then.
        The most certain ones choose first.
        """
        numbers = rows.tolist()
        own = {row: int(label) for row, label in zip(numbers, labels.tolist(), strict=True)}
        movable = [row for row in numbers if row not in self._fixed]
        squares = np.array([_squares(point, centroids) for point in parted])
        squares = squares.reshape(len(movable), self._k)
        order = np.argsort(squares, axis=1, kind="stable").tolist()
        choices = {}
        for place in np.argsort(squares.min(axis=1), kind="stable").tolist():
            row = movable[place]
            choices[row] = [own[row], *(each for each in order[place] if each != own[row])]
        known = {*numbers}
        neighbours = {row: self._neighbours.get(row, set()) & known for row in numbers}
        found = colour(choices, neighbours, self._fixed)
        if found is None:
            raise self._impossible(neighbours)
        return np.array([found[row] for row in numbers], dtype=np.intp)

    def _impossible(self, neighbours: Mapping[int, set[int]]) -> Refused:
        clique = find_clique(neighbours)
        parted = clique if len(clique) > self._k else [row for row in neighbours if neighbours[row]]
        listed = _listed([self._wishes.name(row) for row in parted])
        if len(clique) > self._k:
            return Refused(
                f"{len(clique)} videos must all be apart, but K is {self._k}: {listed}",
                f"choose a K of at least {len(clique)}, or let two of them share: vidindex can A B",
            )
        return Refused(
            f"no way was found to keep these apart in {self._k} clusters, as they are pinned: "
            f"{listed}",
            "choose a larger K, unpin some, or let two of them share: vidindex can A B",
        )


def _seed(points: Points, label: int, wishes: Wishes) -> NDArray[np.float32]:
    rows = sorted(row for row, wanted in wishes.pins.items() if wanted == label)
    mean: NDArray[np.float32] = points.rows(np.array(rows, dtype=np.intp)).mean(axis=0)
    return mean


def _squares(point: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.float32]:
    offsets = centroids - point
    squares: NDArray[np.float32] = np.einsum("kd,kd->k", offsets, offsets)
    return squares


def _find_nearest(points: Points, centroids: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the nearest centroid of each point: (n,)."""
    middle = centroids.mean(axis=0)
    arms = centroids - middle
    offsets = np.einsum("kd,kd->k", arms, arms) + 2 * (arms @ middle)

    def find(_: slice, block: NDArray[np.float32]) -> NDArray[np.intp]:
        nearest: NDArray[np.intp] = (offsets - 2 * (block @ arms.T)).argmin(axis=1)
        return nearest

    return np.concatenate(list(work_through(points, find)))


def _fill_empty(
    points: Points, labels: NDArray[np.intp], centroids: NDArray[np.float32], wishes: Wishes
) -> None:
    """Give each cluster without points the one farthest from its own centroid, in place.

    Pinned points stay, and so does the last of a cluster.
    """
    empty = sorted(set(range(len(centroids))) - set(np.unique(labels).tolist()))
    if not empty:
        return
    placed = np.where(labels == NO_LABEL, 0, labels)
    distances = lloyd.measure_distances(points, placed, centroids)
    distances[labels == NO_LABEL] = -1
    distances[list(wishes.pins)] = -1
    sizes = np.bincount(labels[labels != NO_LABEL], minlength=len(centroids))
    for row in np.argsort(-distances, kind="stable").tolist():
        if not empty or distances[row] < 0:
            break
        if sizes[labels[row]] > 1:
            sizes[labels[row]] -= 1
            labels[row] = empty.pop(0)
            sizes[labels[row]] = 1
    if empty:
        raise Refused(
            f"the wishes leave {len(empty)} of {len(centroids)} clusters without a video",
            f"choose a K of at most {len(centroids) - len(empty)}",
        )


def _measured(
    points: Points,
    grouping: Grouping,
    labels: NDArray[np.intp],
    centroids: NDArray[np.float32],
) -> Grouping:
    is_out = labels == NO_LABEL
    distances = lloyd.measure_distances(points, np.where(is_out, 0, labels), centroids)
    distances[is_out] = grouping.distances[is_out]
    inertia = float(np.sum(np.square(distances[~is_out])))
    return replace(
        grouping, labels=labels, distances=distances, centroids=centroids, inertia=inertia
    )


def _listed(names: list[str], most: int = 6) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
