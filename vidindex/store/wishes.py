"""What the user wishes of every clustering: videos in a label, and videos apart."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from vidindex.db.models import Pin, Separation


def list_pins(session: Session) -> dict[int, int]:
    """Return the label that each pinned video belongs to, by the video's number."""
    rows = session.execute(select(Pin.video_id, Pin.label).order_by(Pin.video_id))
    return dict(rows.tuples())


def put_pin(session: Session, video_id: int, label: int, *, now: datetime) -> None:
    """Pin a video to a label, in place of any other."""
    drop_pin(session, video_id)
    session.execute(insert(Pin).values(video_id=video_id, label=label, made_at=now))


def drop_pin(session: Session, video_id: int) -> bool:
    """Let a video go where it belongs; returns whether it was pinned."""
    dropped = session.execute(delete(Pin).where(Pin.video_id == video_id).returning(Pin.video_id))
    return dropped.first() is not None


def list_separations(session: Session) -> list[tuple[int, int]]:
    """Return the pairs of videos that must not share a cluster, the lower number first."""
    rows = session.execute(
        select(Separation.video_id, Separation.other_id).order_by(
            Separation.video_id, Separation.other_id
        )
    )
    return [(one, other) for one, other in rows]


def put_separation(session: Session, one: int, other: int, *, now: datetime) -> None:
    """Keep two videos apart; again does nothing."""
    drop_separation(session, one, other)
    low, high = sorted((one, other))
    session.execute(insert(Separation).values(video_id=low, other_id=high, made_at=now))


def drop_separation(session: Session, one: int, other: int) -> bool:
    """Let two videos share a cluster again; returns whether they were kept apart."""
    low, high = sorted((one, other))
    dropped = session.execute(
        delete(Separation)
        .where(Separation.video_id == low, Separation.other_id == high)
        .returning(Separation.video_id)
    )
    return dropped.first() is not None
