"""Small pictures of the videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from vidindex.db.pictures import Thumbnail


@dataclass(frozen=True)
class NewThumbnail:
    """A picture as a JPEG file, and the moment of the video that it shows."""

    time_s: float
    width_px: int
    height_px: int
    jpeg: bytes


@dataclass(frozen=True)
class ThumbnailPlace:
    """A stored picture without its bytes."""

    video_id: int
    position: int
    time_s: float
    width_px: int
    height_px: int


def put_thumbnails(session: Session, video_id: int, pictures: Sequence[NewThumbnail]) -> None:
    """Store the pictures of a video, in order, in place of those it has."""
    session.execute(delete(Thumbnail).where(Thumbnail.video_id == video_id))
    rows = [
        {"video_id": video_id, "position": position} | vars(picture)
        for position, picture in enumerate(pictures)
    ]
    if rows:
        session.execute(insert(Thumbnail), rows)


def list_places(session: Session, video_ids: Sequence[int] | None = None) -> list[ThumbnailPlace]:
    """Return which pictures there are, by video and position; of some videos, if given."""
    query = select(
        Thumbnail.video_id,
        Thumbnail.position,
        Thumbnail.time_s,
        Thumbnail.width_px,
        Thumbnail.height_px,
    ).order_by(Thumbnail.video_id, Thumbnail.position)
    if video_ids is not None:
        query = query.where(Thumbnail.video_id.in_(video_ids))
    return [ThumbnailPlace(*row) for row in session.execute(query)]


def count_of_videos(session: Session) -> dict[int, int]:
    """Return how many pictures each video has that has any, by its number."""
    rows = session.execute(select(Thumbnail.video_id, func.count()).group_by(Thumbnail.video_id))
    return {video_id: count for video_id, count in rows}  # noqa: C416 - a Result has keys()


def find_jpeg(session: Session, video_id: int, position: int) -> bytes | None:
    """Return a picture, or None if there is none."""
    key = (Thumbnail.video_id == video_id) & (Thumbnail.position == position)
    return session.scalar(select(Thumbnail.jpeg).where(key))
