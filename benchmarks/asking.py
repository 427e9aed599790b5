"""A library of many videos to ask: vectors in clusters, runs, names, and a classifier.

``python -m benchmarks.asking LIBRARY COUNT``. Nothing of it lies on the disk. A quarter of the
paths is ASCII, the others are Western, Japanese, and no UTF-8.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.embedding import VECTOR_SIZE, Recipe, Sampling
from vidindex.store import clusterings, heads, recipes
from vidindex.store.clusterings import Name, NewClustering
from vidindex.store.heads import StoredHead

K = 20
CLASSES = 1000
RUNS = 3
MOVED_SHARE = 0.1  # of the videos, from run to run
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RECIPE = Recipe(bytes(range(32)), Sampling(interval_s=30.0))
_VIDEOS = "INSERT INTO videos VALUES (?, randomblob(32), ?, ?, 1920, 1080, ?, ?)"
_FILES = (
    "INSERT INTO files (id, path, video_id, size_bytes, mtime_ns, device, inode, checked_at_ns)"
    " VALUES (?, ?, ?, 1000, 1, 1, ?, 1)"
)
_EMBEDDINGS = (
    "INSERT INTO embeddings"
    " (recipe_id, video_id, vector, frame_count, precision, software, created_at)"
    " VALUES (1, ?, ?, 3, 'fp32', 'none', '2026-03-01 12:00:00.000000')"
)


def path_of(number: int) -> bytes:
    """Return the path of a video."""
    names = (
        f"Recording of the day {number:06d}.mp4".encode(),
        f"Übergrößen in München, café {number:06d}.mp4".encode(),
        f"日本語の長いビデオの名前とその説明 第{number:06d}回.mp4".encode(),
        b"caf\xe9 %06d.mp4" % number,
    )
    return b"/srv/media/videos/event_%04d/" % (number // 200) + names[number % 4]


def make_library(path: Path, count: int) -> None:
    """Make a library of so many videos, with a few runs, the last of them in use."""
    schema.create(path)
    chance = np.random.default_rng(0)
    centers = chance.random((K, VECTOR_SIZE), np.float32)
    labels = np.arange(count) % K
    with Database(path) as database, database.writing() as session:
        recipes.put_recipe(session, RECIPE, "imagenet", now=NOON)
        _put_videos(session, count, chance)
        connection = session.connection()
        for start in range(0, count, 1000):
            rows = list(_embeddings(centers[labels[start : start + 1000]], start + 1, chance))
            connection.exec_driver_sql(_EMBEDDINGS, rows)
        for run in range(RUNS):
            moved = labels if run % 2 else (labels + (chance.random(count) < MOVED_SHARE)) % K
            _put_run(session, centers, moved, chance, NOON + timedelta(hours=run))
        kernel = chance.random((VECTOR_SIZE, CLASSES), np.float32) - np.float32(0.5)
        names = ("seashore", *(f"thing {number}" for number in range(1, CLASSES)))
        head = StoredHead(kernel, np.zeros(CLASSES, np.float32), names)
        heads.put_head(session, RECIPE.weights_digest, head)


def _put_videos(session: Session, count: int, chance: np.random.Generator) -> None:
    connection = session.connection()
    times = [str(NOON.replace(tzinfo=None) + timedelta(minutes=row)) for row in range(count)]
    codecs = ("h264", "hevc", "av1")
    videos = [
        (row + 1, 1000, float(chance.random() * 3600), codecs[row % 3], f"{times[row]}.000000")
        for row in range(count)
    ]
    connection.exec_driver_sql(_VIDEOS, videos)
    connection.exec_driver_sql(
        _FILES, [(row + 1, path_of(row), row + 1, row + 1) for row in range(count)]
    )


def _embeddings(
    points: NDArray[np.float32], first: int, chance: np.random.Generator
) -> Iterator[tuple[int, bytes]]:
    noisy = points + chance.normal(0, 0.15, points.shape)
    for number, vector in enumerate(np.maximum(noisy, 0).astype("<f4"), start=first):
        yield number, vector.tobytes()


def _put_run(
    session: Session,
    centers: NDArray[np.float32],
    labels: NDArray[np.intp],
    chance: np.random.Generator,
    now: datetime,
) -> None:
    run = NewClustering(
        recipe_id=1,
        k=K,
        seed=42,
        n_init=10,
        normalize="none",
        scope=None,
        input_digest=bytes(32),
        inertia=1.0,
        software="none",
        video_ids=tuple(range(1, len(labels) + 1)),
        labels=labels,
        distances=chance.random(len(labels)),
        cluster_labels=np.arange(K),
        centroids=centers,
        names={0: Name("Holidays", "user"), 1: Name("seashore", "auto", 1.5)},
    )
    clusterings.put_clustering(session, run, now=now)


def main() -> None:
    """Make one."""
    path, count = sys.argv[1:]
    make_library(Path(path), int(count))
    print(json.dumps({"size_bytes": os.path.getsize(path)}))  # noqa: PTH202


if __name__ == "__main__":
    main()
