"""A library of generated vectors, whose scenes the classes of a head stand for.

Four scenes of six videos each: a beach, a street, a cat, a harbour. Every number of a vector is
noise, and a scene adds 1 to 100 of them; a class that stands for a scene sums those up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.embedding import Recipe, Sampling, VideoInfo
from vidindex.scanning import FileStat
from vidindex.store import clusterings, embeddings, files, heads, recipes, videos
from vidindex.store.clusterings import Name, NewClustering
from vidindex.store.embeddings import NewEmbedding
from vidindex.store.heads import StoredHead

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DIGEST = bytes(range(32))
RECIPE = Recipe(DIGEST, Sampling(interval_s=30.0))
SCENES = ("beach", "street", "cat", "harbour")
EACH = 6
# Which scene a class stands for, and how strongly. Two classes are called crane in ImageNet, too.
CLASSES = {
    "seashore": (0, 1.0),
    "sandbar": (0, 0.9),
    "sports_car": (1, 1.0),
    "Tabby": (2, 1.0),
    "tiger_cat": (2, 0.3),
    "crane": (3, 1.0),
}
CLASS_NAMES = (*CLASSES, "crane", "jack-o'-lantern")


def scene_of(row: int) -> int:
    return row // EACH


def vectors(seed: int = 1) -> NDArray[np.float32]:
    """(24, 2048), scene by scene."""
    drawn = np.random.default_rng(seed).normal(2, 0.1, (len(SCENES) * EACH, 2048))
    for row in range(len(drawn)):
        drawn[row, 100 * scene_of(row) : 100 * scene_of(row) + 100] += 1
    return drawn.astype(np.float32)


def head(class_names: Sequence[str] | None = CLASS_NAMES) -> StoredHead:
    """One column a class; the second crane is as the first, the last class is noise."""
    kernel = np.random.default_rng(2).normal(0, 0.01, (2048, len(CLASS_NAMES)))
    for column, (scene, strength) in enumerate(CLASSES.values()):
        kernel[100 * scene : 100 * scene + 100, column] += strength / 10
    kernel[:, 6] = kernel[:, 5]
    bias = np.linspace(-3, 3, len(CLASS_NAMES))
    names = None if class_names is None else tuple(class_names)
    return StoredHead(kernel.astype(np.float32), bias.astype(np.float32), names)


def path_of(row: int) -> Path:
    """The path of a video; that of the last is no UTF-8."""
    name = b"harbour-\xe9.mp4" if row == len(SCENES) * EACH - 1 else None
    folder = Path("/videos")
    if name is None:
        return folder / f"{SCENES[scene_of(row)]}-{row % EACH}.mp4"
    return folder / name.decode("utf-8", "surrogateescape")


def make(path: Path, *, stored: StoredHead | None, weights_name: str = "imagenet") -> list[int]:
    """Make the library; return the numbers of its videos, scene by scene."""
    schema.create(path)
    with Database(path) as database, database.writing() as session:
        recipe = recipes.put_recipe(session, RECIPE, weights_name, now=NOON)
        if stored is not None:
            heads.put_head(session, DIGEST, stored)
        video_ids = []
        for row, vector in enumerate(vectors()):
            info = VideoInfo(61.5, 1920, 1080, "h264")
            video_id = videos.put_video(session, _hash(row), 1000 + row, info, now=NOON)
            embeddings.put_embedding(
                session, recipe, video_id, NewEmbedding(vector, 3, "fp32", "numpy"), now=NOON
            )
            stat = FileStat(path_of(row), 1000 + row, 1_600_000_000_000_000_000, 2049, row + 1)
            files.put_file(session, stat, video_id=video_id, checked_at_ns=1)
            video_ids.append(video_id)
    return video_ids


def cluster_by_scene(
    path: Path, *, names: dict[int, Name] | None = None, normalize: str = "l2"
) -> int:
    """Store a run with a cluster a scene, labels 0 to 3; return its number."""
    all_vectors = vectors().astype(np.float64)
    shift = scale = None
    if normalize == "l2":
        points = all_vectors / np.linalg.norm(all_vectors, axis=1, keepdims=True)
    elif normalize == "standard":
        shift, scale = all_vectors.mean(axis=0), all_vectors.std(axis=0)
        points = (all_vectors - shift) / scale
    else:
        points = all_vectors
    labels = np.array([scene_of(row) for row in range(len(points))])
    centroids = np.stack([points[labels == label].mean(axis=0) for label in range(len(SCENES))])
    distances = np.linalg.norm(points - centroids[labels], axis=1)
    with Database(path) as database, database.writing() as session:
        run = NewClustering(
            recipe_id=1,
            k=len(SCENES),
            seed=42,
            n_init=10,
            normalize=normalize,
            scope=None,
            input_digest=bytes(32),
            inertia=float(np.sum(distances**2)),
            software="scikit-learn 1.9.0",
            video_ids=tuple(range(1, len(points) + 1)),
            labels=labels,
            distances=distances,
            cluster_labels=np.arange(len(SCENES)),
            centroids=centroids.astype(np.float32),
            names=names or {},
            shift=None if shift is None else shift.astype(np.float32),
            scale=None if scale is None else scale.astype(np.float32),
        )
        return clusterings.put_clustering(session, run, now=NOON)


def _hash(row: int) -> bytes:
    """Hashes in another order than that of the videos' numbers, as they are in life."""
    return bytes([(37 * row + 11) % 251]) * 32
