"""What vectors show, in the words of the network's classes: scores, and names for clusters.

The classifier is affine, so the logits of a mean of vectors are the mean of their logits, and what
it would say of a video or a cluster follows from stored vectors. Logits themselves do not compare:
some classes have high ones for any picture. So a class is scored by its **lift**, how far its logit
is above the library's mean, in units of the class's own standard deviation over the library. A
class that hardly varies there is divided by the median class's deviation instead, as else noise
would win. 0 is what the library shows on average, 1 a deviation more.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A lift below it says too little to be a name, or to be found by.
LEAST_SCORE = 0.5
# The second class joins a name if it scores at least this share of the best.
SECOND_SHARE = 0.8
# Names of two clusters that would be equal get one more class each time, up to so many.
MOST_CLASSES = 4
# Deviations are those of at most so many vectors; the mean is that of all.
SAMPLE = 2048
_CHUNK = 4096
_ROUNDING = 1e-5


@dataclass(frozen=True, eq=False)
class Scorer:
    """Scores classes by their lift.

    kernel: (d, c) float32, of the classifier. center: (d,) float32, the mean vector of the library.
    scale: (c,) float32, the deviation that each class's logit is divided by, above 0; infinite if
    all vectors of the library are equal.
    class_names: c words.
    """

    kernel: NDArray[np.float32]
    center: NDArray[np.float32]
    scale: NDArray[np.float32]
    class_names: tuple[str, ...]

    def score(
        self, vectors: NDArray[np.float32], classes: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Score some classes, all by default: (n, d) float32 to (n, classes) float32."""
        chosen = range(len(self.class_names)) if classes is None else classes
        return self.lift(vectors @ self.kernel[:, chosen], chosen)

    def lift(self, products: NDArray[np.float32], classes: Sequence[int]) -> NDArray[np.float32]:
        """Score classes by the products of vectors and the classes' columns of the kernel."""
        usual = self.center @ self.kernel[:, classes]
        return ((products - usual) / self.scale[classes]).astype(np.float32, copy=False)


@dataclass(frozen=True, eq=False)
class Summary:
    """What naming needs of a library's vectors.

    center: (d,) float32, their mean. sample: (m, d) float32, some of them. means: (d,) float32 of
    clusters, by label.
    """

    center: NDArray[np.float32]
    sample: NDArray[np.float32]
    means: Mapping[int, NDArray[np.float32]]


@dataclass(frozen=True)
class AutomaticName:
    """A name for a cluster. score: the lift of its first class."""

    text: str
    score: float


def summarize(
    blocks: Iterable[NDArray[np.float32]], labels: NDArray[np.intp], *, wanted: Collection[int] = ()
) -> Summary | None:
    """Take from vectors what naming needs, in one pass.

    blocks: (m, d) float32 each, n vectors in all; those that are not finite are left out. labels:
    (n,). wanted: labels whose mean is needed. More vectors than SAMPLE are sampled evenly, and
    always the same ones. None if there is no usable vector.
    """
    sampled = np.linspace(0, len(labels) - 1, min(len(labels), SAMPLE)).astype(np.intp)
    sums: dict[int, NDArray[np.float64]] = defaultdict(lambda: np.zeros(1))
    counts: Counter[int] = Counter()
    total, count, sample = np.zeros(1), 0, []
    for rows, block in _sound_chunks(blocks):
        sample.append(block[np.isin(rows, sampled)])
        chunk = labels[rows]
        total = total + block.sum(axis=0, dtype=np.float64)
        count += len(block)
        for label in set(np.unique(chunk).tolist()) & set(wanted):
            members = block[chunk == label]
            sums[label] = sums[label] + members.sum(axis=0, dtype=np.float64)
            counts[label] += len(members)
    sampled_vectors = np.concatenate(sample) if sample else np.empty((0, 1), np.float32)
    if not len(sampled_vectors):
        return None
    means = {label: (vector / counts[label]).astype(np.float32) for label, vector in sums.items()}
    return Summary((total / count).astype(np.float32), sampled_vectors, means)


def measure(kernel: NDArray[np.float32], class_names: Sequence[str], summary: Summary) -> Scorer:
    """Make the scorer of a classifier's classes against a library. kernel: (d, c) float32."""
    center = summary.center
    logits = summary.sample @ kernel - center @ kernel
    deviations = logits.std(axis=0, dtype=np.float64)
    noise = max(_ROUNDING * float(np.abs(center @ kernel).max()), float(np.finfo(np.float32).tiny))
    least = max(float(np.median(deviations)), noise)
    if deviations.max() <= noise:  # as good as one vector only: there is no lift
        least = np.inf
    scale = np.maximum(deviations, least).astype(np.float32)
    return Scorer(kernel, center, scale, tuple(class_names))


def name_clusters(
    scorer: Scorer, means: Mapping[int, NDArray[np.float32]], taken: Iterable[str] = ()
) -> dict[int, AutomaticName]:
    """Name clusters by their mean vectors, (d,) float32 each, by label.

    A name is the best class, or the best two if they are about as good: ``seashore-sandbar``. The
    cluster with the highest score chooses first; one whose name another has, or is among those
    taken, gets its next class too. A cluster without a class of LEAST_SCORE, or of its own, gets
    no name.
    """
    labels = sorted(means)
    if not labels:
        return {}
    scores = scorer.score(np.stack([means[label] for label in labels]))
    used = {_key(name.split("-")) for name in taken}
    names = {}
    for row in np.argsort(-scores.max(axis=1), kind="stable").tolist():
        words = _best_words(scores[row], scorer.class_names)
        name = _free_name(words, used)
        if name is not None:
            used.add(_key(word for word, _ in name))
            text = "-".join(word for word, _ in name)
            names[labels[row]] = AutomaticName(text, float(scores[row].max()))
    return names


def best_classes(
    scores: NDArray[np.float32], class_names: Sequence[str], limit: int
) -> list[tuple[str, float]]:
    """Return the names of the highest of c scores with these, the highest first."""
    order = np.argsort(-scores, kind="stable")[:limit].tolist()
    return [(class_names[place], float(scores[place])) for place in order]


def slug(class_name: str) -> str:
    """Return a class name as a part of a folder's name: "Sports car" gives "sports_car"."""
    return "_".join(re.findall(r"[^\W_]+", class_name.lower()))


def _sound_chunks(
    blocks: Iterable[NDArray[np.float32]],
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
    """Give the numbers of finite rows and these, few at a time so that temporaries are small."""
    start = 0
    for block in blocks:
        for first in range(0, len(block), _CHUNK):
            chunk = block[first : first + _CHUNK]
            rows = np.arange(start, start + len(chunk))
            start += len(chunk)
            is_sound = np.isfinite(chunk).all(axis=1)
            yield (rows, chunk) if is_sound.all() else (rows[is_sound], chunk[is_sound])


def _best_words(scores: NDArray[np.float32], class_names: Sequence[str]) -> list[tuple[str, float]]:
    """Return the different words of the best classes and their scores, of those that say enough."""
    words: dict[str, float] = {}
    for name, score in best_classes(scores, class_names, 2 * MOST_CLASSES):
        word = slug(name)  # two classes of ImageNet are called crane, and two maillot
        if score >= LEAST_SCORE and word:
            words.setdefault(word, score)
    return list(words.items())[:MOST_CLASSES]


def _free_name(
    words: Sequence[tuple[str, float]], used: Collection[frozenset[str]]
) -> Sequence[tuple[str, float]] | None:
    """Return the first words, as many as it takes to differ from the names in use."""
    if not words:
        return None
    is_alone = len(words) == 1 or words[1][1] < SECOND_SHARE * words[0][1]
    for count in range(1 if is_alone else 2, len(words) + 1):
        if _key(word for word, _ in words[:count]) not in used:
            return words[:count]
    return None


def _key(words: Iterable[str]) -> frozenset[str]:
    """Two names of the same classes in another order are no different names to a person."""
    return frozenset(word.casefold() for word in words)
