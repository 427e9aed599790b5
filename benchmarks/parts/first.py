"""How long one waits for the first vector, against TensorFlow and the network alone."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.bench import Bench, Findings, median
from benchmarks.running import PROJECT, environment, new_library, program
from benchmarks.table import Row, seconds

LOOK_EVERY_S = 0.02
GIVE_UP_S = 120.0


def measure(bench: Bench) -> Findings:
    """Interleave both."""
    folder = bench.material.short_clips(bench.sized(300, 20))
    found = Findings(raw={"first_s": [], "alone": []})
    bench.tell("the first vector")
    for _ in range(bench.repeats):
        found.raw["alone"].append(program("benchmarks.ceilings", "start", "fp32").answer)
        found.raw["first_s"].append(_until_first_vector(folder))
    first_s = median(found.raw["first_s"])
    size = f"{len(list(folder.iterdir()))} clips"
    for key, what in (("built_s", "network built"), ("first_batch_s", "its first batch")):
        alone_s = median([alone[key] for alone in found.raw["alone"]])
        found.rows.append(
            Row(
                f"first vector stored, against {what}",
                *(size, seconds(first_s), f"alone {seconds(alone_s)}"),
                ratio=f"{first_s / alone_s:.2f}",
            )
        )
    return found


def _until_first_vector(folder: Path) -> float:
    """Start vidindex, and wait until another process can read a vector in its library."""
    with new_library() as library:
        words = ("index", str(folder), "--db", str(library), "--weights", "untrained", "--quiet")
        begun = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "vidindex", *words],
            cwd=PROJECT,
            env=environment(),
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                while not _has_vector(library):
                    if process.poll() is not None or time.perf_counter() - begun > GIVE_UP_S:
                        raise RuntimeError("no vector came")
                    time.sleep(LOOK_EVERY_S)
                return time.perf_counter() - begun
            finally:
                process.terminate()


def _has_vector(library: Path) -> bool:
    """Look with SQLite alone: the library may be in the making, or locked."""
    with contextlib.suppress(sqlite3.OperationalError):
        connection = sqlite3.connect(f"file:{library}?mode=ro", uri=True, timeout=0)
        with contextlib.closing(connection):
            row = connection.execute("SELECT EXISTS (SELECT 1 FROM embeddings)").fetchone()
            return bool(row[0])
    return False
