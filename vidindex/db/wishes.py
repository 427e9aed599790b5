"""The tables of the user's own order: what every clustering, and every search, is to respect."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from vidindex.db.base import Base, at_least


class Pin(Base):
    """The user's wish that a video be in the cluster of this label, whatever comes."""

    __tablename__ = "pins"
    __table_args__ = (at_least("label", 0),)

    video_id: Mapped[int] = mapped_column(ForeignKey("videos.id"), primary_key=True)
    label: Mapped[int]
    made_at: Mapped[datetime]


class Separation(Base):
    """The user's wish that two videos never be in one cluster."""

    __tablename__ = "separations"
    __table_args__ = (
        CheckConstraint("video_id < other_id", name="ordered"),
        Index(None, "other_id"),
    )

    video_id: Mapped[int] = mapped_column(ForeignKey("videos.id"), primary_key=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("videos.id"), primary_key=True)
    made_at: Mapped[datetime]


class Distinction(Base):
    """The user's word that two videos are no duplicates of each other."""

    __tablename__ = "distinctions"
    __table_args__ = (
        CheckConstraint("video_id < other_id", name="ordered"),
        Index(None, "other_id"),
    )

    video_id: Mapped[int] = mapped_column(ForeignKey("videos.id"), primary_key=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("videos.id"), primary_key=True)
    made_at: Mapped[datetime]
