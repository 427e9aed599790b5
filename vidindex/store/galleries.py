"""The videos of a run as they are looked at: where each is, and how it may be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vidindex.db.models import Assignment, File, Video
from vidindex.db.pictures import Thumbnail
from vidindex.store.clusterings import UNSORTED
from vidindex.store.files import StoredFile, fetch_files, select_files
from vidindex.store.videos import StoredVideo, fetch_videos, select_videos

_AT_ONCE = 10_000  # SQLite takes some 32 000 values in a statement


@dataclass(frozen=True, slots=True)
class Member:
    """A video of a run. label: of its cluster, or UNSORTED."""

    video_id: int
    label: int
    distance: float
    is_placed_later: bool


@dataclass(frozen=True, slots=True)
class Pictures:
    """How many thumbnails a video has, and how large they are."""

    count: int
    width_px: int
    height_px: int


def list_members(session: Session, run: int) -> list[Member]:
    """Return the videos of a run, by label and distance; those in no cluster come last."""
    rows = session.execute(
        select(
            Assignment.video_id, Assignment.label, Assignment.distance, Assignment.is_placed_later
        )
        .where(Assignment.clustering_id == run)
        .order_by(
            Assignment.label.is_(None), Assignment.label, Assignment.distance, Assignment.video_id
        )
    )
    return [
        Member(video_id, UNSORTED if label is None else label, distance, is_later)
        for video_id, label, distance, is_later in rows
    ]


def find_contents(session: Session, video_ids: Sequence[int]) -> dict[int, StoredVideo]:
    """Return some videos by their numbers, without those that are not there."""
    found: dict[int, StoredVideo] = {}
    for some in _parts(video_ids):
        query = select_videos().where(Video.id.in_(some))
        found |= {video.id: video for video in fetch_videos(session, query)}
    return found


def find_places(session: Session, video_ids: Sequence[int]) -> dict[int, StoredFile]:
    """Return a file of each of some videos: the first present one by path, or a missing one."""
    found: dict[int, StoredFile] = {}
    for some in _parts(video_ids):
        query = (
            select_files()
            .where(File.video_id.in_(some))
            .order_by(File.missing_since.is_not(None), File.path)
        )
        for file in fetch_files(session, query):
            if file.video_id is not None:
                found.setdefault(file.video_id, file)
    return found


def find_file(session: Session, file_id: int) -> StoredFile | None:
    """Return the file of a number."""
    return next(fetch_files(session, select_files().where(File.id == file_id)), None)


def count_pictures(session: Session, video_ids: Sequence[int]) -> dict[int, Pictures]:
    """Return how many thumbnails each of some videos has, without those that have none."""
    found: dict[int, Pictures] = {}
    for some in _parts(video_ids):
        rows = session.execute(
            select(
                Thumbnail.video_id,
                func.count(),
                func.max(Thumbnail.width_px),
                func.max(Thumbnail.height_px),
            )
            .where(Thumbnail.video_id.in_(some))
            .group_by(Thumbnail.video_id)
        )
        found |= {number: Pictures(*pictures) for number, *pictures in rows}
    return found


def _parts(video_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(video_ids), _AT_ONCE):
        yield video_ids[start : start + _AT_ONCE]
