"""A small library to ask: names that are hard to show, and a file of every state."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from tests.databases import make
from vidindex.db.engine import Database
from vidindex.embedding import VideoInfo
from vidindex.scanning import FileStat
from vidindex.store import clusterings, files, videos
from vidindex.store.clusterings import Name

BEACH = make.SORTED_BEACH  # in cluster 0, "Holidays"; the most typical
ODD = make.ODD_NAME  # in cluster 0; not UTF-8
CITY = make.CITY  # in cluster 1, which is named like a formula; 61.5 s, as those above
BROKEN = make.BROKEN  # could not be decoded
LONG = Path("/videos/deep/long [1080p].mkv")  # two hours, hevc, the newest
NEW_LINE = Path("/videos/new\nline.mp4")  # 5 s, av1
ESCAPES = Path("/videos/esc\x1b]52;c;eA\x07\u202e.mp4")  # of unknown length
GONE = Path("/videos/gone.mp4")  # missing
LOCKED = Path("/videos/locked.mp4")  # never read
THERE = (BEACH, BROKEN, ODD, CITY, LONG, ESCAPES, LOCKED, NEW_LINE)  # sorted by their bytes
FORMULA = '=HYPERLINK("http://x","y")'


def make_library(path: Path) -> Path:
    """Make it as a library of the newest revision."""
    make.make(path)
    with Database(path) as database, database.writing() as session:
        _add(session, LONG, 7200.0, "hevc", make.NOON + timedelta(days=10))
        _add(session, NEW_LINE, 5.0, "av1", make.NOON + timedelta(days=5))
        _add(session, ESCAPES, None, "h264", make.NOON + timedelta(days=5))
        gone = _add(session, GONE, 1.0, "h264", make.NOON)
        files.mark_missing(session, [gone], since=make.NOON + timedelta(days=20))
        files.put_unreadable(session, _stat(LOCKED), "permission denied", checked_at_ns=1)
        clusterings.set_name(session, 1, 1, Name(FORMULA, "user"))
    return path


def _stat(path: Path) -> FileStat:
    return FileStat(path, 100 + len(os.fsencode(path)), 1_600_000_000_000_000_000, 2049, 77)


def _add(
    session: Session, path: Path, duration_s: float | None, codec: str, added_at: datetime
) -> int:
    """Add a file and its content, and return the file's number."""
    stat = _stat(path)
    content = os.fsencode(path).ljust(32, b"\0")[-32:]
    info = VideoInfo(duration_s, 640, 480, codec)
    video = videos.put_video(session, content, stat.size_bytes, info, now=added_at)
    files.put_file(session, stat, video_id=video, checked_at_ns=1)
    known = files.find_file(session, path)
    assert known is not None
    return known.id
