"""Pairs of videos that the user says are no duplicates."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from vidindex.db.wishes import Distinction


def list_distinctions(session: Session) -> list[tuple[int, int]]:
    """Return the pairs, the lower video number first, in order."""
    rows = session.execute(
        select(Distinction.video_id, Distinction.other_id).order_by(
            Distinction.video_id, Distinction.other_id
        )
    )
    return [(one, other) for one, other in rows]


def put_distinction(session: Session, one: int, other: int, *, now: datetime) -> None:
    """Note that two videos are no duplicates; again does nothing."""
    drop_distinction(session, one, other)
    low, high = sorted((one, other))
    session.execute(insert(Distinction).values(video_id=low, other_id=high, made_at=now))


def drop_distinction(session: Session, one: int, other: int) -> bool:
    """Take that back; returns whether it was noted."""
    low, high = sorted((one, other))
    dropped = session.execute(
        delete(Distinction)
        .where(Distinction.video_id == low, Distinction.other_id == high)
        .returning(Distinction.video_id)
    )
    return dropped.first() is not None
