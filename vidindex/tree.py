"""Nested groups of clusters that are alike. The only module that builds trees, with SciPy."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

MOST_DEPTH = 5


def nest(
    labels: NDArray[np.intp], centroids: NDArray[np.float32], depth: int
) -> dict[int, PurePath]:
    """Return the nested folder of each cluster, ``group_0/group_1/cluster_3``, by its label.

    labels: (k,) of centroids, (k, d) float32, in the space that was clustered. depth: levels of
    groups at most, at least 1. The groups are cuts of one tree, made by Ward's method (Ward 1963,
    https://doi.org/10.1080/01621459.1963.10500845) over the centroids. The first level has about
    the (depth + 1)-th root of k groups, the next its square, and so on, so that folders are about
    equally full. Groups are numbered by their lowest labels within the folder that they are in. A
    group of one cluster, or one that is all of its folder, gets no folder of its own.
    """
    order = np.argsort(labels)
    names = {int(label): PurePath(f"cluster_{label}") for label in labels[order]}
    levels = _cut(centroids[order].astype(np.float64), depth)
    return {
        label: PurePath(*_groups_above(row, levels), name)
        for row, (label, name) in enumerate(names.items())
    }


def _cut(centroids: NDArray[np.float64], depth: int) -> list[NDArray[np.intp]]:
    """Return for each level, the widest first, the group of each centroid."""
    from scipy.cluster.hierarchy import cut_tree, linkage

    k = len(centroids)
    if k < 3:  # noqa: PLR2004 - a group of two in a folder of two is no group
        return []
    counts = [round(k ** (level / (depth + 1))) for level in range(1, depth + 1)]
    cuts = cut_tree(linkage(centroids, "ward"), counts)
    return [cuts[:, level].astype(np.intp) for level in range(depth)]


def _groups_above(row: int, levels: list[NDArray[np.intp]]) -> list[str]:
    """Return the folders of a centroid's groups. Rows are in the order of their labels."""
    folders = []
    inside = np.arange(len(levels[0])) if levels else np.arange(0)
    for groups in levels:
        own = inside[groups[inside] == groups[row]]
        if len(own) == 1:
            break
        if len(own) < len(inside):
            first_rows = [
                int(inside[groups[inside] == each][0]) for each in np.unique(groups[inside])
            ]
            folders.append(f"group_{sorted(first_rows).index(int(own[0]))}")
        inside = own
    return folders
