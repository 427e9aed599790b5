"""The user's word that two videos are no duplicates: `duplicates` never groups them again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.errors import Refused, UsageError
from vidindex.querying import find_video_or_number
from vidindex.reporting import Reporter
from vidindex.store import distinctions, files
from vidindex.store.videos import StoredVideo


@dataclass(frozen=True)
class DistinctVideo:
    """A video that is no duplicate of another. path: where it lies, None if nowhere any more."""

    video_id: int
    path: Path | None
    blake3: bytes


DistinctPair = tuple[DistinctVideo, DistinctVideo]


def set_distinct(
    library: Path, one: str | int, other: str | int, *, reporter: Reporter, wait: bool = False
) -> DistinctPair:
    """Note that two videos are no duplicates, whatever they look like. Again does nothing.

    one, other: a path, the beginning of a hash, or a number. wait: until another vidindex has
    finished.

    Raises:
        UsageError: both are one content.
        Refused: one is unknown; nothing was changed.
    """
    with schema.changing(library, reporter.notice, wait=wait) as session:
        first, second = _find_pair(session, one, other)
        distinctions.put_distinction(session, first.id, second.id, now=datetime.now(UTC))
        return _show(session, first), _show(session, second)


def unset_distinct(
    library: Path, one: str | int, other: str | int, *, reporter: Reporter, wait: bool = False
) -> DistinctPair:
    """Let two videos be found as duplicates again.

    Raises:
        UsageError: both are one content.
        Refused: one is unknown, or they were not noted as distinct; nothing was changed.
    """
    with schema.changing(library, reporter.notice, wait=wait) as session:
        first, second = _find_pair(session, one, other)
        shown = _show(session, first), _show(session, second)
        if not distinctions.drop_distinction(session, first.id, second.id):
            raise Refused(
                f"{one} and {other} are not noted as distinct", "vidindex wishes lists what is"
            )
        return shown


def _find_pair(
    session: Session, one: str | int, other: str | int
) -> tuple[StoredVideo, StoredVideo]:
    first, second = find_video_or_number(session, one), find_video_or_number(session, other)
    if first.id == second.id:
        raise UsageError(f"{one} and {other} are one content", "name two different videos")
    return first, second


def _show(session: Session, video: StoredVideo) -> DistinctVideo:
    return DistinctVideo(video.id, files.find_place(session, video.blake3), video.blake3)
