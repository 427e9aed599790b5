"""Bring the stored vectors of a recipe into the space where they are clustered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from vidindex import projections
from vidindex.blocks import Points, block_rows, work_through
from vidindex.config import Normalize
from vidindex.embedding import VECTOR_SIZE
from vidindex.errors import Refused
from vidindex.projections import GROWTH, LOSS, Projected, Projection
from vidindex.reporting import Reporter
from vidindex.spaces import Space
from vidindex.store import embeddings
from vidindex.store import projections as stored_projections
from vidindex.store.projections import StoredProjection

# So many vectors are held in memory (2 GB); more are read from the library again and again.
MOST_IN_MEMORY = 250_000


@dataclass(frozen=True)
class Gathered:
    """The vectors that are to be clustered, in a fixed order.

    video_ids: n. digest: 32 bytes that are equal just when the same contents have the same
    vectors. damaged: hashes of the videos that are left out, as their vector is not finite.
    """

    video_ids: tuple[int, ...]
    points: Points
    space: Space
    digest: bytes
    damaged: tuple[bytes, ...]


def gather(
    session: Session,
    recipe: int,
    scope: Path | None,
    normalize: Normalize,
    reporter: Reporter,
) -> Gathered:
    """Load the vectors of a recipe; of the videos with a file at or below a folder, if given.

    Tells of those that are damaged. Where they are too many for the memory, the points read from
    the session.

    Raises:
        Refused: there are none, or all are damaged.
    """
    known = embeddings.list_embedded(session, recipe, scope)
    raw = _read(session, recipe, [video_id for video_id, _ in known])
    is_sound, digest = _inspect(raw, [content for _, content in known])
    damaged = tuple(known[row][1] for row in np.flatnonzero(~is_sound))
    if damaged:
        keep = np.flatnonzero(is_sound)
        known = [known[row] for row in keep]
        raw = (
            _read(session, recipe, [video_id for video_id, _ in known])
            if raw.array is None
            else Points.of(raw.array[keep])
        )
        _, digest = _inspect(raw, [content for _, content in known])
        reporter.notice(
            f"{len(damaged)} of {len(damaged) + len(known)} videos are left out, as the stored "
            "vector is damaged; vidindex db check names them"
        )
    if not known:
        where = f" in {scope}" if scope else ""
        raise Refused(
            f"there are no vectors to cluster{where}", "index videos: vidindex index PATH"
        )
    space = find_space(raw, normalize)
    video_ids = tuple(video_id for video_id, _ in known)
    return Gathered(video_ids, _place(raw, space), space, digest, damaged)


def find_space(raw: Points, normalize: Normalize) -> Space:
    """Return the space of some vectors. A number that is the same in all of them is not scaled."""
    if normalize != "standard":
        return Space(normalize)
    mean = _mean_of(raw, lambda block: block)
    shift = mean.astype(np.float32)
    deviation = np.sqrt(_mean_of(raw, lambda block: np.square(block - shift)))
    tiny = np.finfo(np.float32).eps * np.abs(mean)  # what rounding leaves of a constant
    scale = np.where(deviation > tiny, deviation, 1)
    return Space(normalize, shift, scale.astype(np.float32))


class Projector:
    """Gives the points in few dimensions, by the library's own projection if that still serves.

    session: from which the points are read. is_whole: they are all of the recipe's, so that a
    projection that is made of them is worth keeping.
    """

    def __init__(
        self, session: Session, recipe: int, gathered: Gathered, *, is_whole: bool
    ) -> None:
        self._session = session
        self._recipe = recipe
        self._gathered = gathered
        self._is_whole = is_whole
        self.new: StoredProjection | None = None  # to be stored

    def __call__(self) -> Projected:
        """Return them; the first call takes long."""
        return self._projected

    @cached_property
    def _projected(self) -> Projected:
        points = self._gathered.points
        stored = stored_projections.find_projection(
            self._session, self._recipe, self._gathered.space.normalize
        )
        if stored is not None and points.count <= (1 + GROWTH) * stored.video_count:
            projection = Projection(stored.center, stored.components, stored.explained)
            projected = projections.project(points, projection)
            if projected.explained >= stored.explained - LOSS:
                return projected
        projection = projections.fit(points)
        projected = projections.project(points, projection)
        if self._is_whole:
            self.new = StoredProjection(
                projection.center,
                projection.components,
                points.count,
                projected.explained,
                f"numpy {np.__version__}",
            )
        return projected


def _read(session: Session, recipe: int, video_ids: Sequence[int]) -> Points:
    rows = block_rows(VECTOR_SIZE)
    points = Points(
        len(video_ids),
        VECTOR_SIZE,
        lambda: embeddings.read_vectors(session, recipe, video_ids, rows),
        lambda numbers: np.concatenate(
            [
                np.empty((0, VECTOR_SIZE), np.float32),
                *embeddings.read_vectors(
                    session, recipe, [video_ids[number] for number in numbers], rows
                ),
            ]
        ),
    )
    return points if points.count > MOST_IN_MEMORY else Points.of(points.all())


def _mean_of(
    raw: Points, measure: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> NDArray[np.float64]:
    parts = work_through(raw, lambda _, block: measure(block).sum(axis=0, dtype=np.float64))
    mean: NDArray[np.float64] = np.sum(list(parts), axis=0) / raw.count
    return mean


def _inspect(raw: Points, hashes: Sequence[bytes]) -> tuple[NDArray[np.bool_], bytes]:
    """Return which vectors are finite, and a digest of all."""
    digest = blake3(b"".join(hashes))
    is_sound = np.empty(raw.count, dtype=np.bool_)
    start = 0
    for block in raw.read():
        is_sound[start : start + len(block)] = np.isfinite(block).all(axis=1)
        digest.update(block.astype("<f4", copy=False).tobytes())
        start += len(block)
    return is_sound, digest.digest()


def _place(raw: Points, space: Space) -> Points:
    if raw.array is None:
        return Points(
            raw.count,
            raw.dimensions,
            lambda: (space.place(block) for block in raw.read()),
            lambda numbers: space.place(raw.rows(numbers)),
        )
    if space.normalize != "none":  # in place: there is no room for them twice
        for _ in work_through(raw, lambda _, block: np.copyto(block, space.place(block))):
            pass
    return raw
