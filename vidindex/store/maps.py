"""The map of the library: where each video of a recipe lies on a plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from vidindex.db.pictures import LibraryMap, MapPoint


@dataclass(frozen=True)
class StoredPoint:
    """A video on the map: x and y from 0 to 1."""

    video_id: int
    x: float
    y: float
    is_placed_later: bool = False


@dataclass(frozen=True)
class StoredMap:
    """A map, its points by video. video_count: of how many vectors it was made."""

    video_count: int
    software: str
    created_at: datetime
    points: tuple[StoredPoint, ...]


def find_map(session: Session, recipe_id: int) -> StoredMap | None:
    """Return the map of a recipe, or None if none was made yet."""
    row = session.execute(
        select(LibraryMap.video_count, LibraryMap.software, LibraryMap.created_at).where(
            LibraryMap.recipe_id == recipe_id
        )
    ).one_or_none()
    if row is None:
        return None
    points = session.execute(
        select(MapPoint.video_id, MapPoint.x, MapPoint.y, MapPoint.is_placed_later)
        .where(MapPoint.recipe_id == recipe_id)
        .order_by(MapPoint.video_id)
    )
    return StoredMap(
        row.video_count,
        row.software,
        row.created_at,
        tuple(StoredPoint(*point) for point in points),
    )


def put_map(
    session: Session,
    recipe_id: int,
    points: Sequence[StoredPoint],
    software: str,
    *,
    now: datetime,
) -> None:
    """Store a new map of a recipe in place of any other."""
    session.execute(delete(LibraryMap).where(LibraryMap.recipe_id == recipe_id))
    session.execute(
        insert(LibraryMap).values(
            recipe_id=recipe_id, video_count=len(points), software=software, created_at=now
        )
    )
    add_points(session, recipe_id, points)


def add_points(session: Session, recipe_id: int, points: Sequence[StoredPoint]) -> None:
    """Store where further videos lie on the map of a recipe."""
    rows = [{"recipe_id": recipe_id} | vars(point) for point in points]
    if rows:
        session.execute(insert(MapPoint), rows)
