"""How far clusters reach, and whether the videos that came later still fit them. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A cluster reaches this many standard deviations beyond the median distance of its members.
REACH_DEVIATIONS = 4.0
DEVIATION_OF_MAD = 1.4826  # a normal distribution's standard deviation, in terms of its MAD
ROUNDING = 1e-6  # of the length of a centroid: what float32 may add to a distance of 0

# A new clustering pays when so many of the videos that came later fit no cluster, or lie so much
# farther from their centroids than the clustered ones; fewer videos than this may be chance.
UNSORTED_SHARE = 0.10
LEAST_UNSORTED = 5
DISTANCE_RISE = 1.25
LEAST_PLACED = 20


@dataclass(frozen=True)
class Drift:
    """How well the videos that came after a run fit it.

    placed: how many came, unsorted: how many of them fit no cluster. rise: their mean distance in
    relation to what one more video like the clustered ones would have; None if unknown.
    """

    placed: int
    unsorted: int
    rise: float | None

    @property
    def unsorted_share(self) -> float:
        """Share of the unsorted, 0 to 1."""
        return self.unsorted / self.placed if self.placed else 0.0

    @property
    def has_many_unsorted(self) -> bool:
        """Whether so many fit no cluster that a new clustering would pay."""
        return self.unsorted >= LEAST_UNSORTED and self.unsorted_share >= UNSORTED_SHARE

    @property
    def has_risen(self) -> bool:
        """Whether the new ones lie so far from their centroids that a new clustering would pay."""
        return self.placed >= LEAST_PLACED and self.rise is not None and self.rise >= DISTANCE_RISE


def find_reaches(
    labels: NDArray[np.intp], distances: NDArray[np.float64], centroids: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return how far from its centroid a video may lie to belong to a cluster, for each of k.

    labels: (m,) rows of centroids, distances: (m,), of the videos that were clustered. centroids:
    (k, d) float32. Returns (k,).

    A cluster reaches as far as the median of its members' distances and REACH_DEVIATIONS robust
    deviations more, at least such ones as the members of all clusters have in relation to their
    medians. Members lie nearer to their own mean than other videos of the same kind do; that is
    made up for. Where all members lie in one point, it reaches as far as clusters usually do here.
    """
    k = len(centroids)
    medians, deviations = np.zeros(k), np.zeros(k)
    relative = np.zeros(len(distances))
    for row in np.unique(labels):
        own = distances[labels == row]
        own = own * _unseen(len(own))
        medians[row] = np.median(own)
        deviations[row] = np.median(np.abs(own - medians[row]))
        if medians[row] > 0:
            relative[labels == row] = np.abs(own / medians[row] - 1)
    spread = DEVIATION_OF_MAD * np.maximum(deviations, medians * _median_of_some(relative, labels))
    lengths = np.linalg.norm(centroids.astype(np.float64), axis=1)
    is_point = medians <= ROUNDING * lengths
    reaches = medians + REACH_DEVIATIONS * spread
    if not is_point.all():
        reaches[is_point] = np.median(reaches[~is_point])
    return np.asarray(np.maximum(reaches, ROUNDING * lengths))


def find_drift(
    labels: NDArray[np.intp],
    distances: NDArray[np.float64],
    placed: NDArray[np.float64],
    unsorted: int,
) -> Drift:
    """Compare the videos placed later with the clustered ones.

    labels, distances: (m,) of the clustered ones; placed: (p,) distances of the later ones, to the
    nearest centroid; unsorted: how many of these are.
    """
    _, rows, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    expected = distances * np.array([_unseen(int(size)) for size in sizes])[rows]
    usual = float(np.mean(expected[sizes[rows] > 1])) if (sizes > 1).any() else 0.0
    rise = float(np.mean(placed)) / usual if len(placed) and usual > 0 else None
    return Drift(len(placed), unsorted, rise)


def _unseen(size: int) -> float:
    """Return how much farther from the mean of so many videos one more of the kind lies.

    The expected squares of the distances of members and of others are as 1 - 1/size to 1 + 1/size.
    """
    return float(np.sqrt((size + 1) / (size - 1))) if size > 1 else 1.0


def _median_of_some(relative: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    """Return the median of the members of clusters that are large enough to have a spread."""
    _, rows, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    counted = relative[sizes[rows] > 2]  # noqa: PLR2004 - two members are equally far from their mean
    return float(np.median(counted)) if len(counted) else 0.0
