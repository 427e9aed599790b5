"""Lists over a run: the videos that fit their cluster least, best, and those between two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.errors import Refused, UsageError
from vidindex.querying import choose_run, require_label
from vidindex.spaces import CHUNK_ROWS, Space, find_distances
from vidindex.store import clusterings, embeddings, files
from vidindex.store.clusterings import UNSORTED, LabelledFile, StoredRun


@dataclass(frozen=True)
class SurveyRequest:
    """Which videos are looked at. run: the one in use by default. label: only this cluster.

    limit: rows at most; of representatives, in each cluster.
    """

    limit: int
    run: int | None = None
    label: int | None = None


@dataclass(frozen=True)
class TypicalVideo:
    """A video in its cluster, one of its files.

    distance: to the centroid, in the space that was clustered. relative: the distance, divided by
    the root mean square of those of its cluster: 1 is usual, 2 is far.
    """

    path: Path
    blake3: bytes
    label: int
    name: str | None
    distance: float
    relative: float


@dataclass(frozen=True)
class BorderlineVideo:
    """A video between its cluster and the nearest other one, one of its files.

    margin: (other distance - distance) / the larger of the two: 0 on the border, 1 at its own
    centroid, below 0 nearer to the other. That is the silhouette of
    Rousseeuw 1987, https://doi.org/10.1016/0377-0427(87)90125-7, with centroids for members.
    """

    path: Path
    blake3: bytes
    label: int
    name: str | None
    distance: float
    other_label: int
    other_name: str | None
    other_distance: float
    margin: float


@dataclass(frozen=True)
class TypicalAnswer:
    """The run that was looked at, and some of its videos."""

    run: StoredRun
    rows: tuple[TypicalVideo, ...]


@dataclass(frozen=True)
class BorderlineAnswer:
    """The run that was looked at, and its videos with the smallest margins, those first."""

    run: StoredRun
    rows: tuple[BorderlineVideo, ...]


def list_outliers(library: Path, request: SurveyRequest) -> TypicalAnswer:
    """Return the videos that are farthest from their centroid for their cluster, those first.

    Raises:
        UsageError: a limit below 1.
        Refused: there is no such run or label.
    """
    run, videos = _load_typical(library, request)
    by_distance = sorted(videos, key=lambda video: -video.relative)
    return TypicalAnswer(run, tuple(by_distance[: request.limit]))


def list_representatives(library: Path, request: SurveyRequest) -> TypicalAnswer:
    """Return the videos that are nearest to the centroid of each cluster, by label.

    Raises:
        UsageError: a limit below 1.
        Refused: there is no such run or label.
    """
    run, videos = _load_typical(library, request)
    by_label = defaultdict(list)
    for video in videos:
        by_label[video.label].append(video)
    rows = [video for label in sorted(by_label) for video in by_label[label][: request.limit]]
    return TypicalAnswer(run, tuple(rows))


def list_borderline(library: Path, request: SurveyRequest) -> BorderlineAnswer:
    """Return the videos that are most between two clusters.

    Raises:
        UsageError: a limit below 1.
        Refused: there is no such run or label, or the run has one cluster only.
    """
    _check(request)
    with schema.open_for_reading(library) as database, database.reading() as session:
        run = _choose(session, request)
        names = {each.label: each.name for each in clusterings.list_clusters(session, run.id)}
        if len(names) == 1:
            raise Refused(
                f"run {run.id} has one cluster only, and so no border",
                "make more: vidindex cluster -k 10",
            )
        videos = _list_clustered(session, run, request.label)
        paths = files.find_paths(session)
        centroids = clusterings.load_centroids(session, run.id)
        space = Space(run.normalize, centroids.shift, centroids.scale)
        video_ids = [video_id for video_id, _, _ in videos]
        distances = np.concatenate(
            [
                np.empty((0, len(names))),
                *(
                    find_distances(block, centroids.centroids, space)
                    for block in embeddings.read_vectors(
                        session, run.recipe_id, video_ids, CHUNK_ROWS
                    )
                ),
            ]
        )
    places = np.searchsorted(centroids.labels, [label for _, _, label in videos])
    own, others, other, margins = _measure_margins(distances, places)
    rows = []
    for row in np.argsort(margins, kind="stable")[: request.limit].tolist():
        video_id, blake3, label = videos[row]
        other_label = int(centroids.labels[others[row]])
        video = BorderlineVideo(
            path=paths[video_id],
            blake3=blake3,
            label=label,
            name=names[label],
            distance=float(own[row]),
            other_label=other_label,
            other_name=names[other_label],
            other_distance=float(other[row]),
            margin=float(margins[row]),
        )
        rows.append(video)
    return BorderlineAnswer(run, tuple(rows))


def _list_clustered(
    session: Session, run: StoredRun, label: int | None
) -> list[tuple[int, bytes, int]]:
    """Return number, hash and label of the videos in a cluster, or in this one; by hash."""
    labels = clusterings.load_labels(session, run.id)
    wanted = set(labels.values()) - {UNSORTED} if label is None else {label}
    return [
        (video_id, blake3, labels[video_id])
        for video_id, blake3 in embeddings.list_embedded(session, run.recipe_id)
        if labels.get(video_id) in wanted
    ]


def _measure_margins(
    distances: NDArray[np.float64], places: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Return of n videos: own distance, which other centroid is nearest, how far it is, margin.

    distances: (n, k) to all centroids, k at least 2. places: (n,), which is their own.
    """
    rows = np.arange(len(places))
    own = distances[rows, places]
    apart = distances.copy()
    apart[rows, places] = np.inf
    others = apart.argmin(axis=1)
    other = apart[rows, others]
    larger = np.maximum(own, other)
    margins = np.divide(other - own, larger, out=np.zeros_like(own), where=larger > 0)
    return own, others, other, margins


def _load_typical(library: Path, request: SurveyRequest) -> tuple[StoredRun, list[TypicalVideo]]:
    """Return the videos of a run that are in a cluster, by label and then by distance."""
    _check(request)
    with schema.open_for_reading(library) as database, database.reading() as session:
        run = _choose(session, request)
        labelled = clusterings.list_labelled_files(session, run.id, label=request.label)
    videos = _first_files(labelled)
    squares: dict[int, list[float]] = defaultdict(list)
    for label, video in videos:
        squares[label].append(video.distance**2)
    usual = {label: float(np.sqrt(np.mean(of_label))) for label, of_label in squares.items()}
    return run, [
        TypicalVideo(
            video.stat.path,
            video.blake3,
            label,
            video.name,
            video.distance,
            video.distance / usual[label] if usual[label] else 0.0,
        )
        for label, video in videos
    ]


def _check(request: SurveyRequest) -> None:
    if request.limit < 1:
        raise UsageError(f"the limit must be at least 1, not {request.limit}", "leave it out")


def _choose(session: Session, request: SurveyRequest) -> StoredRun:
    """Return the run, which must have the label."""
    run = choose_run(session, request.run)
    if request.label is not None:
        require_label(session, run, request.label)
    return run


def _first_files(labelled: Iterable[LabelledFile]) -> list[tuple[int, LabelledFile]]:
    """Return the label and one file of each video that is in a cluster: the first."""
    firsts: dict[bytes, tuple[int, LabelledFile]] = {}
    for file in labelled:
        if file.label is not None:
            firsts.setdefault(file.blake3, (file.label, file))
    return list(firsts.values())
