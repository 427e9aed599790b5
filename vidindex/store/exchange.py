"""What is exchanged with other programs and libraries by way of files, in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import LargeBinary, and_, delete, insert, select, type_coerce, update
from sqlalchemy.orm import Session

from vidindex.db.models import Assignment, Cluster, Embedding, EmbeddingFailure, File, Video
from vidindex.store.files import is_below
from vidindex.table_files import FileRow
from vidindex.vector_files import VectorRecord

_HEADER = ("duration_s", "width_px", "height_px", "codec")


@dataclass(frozen=True, slots=True)
class KnownContent:
    """A content by its number here. has_header: whether a decoder has understood its header."""

    video_id: int
    size_bytes: int
    has_header: bool


def list_file_rows(
    session: Session, run: int | None, *, label: int | None = None, folder: Path | None = None
) -> list[FileRow]:
    """Return the present files whose content is known, by path, with their places in a run.

    label: only of this one. folder: only those at or below it.
    """
    query = (
        select(
            Video.id,
            Video.blake3,
            type_coerce(File.path, LargeBinary),
            Video.size_bytes,
            Video.duration_s,
            Video.width_px,
            Video.height_px,
            Video.codec,
            Assignment.label,
            Cluster.name,
            Assignment.distance,
        )
        .join(File, File.video_id == Video.id)
        .outerjoin(
            Assignment, and_(Assignment.video_id == Video.id, Assignment.clustering_id == run)
        )
        .outerjoin(
            Cluster,
            and_(
                Cluster.clustering_id == Assignment.clustering_id,
                Cluster.label == Assignment.label,
            ),
        )
        .where(File.missing_since.is_(None))
        .order_by(File.path)
    )
    if label is not None:
        query = query.where(Assignment.label == label)
    if folder is not None:
        query = query.where(is_below(File.path, folder))
    return [FileRow(*row) for row in session.execute(query)]


def list_vector_records(
    session: Session, recipe_id: int, video_ids: Collection[int] | None = None
) -> list[tuple[int, VectorRecord]]:
    """Return the number of each video with a vector, and what is known of both, by content hash.

    Videos all of whose files are missing are among them. video_ids: only of these.
    """
    paths = _list_paths(session)
    rows = session.execute(
        select(
            Video.id,
            Video.blake3,
            Video.size_bytes,
            Video.duration_s,
            Video.width_px,
            Video.height_px,
            Video.codec,
            Video.added_at,
            Embedding.frame_count,
            Embedding.precision,
            Embedding.software,
            Embedding.incomplete,
            Embedding.created_at,
        )
        .join(Embedding, Embedding.video_id == Video.id)
        .where(Embedding.recipe_id == recipe_id)
        .order_by(Video.blake3)
    )
    found = []
    for video_id, blake3, *rest in rows:
        if video_ids is None or video_id in video_ids:
            path, is_missing = paths.get(video_id, (b"", True))
            found.append((video_id, VectorRecord(blake3, path, is_missing, *rest)))
    return found


def load_vectors(
    session: Session, recipe_id: int, video_ids: Iterable[int]
) -> dict[int, tuple[bytes, NDArray[np.float32]]]:
    """Return content hash and vector, (2048,) float32, of those videos that have one."""
    rows = session.execute(
        select(Video.id, Video.blake3, Embedding.vector)
        .join(Embedding, Embedding.video_id == Video.id)
        .where(Embedding.recipe_id == recipe_id, Video.id.in_(set(video_ids)))
    )
    return {row.id: (row.blake3, row.vector) for row in rows}


def find_contents(session: Session, hashes: Sequence[bytes]) -> dict[bytes, KnownContent]:
    """Return those contents that are known, by their hash."""
    rows = session.execute(
        select(Video.blake3, Video.id, Video.size_bytes, Video.codec.is_not(None)).where(
            Video.blake3.in_(hashes)
        )
    )
    return {
        blake3: KnownContent(video_id, size_bytes, has_header)
        for blake3, video_id, size_bytes, has_header in rows
    }


def put_contents(session: Session, records: Sequence[VectorRecord]) -> None:
    """Add contents that are new, and what the header of one says that had none."""
    known = find_contents(session, [record.blake3 for record in records])
    rows = [
        {name: getattr(record, name) for name in ("blake3", "size_bytes", "added_at", *_HEADER)}
        for record in records
        if record.blake3 not in known
    ]
    if rows:
        session.execute(insert(Video), rows)
    for record in records:
        content = known.get(record.blake3)
        if content is not None and not content.has_header:
            session.execute(
                update(Video)
                .where(Video.id == content.video_id)
                .values({name: getattr(record, name) for name in _HEADER})
            )


def put_vectors(
    session: Session, recipe_id: int, new: Sequence[tuple[int, VectorRecord, NDArray[np.float32]]]
) -> None:
    """Store vectors of videos that have none by this recipe; their earlier failures are settled."""
    if not new:
        return
    names = ("frame_count", "precision", "software", "incomplete", "created_at")
    session.execute(
        insert(Embedding),
        [
            {"recipe_id": recipe_id, "video_id": video_id, "vector": vector}
            | {name: getattr(record, name) for name in names}
            for video_id, record, vector in new
        ],
    )
    session.execute(
        delete(EmbeddingFailure).where(
            EmbeddingFailure.recipe_id == recipe_id,
            EmbeddingFailure.video_id.in_([video_id for video_id, _, _ in new]),
        )
    )


def _list_paths(session: Session) -> dict[int, tuple[bytes, bool]]:
    """Return a path of each video that has a file, and whether all of its files are missing."""
    rows = session.execute(
        select(File.video_id, type_coerce(File.path, LargeBinary), File.missing_since.is_not(None))
        .where(File.video_id.is_not(None))
        .order_by(File.missing_since.is_(None), File.path.desc())
    )
    # The last of each counts: the first of those that are there.
    return {
        video_id: (path, bool(is_missing))
        for video_id, path, is_missing in rows
        if video_id is not None
    }
