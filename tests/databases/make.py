"""A small library with a row of everything, and the stored databases that are made of it.

``python -m tests.databases.make`` stores it as the database of the newest revision. A stored
database stays as it is for ever; the one of the next revision is made beside it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.embedding import Recipe, Sampling, VideoInfo
from vidindex.scanning import FileStat
from vidindex.store import (
    attempts,
    clusterings,
    distinctions,
    embeddings,
    files,
    heads,
    maps,
    moves,
    projections,
    recipes,
    thumbnails,
    videos,
    wishes,
)
from vidindex.store.clusterings import Name, NewClustering
from vidindex.store.embeddings import NewEmbedding
from vidindex.store.heads import StoredHead
from vidindex.store.maps import StoredPoint
from vidindex.store.moves import PlannedMove, PrunedFolder
from vidindex.store.projections import StoredProjection
from vidindex.store.thumbnails import NewThumbnail

FOLDER = Path(__file__).parent
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RECIPE = Recipe(bytes(range(32)), Sampling(interval_s=30.0))
VIDEOS = Path("/videos")
BEACH = VIDEOS / "beach.mp4"
SORTED_BEACH = Path("/sorted/cluster_0/beach.mp4")
VIEW = Path("/view/cluster_1/city.mp4")
ODD_NAME = Path(os.fsdecode(b"/videos/caf\xe9.mkv"))
BROKEN = VIDEOS / "broken.mp4"
CITY = VIDEOS / "city.mp4"
CUT_SHORT = "only the first 12 s of 61.5 s could be decoded"

# Two contents near each other, one apart from both.
BASE = np.random.default_rng(1).random((2, 2048), dtype=np.float32)
VECTORS = np.stack([BASE[0], BASE[0] * np.float32(1.01), BASE[1]])
HASHES = tuple(bytes([number]) * 32 for number in (1, 2, 3))
BROKEN_HASH = b"\xbb" * 32
PROJECTION = StoredProjection(BASE[0], np.eye(2, 2048, dtype=np.float32), 3, 0.75, "numpy 2.4.6")
PICTURES = (NewThumbnail(0.0, 240, 135, b"\xff\xd8a"), NewThumbnail(30.0, 240, 135, b"\xff\xd8b"))
HEAD = StoredHead(BASE.T.copy(), np.array([0.5, -0.5], np.float32), ("seashore", "sandbar"))


def stat(path: Path, inode: int) -> FileStat:
    """What the file system said of a file of the library."""
    return FileStat(path, 1_000_000 + inode, 1_600_000_000_000_000_000 + inode, 2049, inode)


def fill(session: Session) -> None:
    """Put three videos, one that failed, a clustering and a batch of moves into a new library."""
    recipe = recipes.put_recipe(session, RECIPE, "imagenet", now=NOON)
    recipes.put_weights_digest(session, "imagenet", RECIPE.weights_digest)
    places = (BEACH, ODD_NAME, CITY)
    video_ids = []
    for inode, (blake3, vector, path) in enumerate(zip(HASHES, VECTORS, places, strict=True)):
        info = VideoInfo(61.5, 1920, 1080, "h264")
        video_id = videos.put_video(session, blake3, 1_000_000 + inode, info, now=NOON)
        incomplete = CUT_SHORT if path == CITY else None
        embedding = NewEmbedding(vector, 3, "fp32", "tensorflow 2.21.0", incomplete)
        embeddings.put_embedding(session, recipe, video_id, embedding, now=NOON)
        files.put_file(session, stat(path, inode), video_id=video_id, checked_at_ns=1)
        video_ids.append(video_id)
    broken = videos.put_video(session, BROKEN_HASH, 1_000_009, None, now=NOON)
    embeddings.put_failure(session, recipe, broken, "no video stream", now=NOON)
    files.put_file(session, stat(BROKEN, 9), video_id=broken, checked_at_ns=1)
    attempts.count_attempt(session, BROKEN_HASH, now=NOON)
    _cluster(session, recipe, tuple(video_ids))
    projections.put_projection(session, recipe, "l2", PROJECTION, now=NOON)
    heads.put_head(session, RECIPE.weights_digest, HEAD)
    wishes.put_pin(session, video_ids[0], 0, now=NOON)
    wishes.put_separation(session, video_ids[0], video_ids[2], now=NOON)
    distinctions.put_distinction(session, video_ids[2], video_ids[1], now=NOON)
    thumbnails.put_thumbnails(session, video_ids[0], PICTURES)
    points = [StoredPoint(video_ids[0], 0.25, 0.5), StoredPoint(video_ids[1], 1.0, 0.0)]
    maps.put_map(session, recipe, points, "scikit-learn 1.9.0", now=NOON)
    maps.add_points(session, recipe, [StoredPoint(video_ids[2], 0.5, 0.75, is_placed_later=True)])
    _move(session)


def _cluster(session: Session, recipe: int, video_ids: tuple[int, ...]) -> None:
    run = NewClustering(
        recipe_id=recipe,
        k=2,
        seed=42,
        n_init=10,
        normalize="l2",
        scope=VIDEOS,
        input_digest=bytes(32),
        inertia=0.25,
        software="scikit-learn 1.9.0",
        video_ids=video_ids,
        labels=np.array([0, 0, 1]),
        distances=np.array([0.125, 0.25, 0.0]),
        cluster_labels=np.array([0, 1]),
        centroids=VECTORS[[0, 2]],
        names={0: Name("Holidays", "user")},
    )
    clusterings.put_clustering(session, run, now=NOON + timedelta(minutes=1))


def _move(session: Session) -> None:
    batch = moves.put_batch(
        session,
        "apply",
        SORTED_BEACH.parents[1],
        run=1,
        undoes_batch=None,
        now=NOON + timedelta(minutes=2),
    )
    moves.put_moves(session, batch, [PlannedMove(stat(BEACH, 0), HASHES[0], SORTED_BEACH)])
    moves.put_made_folder(session, batch, SORTED_BEACH.parent)
    moves.set_done(session, 1, stat(SORTED_BEACH, 0))
    files.follow_move(session, BEACH, stat(SORTED_BEACH, 0))
    moves.finish_batch(session, batch, now=NOON + timedelta(minutes=3))
    view = moves.put_batch(
        session,
        "apply",
        VIEW.parents[1],
        run=1,
        undoes_batch=None,
        now=NOON + timedelta(minutes=4),
        mode="symlink",
    )
    link = PlannedMove(stat(CITY, 2), HASHES[2], VIEW, action="symlink", is_sidecar=False)
    moves.put_moves(session, view, [link])
    moves.put_pruned_folder(session, view, PrunedFolder(VIDEOS / "empty", 0o750, 1000, 1000))
    moves.set_done(session, 2, stat(CITY, 2))
    moves.finish_batch(session, view, now=NOON + timedelta(minutes=5))


def make(path: Path) -> Path:
    """Make the library of the newest revision at a path."""
    schema.create(path)
    with Database(path) as database, database.writing() as session:
        fill(session)
    return path


if __name__ == "__main__":
    make(FOLDER / f"{schema.HEAD}.db")
