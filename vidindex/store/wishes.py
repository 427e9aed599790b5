"""What the user wishes of every clustering: videos in a label, and videos apart."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from vidindex.db.models import Assignment, Cluster
from vidindex.db.wishes import Pin, Separation


def list_pins(session: Session) -> dict[int, int]:
    """Return the label that each pinned video belongs to, by the video's number."""
    rows = session.execute(select(Pin.video_id, Pin.label).order_by(Pin.video_id))
    return {video_id: label for video_id, label in rows}  # noqa: C416 - a Result has keys()


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


def list_apart_from(session: Session, video_id: int) -> list[int]:
    """Return the videos that must not share a cluster with one."""
    pairs = [pair for pair in list_separations(session) if video_id in pair]
    return [other for pair in pairs for other in pair if other != video_id]


def move_to_label(session: Session, run: int, video_id: int, label: int, distance: float) -> bool:
    """Put a video into a cluster of a run, and keep the sizes right; centroids stay.

    distance: to that cluster's centroid. Returns False, and does nothing, if it is the last of the
    clustered videos of its own cluster.
    """
    key = (Assignment.clustering_id == run) & (Assignment.video_id == video_id)
    row = session.execute(
        select(Assignment.label, Assignment.is_placed_later).where(key)
    ).one_or_none()
    if row is None:
        later = {"label": label, "distance": distance, "is_placed_later": True}
        session.execute(insert(Assignment).values(clustering_id=run, video_id=video_id, **later))
        return True
    if row.label == label:
        return True
    if not row.is_placed_later:
        is_left = (Cluster.clustering_id == run) & (Cluster.label == row.label)
        if session.scalar(select(Cluster.size).where(is_left)) == 1:
            return False
        session.execute(update(Cluster).where(is_left).values(size=Cluster.size - 1))
        is_new = (Cluster.clustering_id == run) & (Cluster.label == label)
        session.execute(update(Cluster).where(is_new).values(size=Cluster.size + 1))
    session.execute(update(Assignment).where(key).values(label=label, distance=distance))
    return True
