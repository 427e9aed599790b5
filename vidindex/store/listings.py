"""Lists of files by what is known of them, filtered and sorted by the database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Select,
    String,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session

from vidindex.db.models import Assignment, Cluster, EmbeddingFailure, File, Video
from vidindex.store.files import is_below

Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])
Sort = Literal["path", "size", "duration", "added", "label", "distance"]


@dataclass(frozen=True)
class FileFilter:
    """Which files are listed, and how.

    run: whose labels are told; None: of no run. labels: only files in these clusters; None among
    them: in no cluster, though they are in the run. is_labelled: only files of the run.
    path: a pattern (* and ? stand for "/" too) for the whole path, or a file or folder, whose
    files below count. longer_s, shorter_s: exclusive. since: when the content was first stored.
    codec: whatever the case. is_missing: only files that are gone; else only those that are there.
    is_failed: only files that could not be read or decoded. limit: None for all.
    """

    run: int | None = None
    labels: tuple[int | None, ...] | None = None
    is_labelled: bool = False
    path: Path | None = None
    longer_s: float | None = None
    shorter_s: float | None = None
    since: datetime | None = None
    codec: str | None = None
    is_missing: bool = False
    is_failed: bool = False
    sort: tuple[Sort, ...] = ("path",)
    is_descending: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file, its content, and its place in a run.

    blake3, added_at: None if it was never read. label, distance: None if it has no place in the
    run; the label alone: if it is in no cluster. failure: why it could not be read or decoded.
    """

    path: Path
    blake3: bytes | None
    size_bytes: int
    duration_s: float | None
    width_px: int | None
    height_px: int | None
    codec: str | None
    added_at: datetime | None
    missing_since: datetime | None
    failure: str | None
    label: int | None
    name: str | None
    distance: float | None
    is_placed_later: bool | None


@dataclass(frozen=True)
class Totals:
    """How many files a filter finds, whatever its limit; duration_s: of those that tell it."""

    files: int
    size_bytes: int
    duration_s: float


_SORT_COLUMNS: dict[Sort, Any] = {
    "path": File.path,
    "size": File.size_bytes,
    "duration": Video.duration_s,
    "added": Video.added_at,
    "label": Assignment.label,
    "distance": Assignment.distance,
}


def list_found(session: Session, wanted: FileFilter) -> list[ListedFile]:
    """Return the files that a filter finds, in its order; what has no value to sort by is last."""
    reason = (
        select(EmbeddingFailure.reason)
        .where(EmbeddingFailure.video_id == File.video_id)
        .order_by(EmbeddingFailure.failed_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = select(
        File.path,
        Video.blake3,
        File.size_bytes,
        Video.duration_s,
        Video.width_px,
        Video.height_px,
        Video.codec,
        Video.added_at,
        File.missing_since,
        func.coalesce(File.read_error, reason),
        Assignment.label,
        Cluster.name,
        Assignment.distance,
        Assignment.is_placed_later,
    )
    order: list[ColumnElement[Any]] = []
    for key in wanted.sort:
        column = _SORT_COLUMNS[key]
        order += [column.is_(None), column.desc() if wanted.is_descending else column]
    found = _filtered(query, wanted).order_by(*order, File.path).limit(wanted.limit)
    rows: Sequence[Any] = session.execute(found).all()
    return [ListedFile(*row) for row in rows]


def add_up(session: Session, wanted: FileFilter) -> Totals:
    """Count and add up all that a filter finds."""
    query = select(func.count(), func.sum(File.size_bytes), func.sum(Video.duration_s))
    count, size_bytes, duration_s = session.execute(_filtered(query, wanted)).one()
    return Totals(count, size_bytes or 0, duration_s or 0.0)


def list_paths_from(session: Session, beginning: bytes, limit: int) -> list[Path]:
    """Return the first paths that begin so, of files that are there, sorted."""
    raw = type_coerce(File.path, LargeBinary)
    query = select(File.path).where(raw >= beginning, File.missing_since.is_(None))
    rows = session.scalars(query.order_by(File.path).limit(limit))
    return [path for path in rows if os.fsencode(path).startswith(beginning)]


def _filtered(query: Query, wanted: FileFilter) -> Query:
    return (
        query.select_from(File)
        .outerjoin(Video, Video.id == File.video_id)
        .outerjoin(
            Assignment,
            and_(Assignment.video_id == File.video_id, Assignment.clustering_id == wanted.run),
        )
        .outerjoin(
            Cluster,
            and_(
                Cluster.clustering_id == Assignment.clustering_id,
                Cluster.label == Assignment.label,
            ),
        )
        .where(*_conditions(wanted))
    )


def _conditions(wanted: FileFilter) -> Sequence[ColumnElement[bool]]:
    is_there = File.missing_since.is_(None)
    conditions: list[ColumnElement[bool]] = [~is_there if wanted.is_missing else is_there]
    if wanted.is_labelled or wanted.labels is not None:
        conditions.append(Assignment.video_id.is_not(None))
    if wanted.labels is not None:
        known = [label for label in wanted.labels if label is not None]
        in_none = Assignment.label.is_(None) if None in wanted.labels else literal(value=False)
        conditions.append(or_(Assignment.label.in_(known), in_none))
    if wanted.path is not None:
        conditions.append(or_(_matches(wanted.path), is_below(File.path, wanted.path)))
    if wanted.longer_s is not None:
        conditions.append(Video.duration_s > wanted.longer_s)
    if wanted.shorter_s is not None:
        conditions.append(Video.duration_s < wanted.shorter_s)
    if wanted.since is not None:
        conditions.append(Video.added_at >= wanted.since)
    if wanted.codec is not None:
        conditions.append(func.lower(Video.codec) == wanted.codec.lower())
    if wanted.is_failed:
        failed = exists().where(EmbeddingFailure.video_id == File.video_id)
        conditions.append(or_(File.read_error.is_not(None), failed))
    return conditions


def _matches(pattern: Path) -> ColumnElement[bool]:
    """Build the condition that a path matches a pattern; both are taken for text alike."""
    path = cast(type_coerce(File.path, LargeBinary), String)
    given = cast(literal(os.fsencode(pattern), LargeBinary), String)
    return path.op("GLOB", is_comparison=True)(given)
