"""Clusterings: runs, their clusters, and which video is in which."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from vidindex.db.models import Assignment, Cluster, Clustering, File, Video
from vidindex.scanning import FileStat
from vidindex.store.files import is_below


@dataclass(frozen=True)
class NewClustering:
    """A run to be stored, with everything that repeats it.

    video_ids, labels, distances: n each, in one order; labels count from 0 without a gap.
    centroids: (k, 2048) float32.
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
    centroids: NDArray[np.float32]


@dataclass(frozen=True)
class StoredCluster:
    """One cluster of a run."""

    label: int
    name: str | None
    size: int


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


@dataclass(frozen=True)
class LabelledFile:
    """A file that is present, and the cluster its content is in."""

    stat: FileStat
    blake3: bytes
    label: int
    name: str | None
    distance: float


def put_clustering(session: Session, new: NewClustering, *, now: datetime) -> int:
    """Store a run whole and return its number."""
    run = session.execute(
        insert(Clustering)
        .values(
            recipe_id=new.recipe_id,
            algorithm="kmeans",
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
        )
        .returning(Clustering.id)
    ).scalar_one()
    sizes = np.bincount(new.labels, minlength=new.k)
    session.execute(
        insert(Cluster),
        [
            {"clustering_id": run, "label": label, "size": int(size), "centroid": centroid}
            for label, (size, centroid) in enumerate(zip(sizes, new.centroids, strict=True))
        ],
    )
    session.execute(
        insert(Assignment),
        [
            {
                "clustering_id": run,
                "video_id": video_id,
                "label": int(label),
                "distance": float(distance),
            }
            for video_id, label, distance in zip(
                new.video_ids, new.labels, new.distances, strict=True
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
        ).order_by(Clustering.id)
    )
    return [StoredRun(**row._asdict()) for row in rows]


def list_clusters(session: Session, run: int) -> list[StoredCluster]:
    """Return the clusters of a run by their labels."""
    rows = session.execute(
        select(Cluster.label, Cluster.name, Cluster.size)
        .where(Cluster.clustering_id == run)
        .order_by(Cluster.label)
    )
    return [StoredCluster(*row) for row in rows]


def list_labelled_files(
    session: Session, run: int, *, label: int | None = None, folder: Path | None = None
) -> list[LabelledFile]:
    """Return the files of a run that are present, sorted by label, distance and path."""
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
        )
        .join(Video, Video.id == Assignment.video_id)
        .join(File, File.video_id == Video.id)
        .join(
            Cluster,
            (Cluster.clustering_id == Assignment.clustering_id)
            & (Cluster.label == Assignment.label),
        )
        .where(Assignment.clustering_id == run, File.missing_since.is_(None))
        .order_by(Assignment.label, Assignment.distance, File.path)
    )
    if label is not None:
        query = query.where(Assignment.label == label)
    if folder is not None:
        query = query.where(is_below(File.path, folder))
    return [
        LabelledFile(FileStat(*row[:5]), row.blake3, row.label, row.name, row.distance)
        for row in session.execute(query)
    ]


def list_labels_of(session: Session, video_id: int) -> list[tuple[int, int, str | None, float]]:
    """Return run, label, name and distance of a video in every run that has it."""
    rows = session.execute(
        select(Assignment.clustering_id, Assignment.label, Cluster.name, Assignment.distance)
        .join(
            Cluster,
            (Cluster.clustering_id == Assignment.clustering_id)
            & (Cluster.label == Assignment.label),
        )
        .where(Assignment.video_id == video_id)
        .order_by(Assignment.clustering_id)
    )
    return [(run, label, name, distance) for run, label, name, distance in rows]
