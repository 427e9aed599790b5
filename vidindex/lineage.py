"""How the clusters of one run go on in the next: so that a label keeps its meaning."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

NO_LABEL = -1
# A cluster goes on in another if they share at least this much of the smaller of the two.
LEAST_SHARE = 0.5


def match(before: NDArray[np.intp], after: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """Return the label of each of k new clusters: of the old one that goes on in it, or a new one.

    before: (n,) labels that the videos had, NO_LABEL where they had none. after: (n,) new clusters
    from 0 to k - 1, or NO_LABEL. Returns (k,) labels, each once. As many videos as possible keep
    theirs; a new label is the lowest that no video had.
    """
    labels = np.full(k, NO_LABEL, dtype=np.intp)
    in_both = (before != NO_LABEL) & (after != NO_LABEL)
    old, columns = np.unique(before[in_both], return_inverse=True)
    shared = np.zeros((k, len(old)), dtype=np.intp)
    np.add.at(shared, (after[in_both], columns), 1)
    smaller = np.minimum(shared.sum(axis=1, keepdims=True), shared.sum(axis=0))
    for new, column in zip(*linear_sum_assignment(shared, maximize=True), strict=True):
        if shared[new, column] >= max(1, LEAST_SHARE * smaller[new, column]):
            labels[new] = old[column]
    taken = set(np.unique(before[before != NO_LABEL]).tolist())
    unused = (label for label in itertools.count() if label not in taken)
    for new in np.flatnonzero(labels == NO_LABEL):
        labels[new] = next(unused)
    return labels
