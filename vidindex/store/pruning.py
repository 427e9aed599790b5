"""What is stored of each content, and how it is dropped for good."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, bindparam, delete, func, select
from sqlalchemy.orm import Session

from vidindex.db import pictures, wishes  # noqa: F401 - their tables have rows of videos, too
from vidindex.db.base import Base
from vidindex.db.models import Embedding, EmbeddingFailure, File, Video


@dataclass(frozen=True)
class StoredResults:
    """How many vectors and failures of a content are stored."""

    vectors: int
    failures: int


def count_results(session: Session) -> dict[int, StoredResults]:
    """Return for each content, by its number, what is stored of it."""
    vectors = select(func.count()).where(Embedding.video_id == Video.id).scalar_subquery()
    failures = select(func.count()).where(EmbeddingFailure.video_id == Video.id).scalar_subquery()
    rows = session.execute(select(Video.id, vectors, failures))
    return {video_id: StoredResults(*counts) for video_id, *counts in rows}


def drop_files(session: Session, file_ids: Iterable[int]) -> None:
    """Forget files. What is stored of their contents stays."""
    table = Base.metadata.tables[File.__tablename__]
    _delete(session, table.c.id, file_ids)


def drop_videos(session: Session, video_ids: Iterable[int]) -> None:
    """Forget contents that no file holds, with everything that is stored of them.

    Clusterings keep their sizes and centroids: they tell what was grouped then.
    """
    ids = list(video_ids)
    videos = Base.metadata.tables[Video.__tablename__]
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if table.name != File.__tablename__ and column.references(videos.c.id):
                _delete(session, column, ids)
    _delete(session, videos.c.id, ids)


def _delete(session: Session, column: Column[Any], values: Iterable[int]) -> None:
    rows = [{"value": value} for value in values]
    if rows:
        session.execute(delete(column.table).where(column == bindparam("value")), rows)
