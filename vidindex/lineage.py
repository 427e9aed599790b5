"""How the clusters of one run go on in another: so that a label keeps its meaning."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

NO_LABEL = -1
# A cluster goes on in another if they share at least this much of the smaller of the two.
LEAST_SHARE = 0.5

Kind = Literal["stayed", "split", "merged", "mixed", "appeared", "vanished"]


@dataclass(frozen=True)
class Churn:
    """What a new run changes, in numbers of videos and of clusters.

    stay, move: videos of both runs, with the same label and with another. new_videos: those that
    the run before did not have.
    """

    stay: int
    move: int
    new_videos: int
    new_clusters: int
    gone_clusters: int


@dataclass(frozen=True)
class Change:
    """What became of some clusters of one run in another. before, after: their labels.

    videos: how many of them are in both runs; of one that appeared or vanished: all of its videos.
    """

    kind: Kind
    before: tuple[int, ...]
    after: tuple[int, ...]
    videos: int


def match(before: NDArray[np.intp], after: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """Return the label of each of k new clusters: of the old one that goes on in it, or a new one.

    before: (n,) labels that the videos had, NO_LABEL where they had none. after: (n,) new clusters
    from 0 to k - 1, or NO_LABEL. Returns (k,) labels, each once.
    """
    labels = np.full(k, NO_LABEL, dtype=np.intp)
    continue_labels(labels, before, after)
    fill_labels(labels, np.unique(before).tolist())
    return labels


def continue_labels(
    labels: NDArray[np.intp],
    before: NDArray[np.intp],
    after: NDArray[np.intp],
    *,
    barred: Collection[int] = (),
    origins: Iterable[NDArray[np.intp]] = (),
) -> None:
    """Give new clusters without a label that of the old cluster that goes on in it, if one does.

    labels: (k,) of the new clusters, NO_LABEL where one is wanted; filled in place. before, after:
    as for `match`. barred: old labels that are not to be given. As many videos as possible keep
    their label: the Hungarian method on the numbers of shared videos. origins: labels like before,
    of runs further back, whose videos count once more: where clusters were merged and come apart,
    a label stays with the videos that had it first.
    """
    from scipy.optimize import linear_sum_assignment

    shared, old, news = _count_shared(before, after)
    is_open = np.isin(news, np.flatnonzero(labels == NO_LABEL))[:, None] & ~np.isin(
        old, list(barred)
    )
    is_open &= _goes_on(shared, before, after, old, news)
    for origin in origins:
        shared = shared + _count_pairs(after, origin, news, old)
    shared = np.where(is_open, shared, 0)
    for row, column in zip(*linear_sum_assignment(shared, maximize=True), strict=True):
        if shared[row, column]:
            labels[news[row]] = old[column]


def find_contested(before: NDArray[np.intp], after: NDArray[np.intp]) -> set[int]:
    """Return the old labels that could go on in several new clusters, or with others in one.

    before, after: as for `match`.
    """
    shared, old, news = _count_shared(before, after)
    claims = _goes_on(shared, before, after, old, news)
    is_merged = claims.sum(axis=1) > 1
    is_contested = (claims.sum(axis=0) > 1) | claims[is_merged].any(axis=0)
    return set(old[is_contested].tolist())


def fill_labels(labels: NDArray[np.intp], taken: Iterable[int]) -> None:
    """Give the new clusters that still have no label the lowest that are not taken, in place."""
    used = {*taken, *labels.tolist()}
    unused = (label for label in itertools.count() if label not in used)
    for new in np.flatnonzero(labels == NO_LABEL):
        labels[new] = next(unused)


def count_churn(
    before: NDArray[np.intp],
    after: NDArray[np.intp],
    *,
    is_new: NDArray[np.bool_],
    old_labels: Collection[int],
    new_labels: Collection[int],
) -> Churn:
    """Count what changes for n videos.

    before, after: (n,) labels, NO_LABEL where there is none. is_new: (n,) which of the videos the
    old run did not have. old_labels, new_labels: of all clusters of either run.
    """
    is_same = before == after
    return Churn(
        stay=int(np.count_nonzero(is_same & ~is_new)),
        move=int(np.count_nonzero(~is_same & ~is_new)),
        new_videos=int(np.count_nonzero(is_new)),
        new_clusters=len(set(new_labels) - set(old_labels)),
        gone_clusters=len(set(old_labels) - set(new_labels)),
    )


def compare(before: NDArray[np.intp], after: NDArray[np.intp]) -> list[Change]:
    """Say what became of the clusters of one run in another, whatever their labels.

    before, after: (n,) labels of the videos of either run, NO_LABEL where a run does not have one
    or has it in no cluster. A cluster goes on in every cluster with which it shares LEAST_SHARE of
    the smaller of the two; clusters that hang together so are one change. Sorted by labels.
    """
    shared, old, new = _count_shared(before, after)
    links = _goes_on(shared, before, after, old, new)
    changes = []
    for rows, columns in _connected(links):
        first, second = tuple(old[columns].tolist()), tuple(new[rows].tolist())
        changes.append(
            Change(_kind(first, second), first, second, int(shared[np.ix_(rows, columns)].sum()))
        )
    linked = {label for change in changes for label in change.before}
    arrived = {label for change in changes for label in change.after}
    for label, size in _sizes(before):
        if label not in linked:
            changes.append(Change("vanished", (label,), (), size))
    for label, size in _sizes(after):
        if label not in arrived:
            changes.append(Change("appeared", (), (label,), size))
    return sorted(changes, key=lambda change: (change.before or change.after, change.after))


def _count_shared(
    before: NDArray[np.intp], after: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return how many videos each new cluster (row) shares with each old one, and their labels."""
    in_both = (before != NO_LABEL) & (after != NO_LABEL)
    old, new = np.unique(before[in_both]), np.unique(after[in_both])
    return _count_pairs(after, before, new, old), old, new


def _count_pairs(
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    row_labels: NDArray[np.intp],
    column_labels: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Count the videos of each pair of these labels, which are sorted; others do not count."""
    counts = np.zeros((len(row_labels), len(column_labels)), dtype=np.intp)
    is_counted = np.isin(rows, row_labels) & np.isin(columns, column_labels)
    np.add.at(
        counts,
        (
            np.searchsorted(row_labels, rows[is_counted]),
            np.searchsorted(column_labels, columns[is_counted]),
        ),
        1,
    )
    return counts


def _goes_on(
    shared: NDArray[np.intp],
    before: NDArray[np.intp],
    after: NDArray[np.intp],
    old: NDArray[np.intp],
    new: NDArray[np.intp],
) -> NDArray[np.bool_]:
    sizes_before, sizes_after = dict(_sizes(before)), dict(_sizes(after))
    smaller = np.minimum.outer(
        np.array([sizes_after[label] for label in new.tolist()]),
        np.array([sizes_before[label] for label in old.tolist()]),
    )
    goes_on: NDArray[np.bool_] = (shared > 0) & (shared >= LEAST_SHARE * smaller)
    return goes_on


def _sizes(labels: NDArray[np.intp]) -> list[tuple[int, int]]:
    known, counts = np.unique(labels[labels != NO_LABEL], return_counts=True)
    return list(zip(known.tolist(), counts.tolist(), strict=True))


def _connected(links: NDArray[np.bool_]) -> list[tuple[list[int], list[int]]]:
    """Return the rows and columns of each connected part of a bipartite graph with any link."""
    parts = []
    seen: set[int] = set()
    for start in np.flatnonzero(links.any(axis=1)).tolist():
        if start in seen:
            continue
        rows, columns = {start}, set[int]()
        while True:
            reached = set(np.flatnonzero(links[sorted(rows)].any(axis=0)).tolist())
            if reached == columns:
                break
            columns = reached
            rows |= set(np.flatnonzero(links[:, sorted(columns)].any(axis=1)).tolist())
        seen |= rows
        parts.append((sorted(rows), sorted(columns)))
    return parts


def _kind(before: tuple[int, ...], after: tuple[int, ...]) -> Kind:
    if len(before) == 1:
        return "stayed" if len(after) == 1 else "split"
    return "merged" if len(after) == 1 else "mixed"
