"""Why a video is where it is: its clusters, its neighbours and what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from vidindex import naming
from vidindex.db import schema
from vidindex.errors import Refused, UsageError
from vidindex.querying import choose_recipe, choose_run, find_video
from vidindex.spaces import CHUNK_ROWS, Space, find_cosines, find_distances
from vidindex.store import clusterings, embeddings, files, heads, wishes
from vidindex.store.clusterings import UNSORTED, StoredRun

CLASSES_SHOWN = 5
ROUNDING = 1e-9


@dataclass(frozen=True)
class NearCluster:
    """A cluster, and how far its centroid is from the video, in the space that was clustered."""

    label: int
    name: str | None
    distance: float


@dataclass(frozen=True)
class Neighbour:
    """Another video, one of its files, and its cluster: None if it is in no one."""

    path: Path
    blake3: bytes
    cosine: float
    label: int | None


@dataclass(frozen=True)
class ClassScore:
    """A class of the network and the video's lift in it; see naming.py."""

    class_name: str
    score: float


@dataclass(frozen=True)
class DecidingClass:
    """A class that tells two clusters apart: the lift of the video, and of each of the two."""

    class_name: str
    score: float
    own: float
    other: float


@dataclass(frozen=True)
class Explanation:
    """Where a video is in a run, and why.

    own: its cluster, or None if it is in none; is_unsorted: whether the run knows it as unsorted,
    or else it came after the run. pinned_to: the label that the user has pinned it to. nearest:
    the two nearest clusters, the first one first; one if there is only one. margin: (distance to
    the nearest other cluster - distance to its own, or else the nearest one) / the larger of the
    two: 0 on the border between them, 1 at its own centroid, below 0 nearer to the other; None
    with one cluster. percentile: how many in 100 of its cluster are as near to the centroid or
    nearer; None outside of one. classes: the highest lifts of the video. deciding: what tells the
    nearest cluster from the second; both empty if the library knows no classes.
    """

    run: StoredRun
    path: Path
    blake3: bytes
    own: NearCluster | None
    is_unsorted: bool
    pinned_to: int | None
    nearest: tuple[NearCluster, ...]
    margin: float | None
    percentile: float | None
    neighbours: tuple[Neighbour, ...]
    classes: tuple[ClassScore, ...]
    deciding: tuple[DecidingClass, ...]


def explain(library: Path, path_or_hash: str, *, run: int | None, top: int) -> Explanation:
    """Explain the place of a video in a run, in the one in use by default.

    top: neighbours at most.

    Raises:
        UsageError: top is below 1.
        Refused: the library does not know the video, or it has no vector to be explained by.
    """
    if top < 1:
        raise UsageError(f"--top must be at least 1, not {top}", "leave it out: 5")
    with schema.open_for_reading(library) as database, database.reading() as session:
        chosen = choose_run(session, run)
        video = find_video(session, path_or_hash)
        known = embeddings.list_embedded(session, chosen.recipe_id)
        if (video.id, video.blake3) not in known:
            raise Refused(
                f"the library has no vector of {path_or_hash} to explain it by",
                "index it with the weights of the run, or see what is known: vidindex show",
            )
        row = known.index((video.id, video.blake3))
        return _Explainer(session, chosen, known, row).explain(top)


class _Explainer:
    """A run and a video, with all that is needed to explain its place."""

    def __init__(
        self, session: Session, run: StoredRun, known: Sequence[tuple[int, bytes]], row: int
    ) -> None:
        self._session = session
        self._run = run
        self._known = known
        self._row = row
        self._vector = self._read_vector()
        self._centroids = clusterings.load_centroids(session, run.id)
        self._space = Space(run.normalize, self._centroids.shift, self._centroids.scale)
        self._names = {each.label: each.name for each in clusterings.list_clusters(session, run.id)}
        by_video = clusterings.load_labels(session, run.id)
        self._is_known = known[row][0] in by_video
        labels = [by_video.get(video_id, UNSORTED) for video_id, _ in known]
        self._labels = np.array(labels, dtype=np.intp)

    def explain(self, top: int) -> Explanation:
        """Explain the video's place; top: neighbours at most."""
        distances = self._distances(self._vector[np.newaxis], self._centroids.centroids)[0]
        order = np.argsort(distances, kind="stable")[:2].tolist()
        nearest = tuple(self._near_cluster(place, distances) for place in order)
        place = np.flatnonzero(self._centroids.labels == self._labels[self._row])
        own = self._near_cluster(int(place[0]), distances) if len(place) else None
        seen = self._look_at_all(own, [cluster.label for cluster in nearest])
        classes, deciding = self._classes(seen.summary, [cluster.label for cluster in nearest])
        return Explanation(
            run=self._run,
            path=files.find_paths(self._session)[self._known[self._row][0]],
            blake3=self._known[self._row][1],
            own=own,
            is_unsorted=own is None and self._is_known,
            pinned_to=wishes.list_pins(self._session).get(self._known[self._row][0]),
            nearest=nearest,
            margin=_margin(own or nearest[0], nearest),
            percentile=None if own is None else _percentile(seen.distances, own.distance),
            neighbours=self._neighbours(seen.cosines, top),
            classes=classes,
            deciding=deciding,
        )

    def _read_vector(self) -> NDArray[np.float32]:
        video_id, blake3 = self._known[self._row]
        (block,) = embeddings.read_vectors(self._session, self._run.recipe_id, [video_id], 1)
        if not np.isfinite(block).all():
            message = f"the stored vector of the video {blake3.hex()[:12]} is damaged"
            raise Refused(message, "vidindex db check tells more")
        vector: NDArray[np.float32] = block[0]
        return vector

    def _distances(
        self, vectors: NDArray[np.float32], centroids: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        return find_distances(vectors, centroids, self._space)

    def _near_cluster(self, place: int, distances: NDArray[np.float64]) -> NearCluster:
        label = int(self._centroids.labels[place])
        return NearCluster(label, self._names[label], float(distances[place]))

    def _look_at_all(self, own: NearCluster | None, wanted: Sequence[int]) -> _Seen:
        """Go through all vectors once, as there may be more than the memory holds."""
        cosines, distances = [], [np.empty((0, 1))]
        members = self._labels == (UNSORTED if own is None else own.label)
        centroid = self._centroids.centroids[
            self._centroids.labels == (None if own is None else own.label)
        ]

        def read() -> Iterator[NDArray[np.float32]]:
            start = 0
            video_ids = [video_id for video_id, _ in self._known]
            for block in embeddings.read_vectors(
                self._session, self._run.recipe_id, video_ids, CHUNK_ROWS
            ):
                cosines.append(find_cosines(block, self._vector))
                if own is not None:
                    here = members[start : start + len(block)]
                    distances.append(self._distances(block[here], centroid))
                start += len(block)
                yield block

        summary = naming.summarize(read(), self._labels, wanted=wanted)
        return _Seen(np.concatenate(cosines), np.concatenate(distances)[:, 0], summary)

    def _neighbours(self, cosines: NDArray[np.float32], top: int) -> tuple[Neighbour, ...]:
        paths = files.find_paths(self._session)
        order = [row for row in np.argsort(-cosines, kind="stable").tolist() if row != self._row]
        return tuple(
            Neighbour(
                paths[self._known[row][0]],
                self._known[row][1],
                min(1.0, float(cosines[row])),
                None if self._labels[row] == UNSORTED else int(self._labels[row]),
            )
            for row in order[:top]
        )

    def _classes(
        self, summary: naming.Summary | None, labels: Sequence[int]
    ) -> tuple[tuple[ClassScore, ...], tuple[DecidingClass, ...]]:
        """Return the video's best classes, and those in which two clusters differ most."""
        recipe = choose_recipe(self._session, self._run.recipe_id)
        head = heads.find_head(self._session, recipe.recipe.weights_digest)
        if head is None or head.class_names is None or summary is None:
            return (), ()
        scorer = naming.measure(head.kernel, head.class_names, summary)
        scores = scorer.score(self._vector[np.newaxis])[0]
        best = naming.best_classes(scores, scorer.class_names, CLASSES_SHOWN)
        classes = tuple(ClassScore(name, score) for name, score in best)
        if len(summary.means) < 2:  # noqa: PLR2004 - there is one cluster, or one is empty by now
            return classes, ()
        own, other = scorer.score(np.stack([summary.means[label] for label in labels]))
        order = np.argsort(other - own, kind="stable")[:CLASSES_SHOWN].tolist()
        deciding = tuple(
            DecidingClass(
                scorer.class_names[at], float(scores[at]), float(own[at]), float(other[at])
            )
            for at in order
        )
        return classes, deciding


@dataclass(frozen=True, eq=False)
class _Seen:
    """What comes of a look at all vectors.

    cosines: (n,) to the video. distances: (m,) of its cluster's members to the centroid.
    """

    cosines: NDArray[np.float32]
    distances: NDArray[np.float64]
    summary: naming.Summary | None


def _margin(own: NearCluster, nearest: Sequence[NearCluster]) -> float | None:
    other = next((cluster for cluster in nearest if cluster.label != own.label), None)
    if other is None:
        return None
    larger = max(own.distance, other.distance)
    return 0.0 if larger == 0 else (other.distance - own.distance) / larger


def _percentile(distances: NDArray[np.float64], distance: float) -> float:
    """Return how many in 100 distances are no larger, but for what rounding makes of one."""
    return 100 * float(np.mean(distances <= distance * (1 + ROUNDING) + ROUNDING))
