"""The files of another library, attached as ``other``, and how they are taken into this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class TheirFile:
    """A file as the other library knows it, all of it as it is stored; path: its bytes."""

    path: bytes
    blake3: bytes | None
    size_bytes: int
    mtime_ns: int
    device: int
    inode: int
    checked_at_ns: int
    missing_since: str | None
    read_error: str | None


def list_their_files(session: Session) -> list[TheirFile]:
    """Return the files of the other library, by path."""
    query = """
        SELECT files.path, videos.blake3, files.size_bytes, files.mtime_ns, files.device,
            files.inode, files.checked_at_ns, files.missing_since, files.read_error
        FROM other.files AS files LEFT JOIN other.videos AS videos ON videos.id = files.video_id
        ORDER BY files.path"""
    return [TheirFile(*row) for row in session.execute(text(query))]


def list_checks(session: Session) -> dict[bytes, int]:
    """Return when each file of this library was looked at, in nanoseconds, by its path's bytes."""
    rows = session.execute(text("SELECT path, checked_at_ns FROM main.files"))
    return {row.path: row.checked_at_ns for row in rows}


def take_files(session: Session, files: Sequence[TheirFile]) -> None:
    """Store files under their paths, in place of what is stored of these paths here."""
    statement = """
        INSERT INTO main.files (path, video_id, size_bytes, mtime_ns, device, inode,
            checked_at_ns, missing_since, read_error)
        VALUES (:path, (SELECT id FROM main.videos WHERE blake3 = :blake3), :size_bytes, :mtime_ns,
            :device, :inode, :checked_at_ns, :missing_since, :read_error)
        ON CONFLICT (path) DO UPDATE SET video_id = excluded.video_id,
            size_bytes = excluded.size_bytes, mtime_ns = excluded.mtime_ns,
            device = excluded.device, inode = excluded.inode,
            checked_at_ns = excluded.checked_at_ns, missing_since = excluded.missing_since,
            read_error = excluded.read_error"""
    if files:
        session.execute(text(statement), [asdict(file) for file in files])
