"""Group the stored vectors of one recipe and store the run. Opens no video, needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from vidindex import kmeans, lineage
from vidindex.config import Normalize
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.errors import Refused, UsageError
from vidindex.querying import choose_recipe
from vidindex.reporting import Reporter
from vidindex.store import clusterings, embeddings
from vidindex.store.clusterings import UNSORTED, Name, NewClustering, StoredCluster
from vidindex.store.embeddings import StoredMatrix


@dataclass(frozen=True)
class ClusterResult:
    """A stored run. left_out: videos whose stored vector is not finite."""

    run: int
    k: int
    videos: int
    left_out: int
    inertia: float
    clusters: tuple[StoredCluster, ...]


def cluster(
    library: Path,
    k: int,
    *,
    seed: int,
    n_init: int,
    normalize: Normalize,
    reporter: Reporter,
    recipe: int | None = None,
    scope: Path | None = None,
    wait: bool = False,
) -> ClusterResult:
    """Group all videos of a library, or those with a file at or below a folder, into K clusters.

    wait: until another vidindex has finished.

    Raises:
        UsageError: K below 1.
        Refused: no vectors, fewer distinct ones than K, or vectors of several recipes and none
            named; nothing was changed.
    """
    if k < 1:
        raise UsageError(f"K must be at least 1, not {k}", "for example: vidindex cluster -k 10")
    schema.require(library)
    # Held from the first look at the vectors on: the labels are of videos that are still there.
    with schema.open_for_writing(library, reporter.notice, wait=wait) as database:
        number, usable, left_out = _load(database, recipe, scope)
        if left_out:
            reporter.notice(f"{left_out} videos were left out: their stored vector is damaged")
        grouping = kmeans.group(usable.vectors, k, seed=seed, n_init=n_init, normalize=normalize)
        # The place for the user's wishes: between the grouping and the matching.
        previous, cluster_labels, names = _continue_previous(
            database, number, usable.video_ids, grouping
        )
        new = NewClustering(
            recipe_id=number,
            k=k,
            seed=seed,
            n_init=n_init,
            normalize=normalize,
            scope=scope,
            input_digest=_digest(usable),
            inertia=grouping.inertia,
            software=kmeans.software(),
            video_ids=usable.video_ids,
            labels=cluster_labels[grouping.labels],
            distances=grouping.distances,
            cluster_labels=cluster_labels,
            centroids=grouping.centroids,
            names=names,
            previous=previous,
        )
        with database.writing() as session:
            run = clusterings.put_clustering(session, new, now=datetime.now(UTC))
            clusters = clusterings.list_clusters(session, run)
    return ClusterResult(run, k, len(usable.video_ids), left_out, grouping.inertia, tuple(clusters))


def _continue_previous(
    database: Database, recipe: int, video_ids: tuple[int, ...], grouping: kmeans.Grouping
) -> tuple[int | None, NDArray[np.intp], dict[int, Name]]:
    """Return the run in use, and the label of each cluster and the names that go on from it."""
    k = len(grouping.centroids)
    with database.reading() as session:
        previous = clusterings.run_in_use(clusterings.list_runs(session), recipe)
        if previous is None:
            return None, np.arange(k), {}
        by_video = clusterings.load_labels(session, previous.id)
        known = clusterings.list_clusters(session, previous.id)
    before = np.array([by_video.get(video_id, UNSORTED) for video_id in video_ids], dtype=np.intp)
    labels = lineage.match(before, grouping.labels, k)
    names = {
        cluster.label: cluster.given_name
        for cluster in known
        if cluster.label in labels and cluster.given_name is not None
    }
    return previous.id, labels, names


def _load(
    database: Database, recipe: int | None, scope: Path | None
) -> tuple[int, StoredMatrix, int]:
    """Return the number of the recipe, its usable vectors, and how many are damaged.

    Raises:
        Refused: there are no usable ones.
    """
    with database.reading() as session:
        number = choose_recipe(session, recipe).id
        usable, left_out = _without_damage(embeddings.load_matrix(session, number, scope))
    if not usable.video_ids:
        where = f" in {scope}" if scope else ""
        raise Refused(
            f"there are no vectors to cluster{where}", "index videos: vidindex index PATH"
        )
    return number, usable, left_out


def _without_damage(matrix: StoredMatrix) -> tuple[StoredMatrix, int]:
    """Drop the rows that are not finite; return how many."""
    is_sound = np.isfinite(matrix.vectors).all(axis=1)
    left_out = int(np.count_nonzero(~is_sound))
    if not left_out:
        return matrix, 0
    keep = np.flatnonzero(is_sound)
    return (
        StoredMatrix(
            tuple(matrix.video_ids[row] for row in keep),
            tuple(matrix.hashes[row] for row in keep),
            matrix.vectors[keep],
        ),
        left_out,
    )


def _digest(matrix: StoredMatrix) -> bytes:
    """Return 32 bytes that are equal just when the same contents have the same vectors."""
    digest = blake3(b"".join(matrix.hashes))
    digest.update(matrix.vectors.astype("<f4", copy=False).tobytes())
    return digest.digest()
