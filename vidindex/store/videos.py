"""Videos: the contents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, select, update
from sqlalchemy.orm import Session

from vidindex.db.models import Embedding, EmbeddingFailure, Video
from vidindex.embedding import VideoInfo


@dataclass(frozen=True)
class StoredVideo:
    """A content. info: None while no decoder has understood its header."""

    id: int
    blake3: bytes
    size_bytes: int
    info: VideoInfo | None
    added_at: datetime


@dataclass(frozen=True, slots=True)
class KnownContent:
    """What the library holds of a content by one recipe.

    video_id: None while it is not stored yet. failure: why there is no vector.
    """

    video_id: int | None
    has_vector: bool = False
    failure: str | None = None


def list_contents(session: Session, recipe_id: int | None) -> dict[bytes, KnownContent]:
    """Return all contents by their hash, with what one recipe made of them.

    recipe_id: None for a recipe that the library has not seen.
    """
    query = (
        select(Video.blake3, Video.id, Embedding.video_id.is_not(None), EmbeddingFailure.reason)
        .join(
            Embedding,
            (Embedding.video_id == Video.id) & (Embedding.recipe_id == recipe_id),
            isouter=True,
        )
        .join(
            EmbeddingFailure,
            (EmbeddingFailure.video_id == Video.id) & (EmbeddingFailure.recipe_id == recipe_id),
            isouter=True,
        )
    )
    return {
        blake3: KnownContent(video_id, bool(has_vector), failure)
        for blake3, video_id, has_vector, failure in session.execute(query)
    }


def put_video(
    session: Session, blake3: bytes, size_bytes: int, info: VideoInfo | None, *, now: datetime
) -> int:
    """Add a content, or add to it what its header says; return its id."""
    header = {} if info is None else vars(info)
    known = session.scalar(select(Video.id).where(Video.blake3 == blake3))
    if known is None:
        values = {"blake3": blake3, "size_bytes": size_bytes, "added_at": now} | header
        return session.execute(insert(Video).values(values).returning(Video.id)).scalar_one()
    if header:
        session.execute(update(Video).where(Video.id == known).values(header))
    return known


def find_videos(session: Session, hash_prefix: str) -> list[StoredVideo]:
    """Return the contents whose hash begins with these hex digits."""
    query = (
        select_videos()
        .where(Video.blake3 >= bytes.fromhex(hash_prefix.ljust(64, "0")))
        .where(Video.blake3 <= bytes.fromhex(hash_prefix.ljust(64, "f")))
        .order_by(Video.blake3)
    )
    return [*fetch_videos(session, query)]


def select_videos() -> Select[*tuple[Any, ...]]:
    """Build the query of all contents, for `fetch_videos`."""
    return select(
        Video.id,
        Video.blake3,
        Video.size_bytes,
        Video.added_at,
        Video.duration_s,
        Video.width_px,
        Video.height_px,
        Video.codec,
    )


def fetch_videos(session: Session, query: Select[*tuple[Any, ...]]) -> Iterator[StoredVideo]:
    """Give the contents that a narrowed `select_videos` finds."""
    for number, blake3, size_bytes, added_at, *header in session.execute(query):
        yield StoredVideo(number, blake3, size_bytes, to_info(*header), added_at)


def to_info(
    duration_s: float | None, width_px: int | None, height_px: int | None, codec: str | None
) -> VideoInfo | None:
    """Return what the header of a video says; None if it was never read."""
    if width_px is None or height_px is None or codec is None:
        return None
    return VideoInfo(duration_s, width_px, height_px, codec)
