"""Videos that came after a run, and their places in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, LargeBinary, exists, func, insert, select, type_coerce
from sqlalchemy.orm import Session

from vidindex.db.models import Assignment, Embedding, File, Video
from vidindex.embedding import VECTOR_SIZE
from vidindex.store.clusterings import UNSORTED, StoredRun
from vidindex.store.embeddings import StoredMatrix
from vidindex.store.files import is_below


@dataclass(frozen=True)
class StoredDistances:
    """How far the videos of a run lie from their centroids.

    labels: (m,), of the videos that were clustered, but for those in no cluster. distances: (m,)
    float64, of the same. placed: (p,) float64, of those placed later, the unsorted ones included.
    unsorted: how many of those are.
    """

    labels: NDArray[np.intp]
    distances: NDArray[np.float64]
    placed: NDArray[np.float64]
    unsorted: int


def load_unplaced(session: Session, run: StoredRun) -> StoredMatrix:
    """Load the vectors, by content hash, that a run does not have and that are of its kind.

    Of its recipe, and of videos with a file that is present, below its folder if it has one.
    """
    rows = session.execute(
        select(Video.id, Video.blake3, type_coerce(Embedding.vector, LargeBinary))
        .join(Embedding, Embedding.video_id == Video.id)
        .where(*_is_unplaced(run))
        .order_by(Video.blake3)
    ).all()
    vectors = np.frombuffer(b"".join(row[2] for row in rows), dtype="<f4")
    return StoredMatrix(
        tuple(row[0] for row in rows),
        tuple(row[1] for row in rows),
        vectors.reshape(len(rows), VECTOR_SIZE).astype(np.float32, copy=False),
    )


def count_unplaced(session: Session, run: StoredRun) -> int:
    """Return how many vectors `load_unplaced` would load."""
    return session.execute(
        select(func.count()).select_from(Embedding).where(*_is_unplaced(run))
    ).scalar_one()


def put_placements(
    session: Session,
    run: int,
    video_ids: Sequence[int],
    labels: NDArray[np.intp],
    distances: NDArray[np.float64],
) -> None:
    """Store the places of n videos in a run: their labels, or UNSORTED, and their distances."""
    rows = [
        {
            "clustering_id": run,
            "video_id": video_id,
            "label": None if label == UNSORTED else label,
            "distance": distance,
            "is_placed_later": True,
        }
        for video_id, label, distance in zip(
            video_ids, labels.tolist(), distances.tolist(), strict=True
        )
    ]
    if rows:
        session.execute(insert(Assignment), rows)


def load_distances(session: Session, run: int) -> StoredDistances:
    """Return the distances of all videos of a run."""
    rows = session.execute(
        select(Assignment.label, Assignment.distance, Assignment.is_placed_later)
        .where(Assignment.clustering_id == run)
        .order_by(Assignment.video_id)
    ).all()
    members = [row for row in rows if not row.is_placed_later and row.label is not None]
    later = [row for row in rows if row.is_placed_later]
    return StoredDistances(
        np.array([row.label for row in members], dtype=np.intp),
        np.array([row.distance for row in members], dtype=np.float64),
        np.array([row.distance for row in later], dtype=np.float64),
        sum(row.label is None for row in later),
    )


def count_placed(session: Session, run: int) -> dict[int, int]:
    """Return how many videos were placed later in each cluster of a run; UNSORTED for none."""
    rows = session.execute(
        select(Assignment.label, func.count())
        .where(Assignment.clustering_id == run, Assignment.is_placed_later)
        .group_by(Assignment.label)
    )
    return {UNSORTED if label is None else label: count for label, count in rows}


def _is_unplaced(run: StoredRun) -> tuple[ColumnElement[bool], ...]:
    present = select(File.video_id).where(File.missing_since.is_(None))
    if run.scope is not None:
        present = present.where(is_below(File.path, run.scope))
    is_placed = exists().where(
        Assignment.clustering_id == run.id, Assignment.video_id == Embedding.video_id
    )
    return (
        Embedding.recipe_id == run.recipe_id,
        Embedding.video_id.in_(present),
        ~is_placed,
    )
