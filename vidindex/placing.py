"""Give videos that came after a clustering their place in it, without a new clustering."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.errors import Refused
from vidindex.querying import choose_run
from vidindex.reporting import Reporter
from vidindex.spaces import Space, find_nearest
from vidindex.spreads import find_reaches
from vidindex.store import clusterings, placements, recipes, wishes
from vidindex.store.clusterings import UNSORTED, StoredCentroids, StoredRun
from vidindex.store.placements import StoredDistances


@dataclass(frozen=True)
class PlaceResult:
    """What became of the videos that a run did not have.

    placed: how many are in a cluster of it now. unsorted: how many are too far from every one.
    left_out: how many have a damaged vector.
    """

    run: int
    placed: int
    unsorted: int
    left_out: int


def assign(
    library: Path, *, reporter: Reporter, run: int | None = None, wait: bool = False
) -> PlaceResult:
    """Place all videos that a run does not have, the one in use by default.

    wait: until another vidindex has finished.

    Raises:
        Refused: there is no such run, or the library has no vectors by its recipe any more.
    """
    schema.require(library)
    with schema.open_for_writing(library, reporter.notice, wait=wait) as database:
        with database.reading() as session:
            chosen = choose_run(session, run)
            known = {stored.id: stored for stored in recipes.list_recipes(session)}
            if chosen.recipe_id not in known or not known[chosen.recipe_id].vectors:
                raise Refused(
                    f"run {chosen.id} was made by recipe {chosen.recipe_id}, "
                    "of which the library has no vectors any more",
                    "group the videos anew: vidindex cluster -k 10",
                )
        return place(database, chosen)


def place_new(database: Database, recipe_id: int) -> PlaceResult | None:
    """Place all videos that the recipe's run in use does not have; None if there is no run."""
    with database.reading() as session:
        run = clusterings.run_in_use(clusterings.list_runs(session), recipe_id)
    return None if run is None else place(database, run)


def place(database: Database, run: StoredRun) -> PlaceResult:
    """Place all videos that a run does not have.

    Each gets the label of its nearest centroid, or none if it lies farther from that than the
    cluster reaches; a pinned one gets the label of its pin.
    """
    with database.reading() as session:
        matrix = placements.load_unplaced(session, run)
        if not matrix.video_ids:
            return PlaceResult(run.id, 0, 0, 0)
        centroids = clusterings.load_centroids(session, run.id)
        known = placements.load_distances(session, run.id)
        pins = wishes.list_pins(session)
    sound = np.flatnonzero(np.isfinite(matrix.vectors).all(axis=1))
    video_ids = [matrix.video_ids[row] for row in sound]
    vectors = matrix.vectors[sound]
    labels, distances = _find_places(vectors, centroids, known)
    for row, number in enumerate(video_ids):
        if number in pins and pins[number] in centroids.labels:
            labels[row] = pins[number]
            distances[row] = _distance_to(pins[number], vectors[row], centroids)
    with database.writing() as session:
        placements.put_placements(session, run.id, video_ids, labels, distances)
    unsorted = int(np.count_nonzero(labels == UNSORTED))
    return PlaceResult(
        run.id, len(video_ids) - unsorted, unsorted, len(matrix.video_ids) - len(video_ids)
    )


def _find_places(
    vectors: NDArray[np.float32], stored: StoredCentroids, known: StoredDistances
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return label, or UNSORTED, and distance to the nearest centroid of each of n vectors."""
    nearest, distances = find_nearest(vectors, stored.centroids, _space_of(stored))
    member_rows = np.searchsorted(stored.labels, known.labels)
    reaches = find_reaches(member_rows, known.distances, stored.centroids)
    return np.where(distances <= reaches[nearest], stored.labels[nearest], UNSORTED), distances


def _distance_to(label: int, vector: NDArray[np.float32], stored: StoredCentroids) -> float:
    own = stored.centroids[stored.labels == label]
    return float(find_nearest(vector[None], own, _space_of(stored))[1][0])


def _space_of(stored: StoredCentroids) -> Space:
    return Space(stored.normalize, stored.shift, stored.scale)
