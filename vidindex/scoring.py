"""How good a partition is: silhouette on a sample, agreement of starts, and which K to take."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SILHOUETTE_SAMPLE = 2000
# A K is recommended only if its starts agree at least so far, measured against the best K.
STEADY_SHARE = 0.8


def agreement(one: NDArray[np.intp], other: NDArray[np.intp]) -> float:
    """Return the adjusted Rand index of two labellings of the same points: 1 if they are the same.

    one, other: (n,), not negative (Hubert and Arabie 1985, doi:10.1007/BF01908075).
    """
    columns = int(other.max()) + 1
    pairs = np.bincount(one * columns + other, minlength=(int(one.max()) + 1) * columns)
    table = pairs.reshape(-1, columns).astype(np.float64)
    together = _count_pairs(table)
    rows, cols = _count_pairs(table.sum(axis=1)), _count_pairs(table.sum(axis=0))
    all_pairs = len(one) * (len(one) - 1) / 2
    by_chance = rows * cols / all_pairs if all_pairs else 0.0
    most = (rows + cols) / 2
    return 1.0 if most == by_chance else (together - by_chance) / (most - by_chance)


def mean_agreement(labellings: Sequence[NDArray[np.intp]]) -> float:
    """Return the mean adjusted Rand index of all pairs of labellings; there are at least two."""
    pairs = [agreement(*pair) for pair in itertools.combinations(labellings, 2)]
    return float(np.mean(pairs))


def measure_apart(sample: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the distances of all pairs of some points: (n, n) float32. sample: (n, d) float32."""
    centered = sample - sample.mean(axis=0)
    squares = np.einsum("nd,nd->n", centered, centered)
    apart = squares[:, np.newaxis] - 2 * (centered @ centered.T) + squares
    np.fill_diagonal(apart, 0)
    distances: NDArray[np.float32] = np.sqrt(np.maximum(apart, 0))
    return distances


def silhouette(apart: NDArray[np.float32], labels: NDArray[np.intp]) -> float | None:
    """Return the mean silhouette of points, from -1 to 1 (Rousseeuw 1987).

    apart: (n, n) their distances; labels: (n,). None if they are not of two clusters at least. A
    point that is alone in its cluster counts 0.
    """
    _, labels = np.unique(labels, return_inverse=True)
    k = int(labels.max()) + 1
    if k < 2:  # noqa: PLR2004 - two clusters
        return None
    is_in = (labels[:, np.newaxis] == np.arange(k)).astype(np.float32)
    sizes = is_in.sum(axis=0)
    sums = apart @ is_in
    rows = np.arange(len(labels))
    own_size = sizes[labels]
    own = sums[rows, labels] / np.maximum(own_size - 1, 1)
    sums /= sizes
    sums[rows, labels] = np.inf
    other = sums.min(axis=1)
    greater = np.maximum(own, other)
    values = np.where((own_size > 1) & (greater > 0), (other - own) / np.maximum(greater, 1e-30), 0)
    return float(values.mean())


@dataclass(frozen=True)
class Tried:
    """What one K of a range came to. silhouette, stability: None where they cannot be told."""

    k: int
    silhouette: float | None
    stability: float | None


def recommend(tried: Sequence[Tried]) -> tuple[int, str]:
    """Return one of the K that were tried, and why, as a sentence. There is at least one."""
    scored = [each for each in tried if each.silhouette is not None]
    if not scored:
        return tried[-1].k, "it is the only one that could be tried"
    most_steady = max(each.stability or 0 for each in scored)
    steady = [each for each in scored if (each.stability or 0) >= STEADY_SHARE * most_steady]
    best = max(steady, key=lambda each: (each.silhouette or -1, -each.k))
    apart = f"its clusters are the most distinct (silhouette {best.silhouette:.2f})"
    if best.stability is None:
        return best.k, apart
    among = "" if len(steady) == len(scored) else " among those that other starts find again too"
    return best.k, f"{apart}{among}, stability {best.stability:.2f}"


def _count_pairs(numbers: NDArray[np.float64]) -> float:
    return float(np.sum(numbers * (numbers - 1)) / 2)
