"""How long a query takes, the start of the program included."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.asking import path_of
from benchmarks.bench import Bench, Findings, median
from benchmarks.running import PROJECT, environment, program
from benchmarks.table import at_most

LIMIT_S = 1.0
HELP_LIMIT_S = 0.3
LEAST_REPEATS = 10  # of a full run: one query is short, and a start is seldom the same twice
VIDEO = os.fsdecode(path_of(0))
QUERIES = (
    "labels",
    "labels --json",
    "ls",
    "ls --json",
    "ls --path *event_0003* --sort -duration --limit 20",
    "show VIDEO",
    "runs",
    "status",
    "failures",
    "history",
    "search seashore",
    "explain VIDEO",
    "outliers",
    "representatives",
    "borderline",
    "diff 1 2",
    "wishes",
    "name",
)
STATEMENTS = (
    "SELECT * FROM v_videos",
    "SELECT * FROM v_labels WHERE in_use",
    "SELECT path FROM v_videos ORDER BY path LIMIT 10",
    "SELECT * FROM v_clusters",
)


def measure(bench: Bench) -> Findings:
    """Measure each query."""
    found = Findings()
    for words in (["--help"], ["labels", "--help"]):
        _measure_one(bench, found, words, "-", HELP_LIMIT_S, title=" ".join(words))
    count = bench.sized(10_000, 200)
    size, library = f"{count} videos", _stock(bench, count)
    asked = ["--db", str(library)]
    for query in QUERIES:
        words = [VIDEO if word == "VIDEO" else word for word in query.split()]
        _measure_one(bench, found, [*words, *asked], size, LIMIT_S, title=query)
    for statement in STATEMENTS:
        words = ["sql", statement, "--format", "csv", "--quiet", *asked]
        _measure_one(bench, found, words, size, LIMIT_S, title=f"sql {statement}")
    return found


def _measure_one(
    bench: Bench,
    found: Findings,
    words: Sequence[str],
    size: str,
    limit_s: float,
    *,
    title: str,
) -> None:
    bench.tell(f"{title}, {size}")
    repeats = bench.repeats if bench.is_quick else max(bench.repeats, LEAST_REPEATS)
    times_s = [_time(words) for _ in range(repeats)]
    found.raw[f"{title}, {size}"] = times_s
    found.rows.append(at_most(title, size, median(times_s), limit_s, "s"))


def _time(words: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "vidindex", *words],
        cwd=PROJECT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begun


def _stock(bench: Bench, count: int) -> Path:
    library = bench.work / f"{count} videos to ask.db"
    if not library.exists():
        bench.tell(f"making a library of {count} videos")
        part = library.with_suffix(".part")
        part.unlink(missing_ok=True)
        program("benchmarks.asking", str(part), str(count))
        part.rename(library)
    return library
