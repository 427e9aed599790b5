"""How quickly versions of videos are found among many, and how much memory that takes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.bench import Bench, Findings
from benchmarks.running import Finished, new_library, program, vidindex
from benchmarks.table import Row, seconds

COUNTS = (10_000, 50_000)
LIMIT_S = 30.0
VERSIONS = 20  # a video in so many is a version of another
HEADER = "width_px = 640, height_px = 360, codec = 'h264'"
ANY_DURATION_S = "round(20 + 0.37 * ((id * 7919) % 10007), 2)"
OF_ANY_LENGTH = f"UPDATE videos SET {HEADER}, duration_s = {ANY_DURATION_S}"  # noqa: S608
OF_ONE_LENGTH = f"UPDATE videos SET {HEADER}, duration_s = 60.0"  # noqa: S608
LIKE_THE_FIRST = (
    "UPDATE embeddings SET vector = (SELECT vector FROM embeddings AS first "
    "WHERE first.video_id = embeddings.video_id - :after) WHERE video_id > :after",
    "UPDATE videos SET duration_s = (SELECT duration_s FROM videos AS first "
    "WHERE first.id = videos.id - :after) WHERE id > :after",
)


def measure(bench: Bench) -> Findings:
    """Measure with durations of all kinds, and in the worst case: where all are equal."""
    found = Findings()
    for count in (bench.sized(full, 400) for full in COUNTS):
        with new_library() as library:
            bench.tell(f"{count} vectors: making them")
            program("benchmarks.generated", "fill", str(library), str(count))
            for name, set_durations in (
                ("any length", OF_ANY_LENGTH),
                ("one length", OF_ONE_LENGTH),
            ):
                expected = _make_versions(library, count, set_durations)
                bench.tell(f"{count} vectors of {name}: looking for versions")
                finished = vidindex(library, "duplicates", is_weighed=True)
                found.rows.append(_row(finished, f"{count} videos of {name}", expected))
                found.raw[f"{count} {name}"] = {
                    "seconds": finished.seconds,
                    "cpu_s": finished.cpu_s,
                    "groups": len(finished.answer["groups"]),
                }
    return found


def _make_versions(library: Path, count: int, set_durations: str) -> int:
    """Give each video a duration, and the last ones the vectors and durations of the first."""
    versions = count // VERSIONS
    with closing(sqlite3.connect(library)) as database, database:
        database.execute(set_durations)
        for statement in LIKE_THE_FIRST:
            database.execute(statement, {"after": count - versions})
    return versions


def _row(finished: Finished, size: str, expected: int) -> Row:
    """Hold the time against the demand. All versions must be found, or it means nothing."""
    groups = len(finished.answer["groups"])
    if groups < expected:
        raise RuntimeError(f"{groups} of {expected} versions were found")
    memory = 0 if finished.memory is None else finished.memory.alone
    return Row(
        *("duplicates", f"{size}, {memory / 1e6:.0f} MB", seconds(finished.seconds)),
        demand=f"<= {seconds(LIMIT_S)}",
        met=finished.seconds <= LIMIT_S,
    )
