"""Decide which of the videos that may be near are so: by whole vectors, and by thumbnails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vidindex import glimpses, near_pairs
from vidindex.best_copies import NearPair
from vidindex.db.engine import Database
from vidindex.embedding import VECTOR_SIZE
from vidindex.glimpses import Glimpses
from vidindex.near_pairs import Limits, Pairs
from vidindex.spaces import CHUNK_ROWS
from vidindex.store import embeddings, thumbnails

VIDEOS_AT_ONCE = 500  # whose thumbnails are held at once: some 30 MB


def weigh(
    database: Database, recipe: int, video_ids: Sequence[int], pairs: Pairs, limits: Limits
) -> list[NearPair]:
    """Return the pairs that are near indeed. Where pictures differ, none is, whatever its gap.

    pairs: (m, 2) places in video_ids, the better one first. No transaction is open while anything
    is computed. A video that was dropped since the pairs were found is in none.
    """
    seen = _look(database, [video_ids[place] for place in np.unique(pairs).tolist()])
    nothing = glimpses.collect(())
    views = [seen.get(video_id, nothing) for video_id in video_ids]
    agreed = [glimpses.agree(views[one], views[other]) for one, other in pairs.tolist()]
    pairs = pairs[[verdict is not False for verdict in agreed]]
    most = [
        limits.without if verdict is None else limits.with_pictures
        for verdict in agreed
        if verdict is not False
    ]
    gaps = _find_gaps(database, recipe, video_ids, pairs)
    return [
        NearPair(better, worse, 1 - gap)
        for (better, worse), gap, limit in zip(pairs.tolist(), gaps.tolist(), most, strict=True)
        if gap <= limit
    ]


def _look(database: Database, video_ids: Sequence[int]) -> dict[int, Glimpses]:
    seen: dict[int, Glimpses] = {}
    for start in range(0, len(video_ids), VIDEOS_AT_ONCE):
        with database.reading() as session:
            some = thumbnails.load_pictures(session, video_ids[start : start + VIDEOS_AT_ONCE])
        seen |= {video_id: glimpses.collect(pictures) for video_id, pictures in some.items()}
    return seen


def _find_gaps(
    database: Database, recipe: int, video_ids: Sequence[int], pairs: Pairs
) -> NDArray[np.float64]:
    """Return the gap of each pair; inf where a vector is not there any more."""
    gaps = np.full(len(pairs), np.inf)
    places, rows = np.unique(pairs, return_inverse=True)
    with database.reading() as session:
        left = {video_id for video_id, _ in embeddings.list_embedded(session, recipe)}
        is_left = np.array([video_ids[place] in left for place in places.tolist()], np.bool_)
        ids = [video_ids[place] for place in places[is_left].tolist()]
        vectors = np.zeros((len(places), VECTOR_SIZE), np.float32)
        targets = np.flatnonzero(is_left)
        for start, block in enumerate(embeddings.read_vectors(session, recipe, ids, CHUNK_ROWS)):
            vectors[targets[start * CHUNK_ROWS :][: len(block)]] = block
    one, other = rows.reshape(pairs.shape).T
    both = is_left[one] & is_left[other]
    gaps[both] = near_pairs.find_gaps(vectors, one[both], other[both])
    return gaps
