"""Libraries of generated vectors: clusters of a known kind, without any video or network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from tests.databases.make import NOON, RECIPE
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.embedding import VECTOR_SIZE, Recipe, VideoInfo
from vidindex.scanning import FileStat
from vidindex.store import embeddings, files, recipes, videos
from vidindex.store.embeddings import NewEmbedding

INFO = VideoInfo(10.0, 640, 480, "h264")
NOISE = 0.15


def centers(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Return (count, 2048) float32 points that lie far apart."""
    return np.random.default_rng(seed).random((count, VECTOR_SIZE), dtype=np.float32)


def around(center: NDArray[np.float32], count: int, seed: int = 0) -> NDArray[np.float32]:
    """Return (count, 2048) float32 points around one."""
    noise = np.random.default_rng(seed).normal(0, NOISE, (count, VECTOR_SIZE))
    return np.maximum(center + noise, 0).astype(np.float32)


def named(kinds: Mapping[str, Iterable[NDArray[np.float32]]]) -> dict[str, NDArray[np.float32]]:
    """Return the vectors of each kind by a file name: its own, a number and .mp4."""
    return {
        f"{kind}{number:03}.mp4": vector
        for kind, vectors in kinds.items()
        for number, vector in enumerate(vectors)
    }


def add_videos(
    library: Path,
    vectors: Mapping[str, NDArray[np.float32]],
    folder: Path = Path("/videos"),
    *,
    recipe: Recipe = RECIPE,
    writes: bool = False,
) -> None:
    """Put a video for each vector into a library, made if need be; its content tells its place.

    writes: also make the files, so that they can be moved.
    """
    if not library.exists():
        schema.create(library)
    with Database(library) as database, database.writing() as session:
        number = recipes.put_recipe(session, recipe, "imagenet", now=NOON)
        for name, vector in vectors.items():
            path = folder / name
            content = os.fsencode(os.path.relpath(path, library.parent))  # the same each time
            stat = FileStat(path, len(content), 1_600_000_000_000_000_000, 2049, 1)
            if writes:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                stat = FileStat.of(path, path.lstat())
            hashed = blake3(content).digest()
            video = videos.put_video(session, hashed, len(content), INFO, now=NOON)
            embedding = NewEmbedding(vector, 3, "fp32", "tensorflow 2.21.0")
            embeddings.put_embedding(session, number, video, embedding, now=NOON)
            files.put_file(session, stat, video_id=video, checked_at_ns=1)


def put_copy(library: Path, path: Path, copy: Path) -> None:
    """Make a copy of a file that a library knows, and let it know that too."""
    shutil.copyfile(path, copy)
    with Database(library) as database, database.writing() as session:
        known = files.find_file(session, path)
        assert known is not None
        assert known.video_id is not None
        stat = FileStat.of(copy, copy.lstat())
        files.put_file(session, stat, video_id=known.video_id, checked_at_ns=1)
