"""Small pictures of the videos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from vidindex.db.models import Embedding, File, Video
from vidindex.db.pictures import Thumbnail

_VIDEOS_AT_ONCE = 1000


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


def list_without(session: Session) -> list[int]:
    """Return the videos that have a vector, and a file, but no picture, by their numbers."""
    present = select(File.video_id).where(File.missing_since.is_(None), File.read_error.is_(None))
    query = select(Video.id).where(
        Video.id.in_(select(Embedding.video_id)),
        Video.id.in_(present),
        Video.id.not_in(select(Thumbnail.video_id)),
    )
    return list(session.scalars(query.order_by(Video.id)))


def find_jpeg(session: Session, video_id: int, position: int) -> bytes | None:
    """Return a picture, or None if there is none."""
    key = (Thumbnail.video_id == video_id) & (Thumbnail.position == position)
    return session.scalar(select(Thumbnail.jpeg).where(key))


def list_sizes(session: Session) -> dict[int, tuple[int, ...]]:
    """Return how many bytes each picture has, in order, by the number of its video."""
    rows = session.execute(
        select(Thumbnail.video_id, func.length(Thumbnail.jpeg)).order_by(
            Thumbnail.video_id, Thumbnail.position
        )
    )
    sizes: dict[int, list[int]] = {}
    for video_id, size in rows:
        sizes.setdefault(video_id, []).append(size)
    return {video_id: tuple(of_video) for video_id, of_video in sizes.items()}


def load_jpegs(session: Session, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Return pictures by video number and position, without those that are not there."""
    by_position: dict[int, list[int]] = {}
    for video_id, position in places:
        by_position.setdefault(position, []).append(video_id)
    found: dict[tuple[int, int], bytes] = {}
    for position, video_ids in by_position.items():
        for start in range(0, len(video_ids), _VIDEOS_AT_ONCE):
            some = video_ids[start : start + _VIDEOS_AT_ONCE]
            rows = session.execute(
                select(Thumbnail.video_id, Thumbnail.jpeg).where(
                    Thumbnail.position == position, Thumbnail.video_id.in_(some)
                )
            )
            found |= {(video_id, position): jpeg for video_id, jpeg in rows}
    return found


def load_pictures(
    session: Session, video_ids: Sequence[int]
) -> dict[int, list[tuple[float, bytes]]]:
    """Return the moment in seconds and the JPEG file of each picture of some videos, in order."""
    found: dict[int, list[tuple[float, bytes]]] = {}
    for start in range(0, len(video_ids), _VIDEOS_AT_ONCE):
        rows = session.execute(
            select(Thumbnail.video_id, Thumbnail.time_s, Thumbnail.jpeg)
            .where(Thumbnail.video_id.in_(video_ids[start : start + _VIDEOS_AT_ONCE]))
            .order_by(Thumbnail.video_id, Thumbnail.position)
        )
        for video_id, time_s, jpeg in rows:
            found.setdefault(video_id, []).append((time_s, jpeg))
    return found
