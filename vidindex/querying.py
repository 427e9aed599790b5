"""Read-only answers from the library. Opens no video, imports no TensorFlow or scikit-learn."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.errors import Refused
from vidindex.paths import resolve
from vidindex.spreads import Drift, find_drift
from vidindex.store import (
    clusterings,
    embeddings,
    files,
    galleries,
    moves,
    placements,
    recipes,
    thumbnails,
    videos,
    wishes,
)
from vidindex.store.clusterings import UNSORTED, LabelledFile, StoredCluster, StoredRun
from vidindex.store.embeddings import StoredFailure, StoredVector
from vidindex.store.files import StoredFile
from vidindex.store.moves import StoredBatch
from vidindex.store.recipes import StoredRecipe
from vidindex.store.videos import StoredVideo

LEAST_HASH_DIGITS = 4


@dataclass(frozen=True)
class Vectors:
    """The vectors of a recipe, a row a video, sorted by content hash.

    paths: n, one file of each video. hashes: n times 64 hex digits. vectors: (n, 2048) float32.
    """

    paths: tuple[Path, ...]
    hashes: tuple[str, ...]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class LabelsAnswer:
    """The labelled files of a run, by label, the most typical first."""

    run: StoredRun
    clusters: tuple[StoredCluster, ...]
    rows: tuple[LabelledFile, ...]


@dataclass(frozen=True)
class ClustersAnswer:
    """The clusters of a run. placed: how many videos joined each later, by label.

    unsorted_later: how many came later and fit none of them.
    """

    run: StoredRun
    clusters: tuple[StoredCluster, ...]
    placed: dict[int, int]
    unsorted_later: int


@dataclass(frozen=True)
class VideoAnswer:
    """All that the library knows of one content.

    labels: run, label, name, distance of each. pinned_to: the label that the user wishes it in.
    """

    video: StoredVideo
    files: tuple[StoredFile, ...]
    vectors: tuple[StoredVector, ...]
    failures: tuple[StoredFailure, ...]
    labels: tuple[tuple[int, int | None, str | None, float], ...]
    pinned_to: int | None


@dataclass(frozen=True)
class Status:
    """The library at a glance. batch: the newest apply or undo.

    run: the one in use. drift: of the videos that came after it. unplaced: how many videos have no
    place in it yet. unpictured: how many have a vector and no thumbnails.
    """

    library: Path
    present: int
    missing: int
    unreadable: tuple[StoredFile, ...]
    recipes: tuple[StoredRecipe, ...]
    failures: tuple[StoredFailure, ...]
    runs: int
    run: StoredRun | None
    drift: Drift | None
    unplaced: int
    unpictured: int
    batch: StoredBatch | None


@dataclass(frozen=True)
class PastBatch:
    """A batch of moves, the batches that put some of it back, and how many moves undo would."""

    batch: StoredBatch
    undone_by: tuple[int, ...]
    undoable: int


@dataclass(frozen=True)
class FailuresAnswer:
    """The files that are there and cannot be used: not decoded, or not even read, each by path."""

    undecodable: tuple[StoredFailure, ...]
    unreadable: tuple[StoredFile, ...]


def choose_run(session: Session, number: int | None) -> StoredRun:
    """Return the clustering of this number, or the one in use.

    Raises:
        Refused: there is none.
    """
    runs = clusterings.list_runs(session)
    if not runs:
        raise Refused("nothing is clustered yet", "group the videos: vidindex cluster -k 10")
    if number is None:
        return clusterings.run_in_use(runs) or runs[-1]
    chosen = [run for run in runs if run.id == number]
    if not chosen:
        raise Refused(f"there is no run {number}", "vidindex runs lists them")
    return chosen[0]


def require_label(session: Session, run: StoredRun, label: int) -> None:
    """Check that a run has a cluster of this label.

    Raises:
        Refused: it has none.
    """
    known = [cluster.label for cluster in clusterings.list_clusters(session, run.id)]
    if label not in known:
        labels = ", ".join(map(str, known))
        raise Refused(f"run {run.id} has no label {label}", f"its labels are {labels}")


def choose_recipe(session: Session, number: int | None) -> StoredRecipe:
    """Return the recipe of this number, or the only one that has vectors.

    Raises:
        Refused: there is none, or there are several and no number is given.
    """
    known = recipes.list_recipes(session)
    if number is not None:
        chosen = [stored for stored in known if stored.id == number]
        if not chosen:
            raise Refused(f"there is no recipe {number}", "vidindex status lists them")
        return chosen[0]
    with_vectors = [stored for stored in known if stored.vectors]
    if not with_vectors:
        raise Refused("the library holds no vectors", "index videos: vidindex index PATH")
    if len(with_vectors) > 1:
        listed = ", ".join(f"{stored.id} ({stored.description})" for stored in with_vectors)
        raise Refused(
            f"vectors of {len(with_vectors)} recipes cannot be compared: {listed}",
            f"say which ones with --recipe, for example --recipe {with_vectors[-1].id}",
        )
    return with_vectors[0]


def get_vectors(library: Path, recipe: int | None = None) -> Vectors:
    """Load all vectors of a recipe, of the only one by default.

    Raises:
        Refused: there are none, or of several recipes.
    """
    with schema.open_for_reading(library) as database, database.reading() as session:
        matrix = embeddings.load_matrix(session, choose_recipe(session, recipe).id)
        paths = {
            file.video_id: file.stat.path
            for file in reversed(files.list_files(session))
            if file.missing_since is None
        }
    return Vectors(
        tuple(paths[video_id] for video_id in matrix.video_ids),
        tuple(blake3.hex() for blake3 in matrix.hashes),
        matrix.vectors,
    )


def get_runs(library: Path) -> list[StoredRun]:
    """Return the stored clusterings, the oldest first."""
    with schema.open_for_reading(library) as database, database.reading() as session:
        return clusterings.list_runs(session)


def in_use(runs: Iterable[StoredRun]) -> StoredRun | None:
    """Return the run that labels and moves go by if none is named, or None if there is none."""
    return clusterings.run_in_use(runs)


def get_labels(
    library: Path, run: int | None = None, label: int | None = None, *, unsorted: bool = False
) -> LabelsAnswer:
    """Return the labels of a clustering, of the one in use by default.

    label: only of this one. unsorted: only the files that are in no cluster.

    Raises:
        Refused: there is no such run, or no such label in it.
    """
    with schema.open_for_reading(library) as database, database.reading() as session:
        chosen = choose_run(session, run)
        clusters = clusterings.list_clusters(session, chosen.id)
        if label is not None and label not in {cluster.label for cluster in clusters}:
            raise Refused(f"run {chosen.id} has no label {label}", "vidindex name lists its labels")
        wanted = UNSORTED if unsorted else label
        rows = clusterings.list_labelled_files(session, chosen.id, label=wanted)
    return LabelsAnswer(chosen, tuple(clusters), tuple(rows))


def get_clusters(library: Path, run: int | None = None) -> ClustersAnswer:
    """Return the clusters of a run, of the one in use by default.

    Raises:
        Refused: there is no such run.
    """
    with schema.open_for_reading(library) as database, database.reading() as session:
        chosen = choose_run(session, run)
        placed = placements.count_placed(session, chosen.id)
        unsorted = placed.pop(UNSORTED, 0)
        clusters = tuple(clusterings.list_clusters(session, chosen.id))
        return ClustersAnswer(chosen, clusters, placed, unsorted)


def get_video(library: Path, path_or_hash: str) -> VideoAnswer:
    """Return all that is known of the file at a path, or of a content by the start of its hash.

    Raises:
        Refused: the library does not know it, or several hashes begin so.
    """
    with schema.open_for_reading(library) as database, database.reading() as session:
        video = find_video(session, path_or_hash)
        known = files.list_files(session, video_id=video.id)
        failed = [
            failure
            for failure in embeddings.list_failures(session)
            if failure.blake3 == video.blake3
        ]
        return VideoAnswer(
            video,
            tuple(known),
            tuple(embeddings.list_vectors_of(session, video.id)),
            tuple({failure.recipe_id: failure for failure in failed}.values()),
            tuple(clusterings.list_labels_of(session, video.id)),
            wishes.list_pins(session).get(video.id),
        )


def get_status(library: Path) -> Status:
    """Return the state of the library."""
    with schema.open_for_reading(library) as database, database.reading() as session:
        known = files.list_files(session)
        present = [file for file in known if file.missing_since is None]
        unreadable = _list_unreadable(known)
        batches = moves.list_batches(session)
        runs = clusterings.list_runs(session)
        run = clusterings.run_in_use(runs)
        return Status(
            library,
            len(present) - len(unreadable),
            len(known) - len(present),
            tuple(unreadable),
            tuple(recipes.list_recipes(session)),
            tuple(embeddings.list_failures(session)),
            len(runs),
            run,
            None if run is None else _find_drift(session, run.id),
            0 if run is None else placements.count_unplaced(session, run),
            len(thumbnails.list_without(session)),
            batches[-1] if batches else None,
        )


def get_history(library: Path) -> list[PastBatch]:
    """Return all batches of moves, the newest first."""
    with schema.open_for_reading(library) as database, database.reading() as session:
        batches = moves.list_batches(session)
        undoable = moves.count_undoable(session)
    undone_by: dict[int | None, tuple[int, ...]] = {}
    for batch in batches:
        if batch.counts.get("done"):
            undone_by[batch.undoes_batch] = (*undone_by.get(batch.undoes_batch, ()), batch.id)
    return [
        PastBatch(batch, undone_by.get(batch.id, ()), undoable.get(batch.id, 0))
        for batch in reversed(batches)
    ]


def get_failures(library: Path) -> FailuresAnswer:
    """Return which files could not be decoded or read, and why."""
    with schema.open_for_reading(library) as database, database.reading() as session:
        return FailuresAnswer(
            tuple(embeddings.list_failures(session)),
            tuple(_list_unreadable(files.list_files(session))),
        )


def _find_drift(session: Session, run: int) -> Drift:
    known = placements.load_distances(session, run)
    return find_drift(known.labels, known.distances, known.placed, known.unsorted)


def _list_unreadable(known: Iterable[StoredFile]) -> list[StoredFile]:
    return [file for file in known if file.missing_since is None and file.read_error is not None]


def find_video(session: Session, path_or_hash: str) -> StoredVideo:
    """Return the content of the file at a path, or the one whose hash begins so.

    Raises:
        Refused: the library does not know it, or several hashes begin so.
    """
    path = Path(path_or_hash).absolute()
    file = files.find_file(session, path) or files.find_file(session, resolve(path_or_hash))
    if file is not None and file.blake3 is not None:
        return videos.find_videos(session, file.blake3.hex())[0]
    if file is not None:
        raise Refused(f"{path} could not be read: {file.read_error}", "index it again")
    if re.fullmatch(f"[0-9a-fA-F]{{{LEAST_HASH_DIGITS},64}}", path_or_hash):
        found = videos.find_videos(session, path_or_hash.lower())
        if len(found) == 1:
            return found[0]
        if found:
            raise Refused(
                f"{len(found)} contents begin with {path_or_hash}", "give more of the hash"
            )
    raise Refused(
        f"the library does not know {path_or_hash}",
        f"give the path of an indexed file, or {LEAST_HASH_DIGITS} or more digits of its hash",
    )


def find_video_or_number(session: Session, video: str | int) -> StoredVideo:
    """Return the content of a number, or as `find_video` does.

    Raises:
        Refused: the library does not know it, or several hashes begin so.
    """
    if isinstance(video, str):
        return find_video(session, video)
    found = galleries.find_contents(session, [video])
    if not found:
        raise Refused(f"the library has no video {video}", "vidindex ls lists what it has")
    return found[video]
