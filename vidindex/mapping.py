"""The map of the library: made once, stored, and gone on with when videos come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidindex import layouts
from vidindex.blocks import Points
from vidindex.db import schema
from vidindex.errors import AnotherAtWork, Refused, SystemStopped
from vidindex.querying import choose_recipe
from vidindex.reporting import Reporter
from vidindex.spaces import Space
from vidindex.store import embeddings, maps
from vidindex.store.embeddings import StoredMatrix
from vidindex.store.maps import StoredMap, StoredPoint

# Where more than this share of the videos came after the map was made, it is made anew.
MOST_LATER = 0.25


@dataclass(frozen=True)
class MapAnswer:
    """Where the videos of a recipe lie on a plane: the like ones near each other.

    points: of the videos that have a file and a sound vector, by their numbers. is_kept: whether
    the library has it now, so that the next one to ask need not wait.
    """

    recipe: int
    points: tuple[StoredPoint, ...]
    is_kept: bool


@dataclass(frozen=True)
class _Drawn:
    """Points that are to be stored. is_whole: in place of the map before; else beside its points.

    hashes: of the videos, 32 bytes each.
    """

    points: tuple[StoredPoint, ...]
    hashes: tuple[bytes, ...]
    is_whole: bool


def get_map(library: Path, reporter: Reporter, recipe: int | None = None) -> MapAnswer:
    """Return the map of a recipe's videos, of the only one by default; made if need be.

    Videos that came later are placed among those that they are most like. A map that cannot be
    stored is made all the same, and the reporter is told.

    Raises:
        Refused: there are no vectors, or of several recipes.
    """
    with schema.open_for_reading(library) as database, database.reading() as session:
        chosen = choose_recipe(session, recipe).id
        stored = maps.find_map(session, chosen)
        there = {video_id for video_id, _ in embeddings.list_embedded(session, chosen)}
        known = () if stored is None else stored.points
        kept = tuple(point for point in known if point.video_id in there)
        if len(kept) == len(there):
            return MapAnswer(chosen, kept, is_kept=True)
        matrix = _leave_damaged_out(embeddings.load_matrix(session, chosen))
    if len(matrix.video_ids) == len(kept):
        return MapAnswer(chosen, kept, is_kept=True)
    reporter.start("mapping", len(matrix.video_ids))
    drawn = _draw(matrix, kept)
    reporter.advance(len(matrix.video_ids))
    reporter.finish()
    is_kept = _store(library, chosen, stored, drawn, reporter)
    points = drawn.points if drawn.is_whole else (*kept, *drawn.points)
    return MapAnswer(chosen, tuple(sorted(points, key=lambda each: each.video_id)), is_kept)


def _leave_damaged_out(matrix: StoredMatrix) -> StoredMatrix:
    is_sound = np.isfinite(matrix.vectors).all(axis=1)
    if is_sound.all():
        return matrix
    return _some_of(matrix, np.flatnonzero(is_sound))


def _some_of(matrix: StoredMatrix, rows: NDArray[np.intp]) -> StoredMatrix:
    return StoredMatrix(
        tuple(matrix.video_ids[row] for row in rows),
        tuple(matrix.hashes[row] for row in rows),
        matrix.vectors[rows],
    )


def _draw(matrix: StoredMatrix, kept: Sequence[StoredPoint]) -> _Drawn:
    """Place the videos that are on no map yet; or all anew, where those that came later are many.

    matrix: in the order of the hashes, so that the same videos get the same map.
    """
    known = {point.video_id: point for point in kept}
    is_known = np.array([video_id in known for video_id in matrix.video_ids])
    later = sum(point.is_placed_later for point in kept) + int(np.sum(~is_known))
    vectors = Space("l2").place(matrix.vectors)
    is_whole = later > MOST_LATER * len(is_known)
    if is_whole:
        new, places = matrix, layouts.lay_out(Points.of(vectors))
    else:
        new = _some_of(matrix, np.flatnonzero(~is_known))
        on_map = [known[number] for number in matrix.video_ids if number in known]
        their_places = np.array([(point.x, point.y) for point in on_map])
        places = layouts.place_among(vectors[~is_known], vectors[is_known], their_places)
    points = (
        StoredPoint(video_id, float(x), float(y), is_placed_later=not is_whole)
        for video_id, (x, y) in zip(new.video_ids, places, strict=True)
    )
    return _Drawn(tuple(points), new.hashes, is_whole)


def _store(
    library: Path, recipe: int, before: StoredMap | None, drawn: _Drawn, reporter: Reporter
) -> bool:
    """Store what was drawn, if the library can be written and no other map was stored meanwhile."""
    try:
        with (
            schema.open_for_writing(library, reporter.notice) as database,
            database.writing() as session,
        ):
            if maps.find_map(session, recipe) != before:
                return False
            there = set(embeddings.list_embedded(session, recipe))
            drawn = _still_there(drawn, there)
            if drawn.is_whole and drawn.points:
                now = datetime.now(UTC)
                maps.put_map(session, recipe, drawn.points, layouts.software(), now=now)
            elif not drawn.is_whole:
                maps.add_points(session, recipe, drawn.points)
    except (AnotherAtWork, Refused, SystemStopped) as error:
        reporter.notice(f"the map was made, but not stored: {error.message}")
        return False
    return True


def _still_there(drawn: _Drawn, there: set[tuple[int, bytes]]) -> _Drawn:
    """Leave videos out that were pruned meanwhile; their numbers may be others' now."""
    pairs = zip(drawn.points, drawn.hashes, strict=True)
    points = tuple(point for point, content in pairs if (point.video_id, content) in there)
    return replace(drawn, points=points)
