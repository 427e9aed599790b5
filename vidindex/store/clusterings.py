"""Clusterings: runs, their clusters, and which video is in which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from vidindex.db.models import Assignment, Cluster, Clustering, File, Video
from vidindex.embedding import VideoInfo
from vidindex.scanning import FileStat
from vidindex.store.files import is_below
from vidindex.store.videos import to_info

UNSORTED = -1  # the label, in arrays, of a video that is in no cluster


@dataclass(frozen=True)
class Name:
    """The name of a cluster. score: how well an automatic one fits; None for a user's."""

    text: str
    source: Literal["user", "auto"]
    score: float | None = None


@dataclass(frozen=True)
class NewClustering:
    """A run to be stored, with everything that repeats it.

    video_ids, labels, distances: n each, in one order; a label is one of cluster_labels, or
    UNSORTED. cluster_labels: (k,), of centroids, (k, 2048) float32. names: by label.
    shift, scale: (2048,) float32, just if normalize is "standard". previous: the run that the
    labels were matched with. is_in_use: whether it becomes the run in use.
    """

    recipe_id: int
    k: int
    seed: int
    n_init: int
    normalize: str
    scope: Path | None
    input_digest: bytes
    inertia: float
    software: str
    video_ids: tuple[int, ...]
    labels: NDArray[np.intp]
    distances: NDArray[np.float64]
    cluster_labels: NDArray[np.intp]
    centroids: NDArray[np.float32]
    algorithm: str = "kmeans"
    names: Mapping[int, Name] = field(default_factory=dict)
    shift: NDArray[np.float32] | None = None
    scale: NDArray[np.float32] | None = None
    silhouette: float | None = None
    stability: float | None = None
    previous: int | None = None
    is_in_use: bool = True


@dataclass(frozen=True)
class StoredCluster:
    """One cluster of a run. size: of the videos that were clustered."""

    label: int
    name: str | None
    size: int
    name_source: Literal["user", "auto"] | None = None
    name_score: float | None = None

    @property
    def given_name(self) -> Name | None:
        """Its name, if it has one."""
        if self.name is None or self.name_source is None:
            return None
        return Name(self.name, self.name_source, self.name_score)


@dataclass(frozen=True)
class StoredCentroids:
    """Where the clusters of a run lie, in the space that was clustered.

    labels: (k,). centroids: (k, 2048) float32. shift, scale: (2048,) float32, or None each.
    """

    labels: NDArray[np.intp]
    centroids: NDArray[np.float32]
    normalize: str
    shift: NDArray[np.float32] | None
    scale: NDArray[np.float32] | None


@dataclass(frozen=True)
class StoredRun:
    """A clustering as the library knows it."""

    id: int
    recipe_id: int
    algorithm: str
    k: int
    seed: int
    n_init: int
    normalize: str
    scope: Path | None
    video_count: int
    inertia: float
    software: str
    created_at: datetime
    silhouette: float | None
    stability: float | None
    previous_id: int | None
    used_at: datetime | None


@dataclass(frozen=True)
class LabelledFile:
    """A file that is present, and the cluster its content is in; label None: in no one.

    is_placed_later: its content came after the run. info: what its header says.
    """

    stat: FileStat
    blake3: bytes
    label: int | None
    name: str | None
    distance: float
    is_placed_later: bool = False
    info: VideoInfo | None = None


def put_clustering(session: Session, new: NewClustering, *, now: datetime) -> int:
    """Store a run whole and return its number."""
    run = session.execute(
        insert(Clustering)
        .values(
            recipe_id=new.recipe_id,
            algorithm=new.algorithm,
            k=new.k,
            seed=new.seed,
            n_init=new.n_init,
            normalize=new.normalize,
            scope=new.scope,
            input_digest=new.input_digest,
            video_count=len(new.video_ids),
            inertia=new.inertia,
            software=new.software,
            created_at=now,
            shift=new.shift,
            scale=new.scale,
            silhouette=new.silhouette,
            stability=new.stability,
            previous_id=new.previous,
        )
        .returning(Clustering.id)
    ).scalar_one()
    if new.is_in_use:
        put_to_use(session, run, now=now)
    session.execute(
        insert(Cluster),
        [
            {
                "clustering_id": run,
                "label": int(label),
                "size": int(np.count_nonzero(new.labels == label)),
                "centroid": centroid,
                **_name_columns(new.names.get(int(label))),
            }
            for label, centroid in zip(new.cluster_labels, new.centroids, strict=True)
        ],
    )
    # As the driver takes them: there may be a million.
    session.connection().exec_driver_sql(
        "INSERT INTO assignments (clustering_id, video_id, label, distance) VALUES (?, ?, ?, ?)",
        [
            (run, video_id, None if label == UNSORTED else label, distance)
            for video_id, label, distance in zip(
                new.video_ids, new.labels.tolist(), new.distances.tolist(), strict=True
            )
        ],
    )
    return run


def list_runs(session: Session) -> list[StoredRun]:
    """Return all runs, the oldest first."""
    rows = session.execute(
        select(
            Clustering.id,
            Clustering.recipe_id,
            Clustering.algorithm,
            Clustering.k,
            Clustering.seed,
            Clustering.n_init,
            Clustering.normalize,
            Clustering.scope,
            Clustering.video_count,
            Clustering.inertia,
            Clustering.software,
            Clustering.created_at,
            Clustering.silhouette,
            Clustering.stability,
            Clustering.previous_id,
            Clustering.used_at,
        ).order_by(Clustering.id)
    )
    return [StoredRun(**row._asdict()) for row in rows]


def list_used(runs: Iterable[StoredRun], recipe_id: int | None = None) -> list[StoredRun]:
    """Return those of some runs that were ever put to use, of all or of a recipe, the last first.

    The first is the one in use.
    """
    used = [run for run in runs if run.used_at is not None and recipe_id in (None, run.recipe_id)]
    return sorted(used, key=lambda run: (run.used_at, run.id), reverse=True)


def run_in_use(runs: Iterable[StoredRun], recipe_id: int | None = None) -> StoredRun | None:
    """Return the run that was put to use last, of all or of a recipe; None if there is none."""
    return next(iter(list_used(runs, recipe_id)), None)


def put_to_use(session: Session, run: int, *, now: datetime) -> None:
    """Make a run the one in use, even if the clock was once ahead."""
    last = session.scalar(select(func.max(Clustering.used_at)))
    moment = now if last is None else max(now, last + timedelta(microseconds=1))
    session.execute(update(Clustering).where(Clustering.id == run).values(used_at=moment))


def drop_run(session: Session, run: int) -> None:
    """Forget a run, with its clusters and assignments."""
    # Assignments without a label refer to no cluster, so that no cascade reaches them.
    session.execute(delete(Assignment).where(Assignment.clustering_id == run))
    session.execute(delete(Clustering).where(Clustering.id == run))


def set_name(session: Session, run: int, label: int, name: Name | None) -> None:
    """Give a cluster a name, in place of any other, or take it away."""
    session.execute(
        update(Cluster)
        .where(Cluster.clustering_id == run, Cluster.label == label)
        .values(_name_columns(name))
    )


def list_clusters(session: Session, run: int) -> list[StoredCluster]:
    """Return the clusters of a run by their labels."""
    rows = session.execute(
        select(Cluster.label, Cluster.name, Cluster.size, Cluster.name_source, Cluster.name_score)
        .where(Cluster.clustering_id == run)
        .order_by(Cluster.label)
    )
    return [StoredCluster(**row._asdict()) for row in rows]


def list_labels(session: Session, runs: Sequence[int]) -> dict[int, set[int]]:
    """Return the labels of the clusters of each of some runs."""
    labels: dict[int, set[int]] = {run: set() for run in runs}
    rows = session.execute(
        select(Cluster.clustering_id, Cluster.label).where(Cluster.clustering_id.in_(runs))
    )
    for run, label in rows:
        labels[run].add(label)
    return labels


def load_centroids(session: Session, run: int) -> StoredCentroids:
    """Return where the clusters of a run lie, by their labels."""
    space = session.execute(
        select(Clustering.normalize, Clustering.shift, Clustering.scale).where(Clustering.id == run)
    ).one()
    rows = session.execute(
        select(Cluster.label, Cluster.centroid)
        .where(Cluster.clustering_id == run)
        .order_by(Cluster.label)
    ).all()
    labels = np.array([row.label for row in rows], dtype=np.intp)
    return StoredCentroids(labels, np.stack([row.centroid for row in rows]), *space)


def load_labels(session: Session, run: int) -> dict[int, int]:
    """Return the label of each video of a run, by the video's number; UNSORTED for none."""
    rows = session.execute(
        select(Assignment.video_id, Assignment.label).where(Assignment.clustering_id == run)
    )
    return {video_id: UNSORTED if label is None else label for video_id, label in rows}


def list_labelled_files(
    session: Session, run: int, *, label: int | None = None, folder: Path | None = None
) -> list[LabelledFile]:
    """Return the files of a run that are present, sorted by label, distance and path.

    label: only of this one; UNSORTED: only those in no cluster. These come last.
    """
    query = (
        select(
            File.path,
            File.size_bytes,
            File.mtime_ns,
            File.device,
            File.inode,
            Video.blake3,
            Assignment.label,
            Cluster.name,
            Assignment.distance,
            Assignment.is_placed_later,
            Video.duration_s,
            Video.width_px,
            Video.height_px,
            Video.codec,
        )
        .join(Video, Video.id == Assignment.video_id)
        .join(File, File.video_id == Video.id)
        .outerjoin(
            Cluster,
            (Cluster.clustering_id == Assignment.clustering_id)
            & (Cluster.label == Assignment.label),
        )
        .where(Assignment.clustering_id == run, File.missing_since.is_(None))
        .order_by(Assignment.label.is_(None), Assignment.label, Assignment.distance, File.path)
    )
    if label is not None:
        query = query.where(Assignment.label == (None if label == UNSORTED else label))
    if folder is not None:
        query = query.where(is_below(File.path, folder))
    return [
        LabelledFile(
            FileStat(row.path, row.size_bytes, row.mtime_ns, row.device, row.inode),
            row.blake3,
            row.label,
            row.name,
            row.distance,
            row.is_placed_later,
            to_info(row.duration_s, row.width_px, row.height_px, row.codec),
        )
        for row in session.execute(query)
    ]


def list_labels_of(
    session: Session, video_id: int
) -> list[tuple[int, int | None, str | None, float]]:
    """Return run, label (None: unsorted), name and distance of a video in every run with it."""
    rows = session.execute(
        select(Assignment.clustering_id, Assignment.label, Cluster.name, Assignment.distance)
        .outerjoin(
            Cluster,
            (Cluster.clustering_id == Assignment.clustering_id)
            & (Cluster.label == Assignment.label),
        )
        .where(Assignment.video_id == video_id)
        .order_by(Assignment.clustering_id)
    )
    return [(run, label, name, distance) for run, label, name, distance in rows]


def _name_columns(name: Name | None) -> dict[str, Any]:
    if name is None:
        return {"name": None, "name_source": None, "name_score": None}
    return {"name": name.text, "name_source": name.source, "name_score": name.score}
