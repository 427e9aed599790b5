"""Files: the places where contents lie."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from vidindex.db.models import File, Video
from vidindex.scanning import FileStat


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as the library knows it. video_id and blake3: None if it could never be read."""

    id: int
    stat: FileStat
    checked_at_ns: int
    video_id: int | None
    blake3: bytes | None
    missing_since: datetime | None
    read_error: str | None


def is_below(column: InstrumentedAttribute[Path], folder: Path) -> ColumnElement[bool]:
    """Build the condition that a path column lies at or below a folder."""
    raw = type_coerce(column, LargeBinary)
    name = os.fsencode(folder)
    prefix = name.rstrip(b"/") + b"/"
    after = prefix[:-1] + b"0"  # "0" is the byte after "/"
    return (raw == name) | ((raw >= prefix) & (raw < after))


def list_files(
    session: Session, folder: Path | None = None, *, video_id: int | None = None
) -> list[StoredFile]:
    """Return all files, those at or below a folder, or those of a content, sorted by path."""
    query = select_files()
    if folder is not None:
        query = query.where(is_below(File.path, folder))
    if video_id is not None:
        query = query.where(File.video_id == video_id)
    return [*fetch_files(session, query.order_by(File.path))]


def select_files() -> Select[*tuple[Any, ...]]:
    """Build the query of all files, for `fetch_files`."""
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


def fetch_files(session: Session, query: Select[*tuple[Any, ...]]) -> Iterator[StoredFile]:
    """Give the files that a narrowed `select_files` finds."""
    for number, path, size_bytes, mtime_ns, device, inode, *rest in session.execute(query):
        yield StoredFile(number, FileStat(path, size_bytes, mtime_ns, device, inode), *rest)


def find_file(session: Session, path: Path) -> StoredFile | None:
    """Return the file at just this path."""
    return next((file for file in list_files(session, path) if file.stat.path == path), None)


def put_file(session: Session, stat: FileStat, *, video_id: int, checked_at_ns: int) -> None:
    """Store that a file holds a content; it is then neither missing nor unreadable."""
    values = _columns(stat) | {"video_id": video_id, "checked_at_ns": checked_at_ns}
    known = session.scalar(select(File.id).where(File.path == stat.path))
    if known is None:
        session.execute(insert(File).values(path=stat.path, **values))
    else:
        changes = update(File).where(File.id == known)
        session.execute(changes.values(missing_since=None, read_error=None, **values))


def put_unreadable(session: Session, stat: FileStat, reason: str, *, checked_at_ns: int) -> None:
    """Store that a file could not be read. What is known of its content stays."""
    known = session.scalar(select(File.id).where(File.path == stat.path))
    if known is None:
        values = _columns(stat) | {"checked_at_ns": checked_at_ns}
        session.execute(insert(File).values(path=stat.path, read_error=reason, **values))
    else:
        changes = update(File).where(File.id == known)
        session.execute(changes.values(missing_since=None, read_error=reason))


def rename_file(session: Session, file_id: int, path: Path) -> None:
    """Note that a file has another path now."""
    session.execute(update(File).where(File.id == file_id).values(path=path))


def mark_missing(session: Session, file_ids: Iterable[int], *, since: datetime) -> None:
    """Note that files are gone. Nothing is deleted."""
    _update_each(session, file_ids, {"missing_since": since})


def mark_present(session: Session, file_ids: Iterable[int]) -> None:
    """Note that files which were missing, or could not be read, are as they were before."""
    _update_each(session, file_ids, {"missing_since": None, "read_error": None})


def follow_move(session: Session, source: Path, target: FileStat) -> None:
    """Let the row of a moved file follow it.

    A row that the target's path had before tells of a file that is no longer there.
    """
    moved = session.scalar(select(File.id).where(File.path == source))
    if moved is None:
        return
    session.execute(delete(File).where(File.path == target.path, File.id != moved))
    session.execute(
        update(File).where(File.id == moved).values(path=target.path, **_columns(target))
    )


def add_copy(session: Session, source: Path, copy: FileStat, *, checked_at_ns: int) -> None:
    """Note that the content of a file that the library knows lies at a second place, too."""
    video_id = session.scalar(select(File.video_id).where(File.path == source))
    if video_id is None:
        return
    forget_file(session, copy.path)
    put_file(session, copy, video_id=video_id, checked_at_ns=checked_at_ns)


def forget_file(session: Session, path: Path) -> None:
    """Drop the row of a file that a move has done away with."""
    session.execute(delete(File).where(File.path == path))


def count_files(session: Session) -> tuple[int, int, int]:
    """Return how many files are present and readable, missing, and unreadable."""
    missing = File.missing_since.is_not(None)
    unreadable = File.missing_since.is_(None) & File.read_error.is_not(None)
    total, gone, barred = session.execute(
        select(
            func.count(),
            func.count().filter(missing),
            func.count().filter(unreadable),
        ).select_from(File)
    ).one()
    return total - gone - barred, gone, barred


class VideoPaths(Mapping[int, Path]):
    """A path of each video. It is made of its bytes when it is asked for: few of many are."""

    def __init__(self, raw: Mapping[int, bytes]) -> None:
        self._raw = raw

    def __getitem__(self, video_id: int) -> Path:
        """Return the path of a video."""
        return Path(os.fsdecode(self._raw[video_id]))

    def __iter__(self) -> Iterator[int]:
        """Go through the numbers of the videos."""
        return iter(self._raw)

    def __len__(self) -> int:
        """Return how many videos have one."""
        return len(self._raw)


def find_paths(session: Session) -> VideoPaths:
    """Return for each video that has a present file the first of its paths."""
    rows = session.execute(
        select(File.video_id, func.min(type_coerce(File.path, LargeBinary)))
        .where(File.missing_since.is_(None), File.video_id.is_not(None))
        .group_by(File.video_id)
    )
    return VideoPaths({video_id: raw for video_id, raw in rows if video_id is not None})


def find_place(session: Session, blake3: bytes) -> Path | None:
    """Return where a content lies: the first of the paths of its present files."""
    return session.scalar(
        select(File.path)
        .join(Video, Video.id == File.video_id)
        .where(Video.blake3 == blake3, File.missing_since.is_(None))
        .order_by(File.path)
        .limit(1)
    )


def _update_each(session: Session, file_ids: Iterable[int], values: dict[str, Any]) -> None:
    """Give files the same values: one statement, run for each, as a disk may hold 100 000."""
    rows = [{"file_id": file_id} for file_id in file_ids]
    if rows:
        changes = update(File).where(File.id == bindparam("file_id")).values(values)
        session.connection().execute(changes, rows)


def _columns(stat: FileStat) -> dict[str, int]:
    return {
        "size_bytes": stat.size_bytes,
        "mtime_ns": stat.mtime_ns,
        "device": stat.device,
        "inode": stat.inode,
    }
