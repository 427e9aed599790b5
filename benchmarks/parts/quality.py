"""That speed costs nothing: the frames are the recipe's, and bf16's vectors are those of fp32."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.bench import Bench, Findings, precisions
from benchmarks.running import new_library, program, vidindex
from benchmarks.table import Row
from vidindex import Library


def measure(bench: Bench) -> Findings:
    """Compare frames with the reference, and vectors of both precisions."""
    clips = sorted(bench.material.short_clips(bench.sized(300, 20)).iterdir())
    sample = clips[: bench.sized(60, 4)]
    names = [str(clip) for clip in sample]
    found = Findings()
    bench.tell("equality of frames")
    theirs = [video["frames"] for video in program("benchmarks.reference", *names).answer["videos"]]
    ours = program("benchmarks.own_frames", *names).answer
    equal = sum(own == other for own, other in zip(ours, theirs, strict=True))
    found.raw["equal_clips"] = {"equal": equal, "of": len(sample)}
    found.rows.append(
        Row(
            "quality, clips whose frames are bit-equal to the recipe's",
            *(f"{len(sample)} clips", f"{equal}"),
            demand="all",
            met=equal == len(sample),
        )
    )
    if "bf16" in precisions():
        _compare_precisions(found, clips[0].parent, len(clips))
    return found


def _compare_precisions(found: Findings, folder: Path, count: int) -> None:
    vectors = []
    for precision in ("fp32", "bf16"):
        with new_library() as library:
            vidindex(library, "index", folder, "--weights", "untrained", "--precision", precision)
            rows = Library(library).vectors().vectors.astype(np.float64)
        vectors.append(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    least = float((vectors[0] * vectors[1]).sum(axis=1).min())
    found.raw["least_cosine_of_bf16"] = least
    found.rows.append(
        Row("quality, least cosine of bf16 to fp32", f"{count} clips", f"{least:.6f}")
    )
