"""The videos of a run as they are looked at: where each is, and how it may be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from vidindex.db.models import Assignment, File, Video
from vidindex.db.pictures import Thumbnail
from vidindex.scanning import FileStat
from vidindex.store.clusterings import UNSORTED
from vidindex.store.files import StoredFile
from vidindex.store.videos import StoredVideo, to_info

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
        rows = session.execute(
            select(
                Video.id,
                Video.blake3,
                Video.size_bytes,
                Video.added_at,
                Video.duration_s,
                Video.width_px,
                Video.height_px,
                Video.codec,
            ).where(Video.id.in_(some))
        )
        for row in rows:
            info = to_info(row.duration_s, row.width_px, row.height_px, row.codec)
            found[row.id] = StoredVideo(row.id, row.blake3, row.size_bytes, info, row.added_at)
    return found


def find_places(session: Session, video_ids: Sequence[int]) -> dict[int, StoredFile]:
    """Return a file of each of some videos: the first present one by path, or a missing one."""
    found: dict[int, StoredFile] = {}
    for some in _parts(video_ids):
        query = (
            _files()
            .where(File.video_id.in_(some))
            .order_by(File.missing_since.is_not(None), File.path)
        )
        for file in _to_files(session, query):
            if file.video_id is not None:
                found.setdefault(file.video_id, file)
    return found


def find_file(session: Session, file_id: int) -> StoredFile | None:
    """Return the file of a number."""
    return next(_to_files(session, _files().where(File.id == file_id)), None)


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


def _files() -> Select[*tuple[Any, ...]]:
    return select(
        File.id,
        File.path,
        File.size_bytes,
        File.mtime_ns,
        File.device,
        File.inode,
        File.checked_at_ns,
        File.video_id,
        Video.blake3,
        File.missing_since,
        File.read_error,
    ).join(Video, Video.id == File.video_id, isouter=True)


def _to_files(session: Session, query: Select[*tuple[Any, ...]]) -> Iterator[StoredFile]:
    for number, path, size_bytes, mtime_ns, device, inode, *rest in session.execute(query):
        stat = FileStat(path, size_bytes, mtime_ns, device, inode)
        yield StoredFile(number, stat, *rest)


def _parts(video_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(video_ids), _AT_ONCE):
        yield video_ids[start : start + _AT_ONCE]
