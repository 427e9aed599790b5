"""The tables of what is looked at: small pictures of the videos, and a map of them all.

They are apart from the vectors, so that a scan of those never reads them.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from vidindex.db.base import Base, at_least


class Thumbnail(Base):
    """A small upright JPEG picture of a video. position: 0 for the first of its pictures."""

    __tablename__ = "thumbnails"
    __table_args__ = (
        at_least("position", 0),
        at_least("time_s", 0),
        at_least("width_px", 1),
        at_least("height_px", 1),
        CheckConstraint("length(jpeg) > 0", name="jpeg_not_empty"),
    )

    video_id: Mapped[int] = mapped_column(ForeignKey("videos.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    time_s: Mapped[float]
    width_px: Mapped[int]
    height_px: Mapped[int]
    jpeg: Mapped[bytes]


class LibraryMap(Base):
    """A plane in which like videos of a recipe lie near each other.

    video_count: of how many vectors it was made.
    """

    __tablename__ = "library_maps"
    __table_args__ = (at_least("video_count", 1),)

    recipe_id: Mapped[int] = mapped_column(ForeignKey("recipes.id"), primary_key=True)
    video_count: Mapped[int]
    software: Mapped[str]
    created_at: Mapped[datetime]


class MapPoint(Base):
    """Where a video lies on the map of a recipe: x and y from 0 to 1.

    is_placed_later: the video came after the map was made, and lies among those that it is like.
    """

    __tablename__ = "map_points"
    __table_args__ = (
        CheckConstraint("x BETWEEN 0 AND 1", name="x_on_the_map"),
        CheckConstraint("y BETWEEN 0 AND 1", name="y_on_the_map"),
        Index(None, "video_id"),
    )

    recipe_id: Mapped[int] = mapped_column(
        ForeignKey("library_maps.recipe_id", ondelete="CASCADE"), primary_key=True
    )
    video_id: Mapped[int] = mapped_column(ForeignKey("videos.id"), primary_key=True)
    x: Mapped[float]
    y: Mapped[float]
    is_placed_later: Mapped[bool]
