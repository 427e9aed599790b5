"""How the cost grows with the number of files, the length and the resolution of videos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import Bench, Findings, median
from benchmarks.drawing import Look
from benchmarks.running import index_anew, program
from benchmarks.table import Row, seconds

LINEAR_OR_BETTER = 1.1  # the exponent of linear growth, and what noise may add
HEIGHTS_PX = (360, 720, 1080, 2160)


def measure(bench: Bench) -> Findings:
    """Measure each kind of growth."""
    found = Findings()
    for what, unit, points in (
        ("number of files", "files", _by_number(bench)),
        ("length of a video", "min", _by_length(bench)),
    ):
        bench.tell(f"growth with the {what}")
        _measure_growth(bench, found, what, unit, points)
    _measure_growth_with_resolution(bench, found)
    return found


def _measure_growth(
    bench: Bench,
    found: Findings,
    what: str,
    unit: str,
    points: Sequence[tuple[float, Path, Path]],
) -> None:
    """Time each size and its fixed costs, and fit the exponent.

    points: each a size, what is indexed, and what costs the same but for what grows.
    """
    sizes = [size for size, _, _ in points]
    whole_s: list[list[float]] = [[] for _ in points]
    fixed_s: list[float] = []
    for _ in range(bench.repeats):
        for (_, path, fixed), times_s in zip(points, whole_s, strict=True):
            fixed_s.append(index_anew(fixed).seconds)
            times_s.append(index_anew(path).seconds)
    costs_s = [max(median(times_s) - median(fixed_s), 1e-3) for times_s in whole_s]
    found.raw[what] = {"sizes": sizes, "whole_s": whole_s, "fixed_s": fixed_s}
    found.rows.append(
        _row(bench, what, (unit, sizes), costs_s, f"fixed {seconds(median(fixed_s))}")
    )


def _measure_growth_with_resolution(bench: Bench, found: Findings) -> None:
    """Time the decoding, half-second samples of 4 s each: the network sees one size only."""
    bench.tell("growth with the resolution")
    sizes, videos = [], []
    for height_px in HEIGHTS_PX:
        width_px = height_px * 16 // 9
        kbit_per_s = width_px * height_px * 25 // 10_000
        look = Look("h264", width_px, height_px, 4, kbit_per_s=kbit_per_s)
        sizes.append(width_px * height_px / 1e6)
        videos.append(bench.material.video(look, f"{height_px}p.mp4"))
    runs = [program("benchmarks.decoding", *map(str, videos)).answer for _ in range(bench.repeats)]
    costs_s = [median(times_s) for times_s in zip(*runs, strict=True)]
    found.raw["resolution"] = {"sizes": sizes, "runs": runs}
    found.rows.append(_row(bench, "resolution", ("Mpx", sizes), costs_s, "decoding alone"))


def _row(
    bench: Bench,
    what: str,
    measure: tuple[str, Sequence[float]],
    costs_s: Sequence[float],
    against: str,
) -> Row:
    unit, sizes = measure
    exponent = fitted_exponent(sizes, costs_s)
    return Row(
        f"growth with the {what}",
        f"{', '.join(f'{size:.3g}' for size in sizes)} {unit}",
        ", ".join(seconds(cost) for cost in costs_s),
        *(against, f"n^{exponent:.2f}", "linear or better"),
        met=None if bench.is_quick else exponent <= LINEAR_OR_BETTER,
    )


def fitted_exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Fit costs = c * sizes ** exponent by least squares of the logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    together = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return together / sum((a - mean_x) ** 2 for a in x)


def _by_number(bench: Bench) -> list[tuple[float, Path, Path]]:
    """Tiny clips; fixed: one."""
    counts = [
        bench.sized(full, quick) for full, quick in ((75, 5), (150, 10), (300, 20), (600, 40))
    ]
    tiny = bench.tiny_video()
    return [(count, bench.material.tiny_clips(count), tiny) for count in counts]


def _by_length(bench: Bench) -> list[tuple[float, Path, Path]]:
    """360p at 25 frames a second, a keyframe each ten seconds; fixed: one tiny clip."""
    look = Look("h264", 640, 360, 100, scene=1, kbit_per_s=600, keyframe_every=251)
    tiny, points = bench.tiny_video(), []
    for times in (bench.sized(full, quick) for full, quick in ((6, 1), (12, 2), (24, 3), (48, 4))):
        points.append((times * 100 / 60, bench.material.repeated(look, "360p", times), tiny))
    return points
