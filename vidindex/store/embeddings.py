"""Embeddings: the vectors, and why some videos have none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import LargeBinary, Select, delete, insert, select, type_coerce
from sqlalchemy.orm import Session

from vidindex.db.models import Embedding, EmbeddingFailure, File, RecipeRow, Video
from vidindex.embedding import VECTOR_SIZE, Precision
from vidindex.store.files import is_below

ROWS_AT_ONCE = 1024  # 8 MiB of vectors


@dataclass(frozen=True)
class NewEmbedding:
    """A vector and how it came about. vector: (2048,) float32.

    incomplete: why some frames are missing from it, or None.
    """

    vector: NDArray[np.float32]
    frame_count: int
    precision: Precision
    software: str
    incomplete: str | None = None


@dataclass(frozen=True)
class StoredVector:
    """What is known of a vector besides its numbers."""

    recipe_id: int
    frame_count: int
    precision: Precision
    software: str
    incomplete: str | None


@dataclass(frozen=True)
class StoredMatrix:
    """The vectors of a recipe, a row a video, sorted by content hash.

    video_ids: n numbers; hashes: n times 32 bytes; vectors: (n, 2048) float32.
    """

    video_ids: tuple[int, ...]
    hashes: tuple[bytes, ...]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class StoredFailure:
    """A video without a vector: one of the files that hold it, and the reason."""

    path: Path
    blake3: bytes
    recipe_id: int
    weights_name: str
    reason: str
    failed_at: datetime


def put_embedding(
    session: Session, recipe_id: int, video_id: int, embedding: NewEmbedding, *, now: datetime
) -> None:
    """Store a vector; an earlier failure of the same recipe and video is settled by it."""
    _forget_failure(session, recipe_id, video_id)
    session.execute(
        insert(Embedding).values(
            recipe_id=recipe_id,
            video_id=video_id,
            vector=embedding.vector,
            frame_count=embedding.frame_count,
            precision=embedding.precision,
            software=embedding.software,
            created_at=now,
            incomplete=embedding.incomplete,
        )
    )


def put_failure(
    session: Session, recipe_id: int, video_id: int, reason: str, *, now: datetime
) -> None:
    """Store why a video has no vector. A vector that it already has stays."""
    _forget_failure(session, recipe_id, video_id)
    session.execute(
        insert(EmbeddingFailure).values(
            recipe_id=recipe_id, video_id=video_id, reason=reason, failed_at=now
        )
    )


def load_matrix(session: Session, recipe_id: int, folder: Path | None = None) -> StoredMatrix:
    """Load the vectors of a recipe; of videos that have a file at or below a folder, if given.

    Videos all of whose files are missing are left out, as nothing could be done with them.
    """
    rows: Sequence[tuple[int, bytes, bytes]] = [
        (video_id, blake3, vector)
        for video_id, blake3, vector in session.execute(
            select(Video.id, Video.blake3, type_coerce(Embedding.vector, LargeBinary))
            .join(Embedding, Embedding.video_id == Video.id)
            .where(Embedding.recipe_id == recipe_id, Video.id.in_(_present(folder)))
            .order_by(Video.blake3)
        )
    ]
    packed = b"".join(vector for _, _, vector in rows)
    vectors = np.frombuffer(packed, dtype="<f4").reshape(len(rows), VECTOR_SIZE)
    return StoredMatrix(
        tuple(video_id for video_id, _, _ in rows),
        tuple(blake3 for _, blake3, _ in rows),
        vectors.astype(np.float32, copy=False),
    )


def list_embedded(
    session: Session, recipe_id: int, folder: Path | None = None
) -> list[tuple[int, bytes]]:
    """Return number and hash of the videos with a vector, those of `load_matrix` in its order."""
    rows = session.execute(
        select(Video.id, Video.blake3)
        .join(Embedding, Embedding.video_id == Video.id)
        .where(Embedding.recipe_id == recipe_id, Video.id.in_(_present(folder)))
        .order_by(Video.blake3)
    )
    return [(video_id, blake3) for video_id, blake3 in rows]


def read_vectors(
    session: Session, recipe_id: int, video_ids: Sequence[int], rows: int
) -> Iterator[NDArray[np.float32]]:
    """Give the vectors of some videos, which all have one, in their order.

    rows: so many, (rows, 2048) float32, are read and given at once; fewer at the end.
    """
    for start in range(0, len(video_ids), rows):
        wanted = video_ids[start : start + rows]
        query = select(Embedding.video_id, type_coerce(Embedding.vector, LargeBinary)).where(
            Embedding.recipe_id == recipe_id, Embedding.video_id.in_(wanted)
        )
        found = {row.video_id: row.vector for row in session.execute(query)}
        packed = b"".join([found[video_id] for video_id in wanted])
        vectors = np.frombuffer(packed, dtype="<f4").reshape(-1, VECTOR_SIZE)
        yield vectors.astype(np.float32, copy=False)


def find_damaged(session: Session) -> list[tuple[int, bytes]]:
    """Return recipe and content hash of each vector that is not finite; reads all vectors."""
    rows = session.execute(
        select(Embedding.recipe_id, Video.blake3, Embedding.vector)
        .join(Video, Video.id == Embedding.video_id)
        .order_by(Embedding.recipe_id, Embedding.video_id)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    return [(recipe, blake3) for recipe, blake3, vector in rows if not np.isfinite(vector).all()]


def list_failures(session: Session) -> list[StoredFailure]:
    """Return the failures of videos that still have a file, sorted by path."""
    rows = session.execute(
        select(
            File.path,
            Video.blake3,
            RecipeRow.id,
            RecipeRow.weights_name,
            EmbeddingFailure.reason,
            EmbeddingFailure.failed_at,
        )
        .join(Video, Video.id == EmbeddingFailure.video_id)
        .join(RecipeRow, RecipeRow.id == EmbeddingFailure.recipe_id)
        .join(File, (File.video_id == Video.id) & File.missing_since.is_(None))
        .order_by(File.path, RecipeRow.id)
    )
    return [StoredFailure(*row) for row in rows]


def list_vectors_of(session: Session, video_id: int) -> list[StoredVector]:
    """Return what is known of each vector of a video."""
    rows = session.execute(
        select(
            Embedding.recipe_id,
            Embedding.frame_count,
            Embedding.precision,
            Embedding.software,
            Embedding.incomplete,
        )
        .where(Embedding.video_id == video_id)
        .order_by(Embedding.recipe_id)
    )
    return [
        StoredVector(
            row.recipe_id,
            row.frame_count,
            "bf16" if row.precision == "bf16" else "fp32",
            row.software,
            row.incomplete,
        )
        for row in rows
    ]


def _forget_failure(session: Session, recipe_id: int, video_id: int) -> None:
    session.execute(
        delete(EmbeddingFailure).where(
            EmbeddingFailure.recipe_id == recipe_id, EmbeddingFailure.video_id == video_id
        )
    )


def _present(folder: Path | None) -> Select[int | None]:
    """Select the videos that have a file, at or below a folder if it is given."""
    present = select(File.video_id).where(File.missing_since.is_(None))
    return present if folder is None else present.where(is_below(File.path, folder))
