"""Libraries of generated vectors, and programs that cluster them and say how long each step took.

``python -m benchmarks.generated fill LIBRARY COUNT`` makes a library without any file.
``python -m benchmarks.generated cluster LIBRARY K`` clusters twice: with a projection to be made,
and with it stored. ``python -m benchmarks.generated range LIBRARY FIRST LAST`` tries a range.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray
from sqlalchemy import insert
from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.db.models import Embedding, File, Video
from vidindex.embedding import VECTOR_SIZE, Recipe, Sampling
from vidindex.store import recipes

ROWS_AT_ONCE = 10_000
AXES = 60
KINDS = 40


def mixture(count: int, seed: int = 0, start: int = 0) -> NDArray[np.float32]:
    """Draw (count, 2048) float32 vectors: clusters of unequal sizes that overlap.

    seed: of the clusters; start: of the vectors, so that more of the same can be drawn.
    """
    kinds = np.random.default_rng(seed)
    shares = kinds.dirichlet(np.full(KINDS, 0.7))
    axes = np.abs(kinds.normal(size=(AXES, VECTOR_SIZE))).astype(np.float32) / np.sqrt(AXES)
    means = kinds.gamma(0.6, 1, (KINDS, AXES)).astype(np.float32)
    chance = np.random.default_rng([seed, start])
    inner = means[chance.choice(KINDS, count, p=shares)]
    inner = inner + chance.gamma(0.5, 0.7, inner.shape).astype(np.float32)
    noise = np.abs(chance.standard_normal((count, VECTOR_SIZE), np.float32))
    vectors: NDArray[np.float32] = inner @ axes + np.float32(0.1) * noise
    return vectors


def fill(library: Path, count: int) -> None:
    """Make a library of so many videos, whose files need not exist."""
    schema.create(library)
    now = datetime.now(UTC)
    with Database(library) as database:
        with database.writing() as session:
            recipe = recipes.put_recipe(session, Recipe(bytes(32), Sampling()), "none", now=now)
        for start in range(0, count, ROWS_AT_ONCE):
            numbers = range(start + 1, min(start + ROWS_AT_ONCE, count) + 1)
            with database.writing() as session:
                _add(session, recipe, numbers, mixture(len(numbers), start=start), now)


def _add(
    session: Session, recipe: int, numbers: range, vectors: NDArray[np.float32], now: datetime
) -> None:
    videos = [
        {"id": number, "blake3": blake3(b"%d" % number).digest(), "size_bytes": 1, "added_at": now}
        for number in numbers
    ]
    stat = {"size_bytes": 1, "mtime_ns": 1, "device": 1, "checked_at_ns": 1}
    files = [
        stat | {"path": Path(f"/videos/{number}.mp4"), "video_id": number, "inode": number}
        for number in numbers
    ]
    how = {"recipe_id": recipe, "frame_count": 1, "precision": "fp32", "software": "none"}
    embeddings = [
        how | {"video_id": number, "vector": vector, "created_at": now}
        for number, vector in zip(numbers, vectors, strict=True)
    ]
    session.execute(insert(Video), videos)
    session.execute(insert(File), files)
    session.execute(insert(Embedding), embeddings)


def cluster(library: str, k: int) -> dict[str, Any]:
    """Cluster twice; return the seconds of each, and of their steps."""
    begun = time.perf_counter()
    from vidindex import Library, algorithms, clustering

    import_s = time.perf_counter() - begun
    steps: list[dict[str, float]] = []
    _time(steps, clustering, "gather", "load")
    _time(steps, clustering.Projector, "__call__", "project")
    _time(steps, algorithms, "group", "group")
    _time(steps, clustering.clusterings, "put_clustering", "store")
    whole_s, inertia = [], 0.0
    for _ in range(2):
        steps.append({})
        begun = time.perf_counter()
        inertia = Library(library).cluster(k).inertia
        whole_s.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "import_s": import_s,
        "whole_s": whole_s,
        "steps": steps,
        "inertia": inertia,
        "peak_bytes": peak,
    }


def _time(steps: list[dict[str, float]], owner: Any, name: str, step: str) -> None:
    """Note the seconds of a function. The time to project is part of that to group."""
    inner: Callable[..., Any] = getattr(owner, name)

    def timed(*arguments: Any, **keywords: Any) -> Any:
        begun = time.perf_counter()
        try:
            return inner(*arguments, **keywords)
        finally:
            steps[-1][step] = steps[-1].get(step, 0.0) + time.perf_counter() - begun

    setattr(owner, name, timed)


def try_range(library: str, first: int, last: int) -> dict[str, Any]:
    """Try a range of K; return the seconds and what is recommended."""
    from vidindex import Library, clustering  # noqa: F401 - what is imported is not timed

    begun = time.perf_counter()
    result = Library(library).cluster_range(range(first, last + 1))
    return {"seconds": time.perf_counter() - begun, "k": result.recommended.k}


def main() -> None:
    """Do what the command line says, and print JSON."""
    what, library, *numbers = sys.argv[1:]
    if what == "fill":
        fill(Path(library), int(numbers[0]))
        answer: dict[str, Any] = {}
    elif what == "cluster":
        answer = cluster(library, int(numbers[0]))
    else:
        answer = try_range(library, *map(int, numbers))
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
