"""Short clips against the published recipe, and once running against the network alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import Bench, Findings, median, precisions
from benchmarks.running import index_anew, new_library, program
from benchmarks.table import share_of_ceiling, times_as_quick

DEMAND = {"fp32": 7, "bf16": 10}
CEILING_DEMAND = 0.75
# More clips than are decoded ahead while the network is loaded, or at the end; and of the run
# that part in which there is always something to decode and the network always has work.
RUNNING_TIMES = 4
RUNNING_BETWEEN = (0.25, 0.75)


def measure(bench: Bench) -> Findings:
    """Interleave the recipe and vidindex over the same clips."""
    folder = bench.material.short_clips(bench.sized(300, 20))
    clips = sorted(folder.iterdir())
    size = f"{len(clips)} clips of 5-10 s"
    chunk = bench.sized(10, 3)
    sample = random.Random(0).sample(clips, len(clips)) * bench.repeats
    found = Findings(
        raw={"clips": len(clips), "reference": [], "reference_start_s": [], "ceiling": {}}
    )
    many = bench.material.more_short_clips(len(clips), RUNNING_TIMES)
    for precision in precisions():
        found.raw[precision] = {"whole_s": [], "cpu_s": [], "running_per_s": []}
    _note_ceilings(bench, found)
    for number in range(bench.repeats):
        bench.tell(f"short clips, {number + 1} of {bench.repeats}")
        chosen = sample[number * chunk : (number + 1) * chunk]
        recipe = program("benchmarks.reference", *map(str, chosen)).answer
        found.raw["reference"] += recipe["videos"]
        found.raw["reference_start_s"].append(recipe["start_s"])
        for precision in precisions():
            times = found.raw[precision]
            whole = index_anew(folder, "--precision", precision)
            times["whole_s"].append(whole.seconds)
            times["cpu_s"].append(whole.cpu_s)
            times["running_per_s"].append(_rate_once_running(many, precision))
    _note_ceilings(bench, found)
    _add_rows(found, size)
    return found


def _note_ceilings(bench: Bench, found: Findings) -> None:
    bench.tell("the network alone")
    for precision in precisions():
        rates = program("benchmarks.ceilings", "network", precision).answer
        found.raw["ceiling"].setdefault(precision, []).append(rates)


def _rate_once_running(folder: Path, precision: str) -> float:
    with new_library() as library:
        answer = program("benchmarks.watching", str(library), str(folder), precision).answer
    return slope([(moment_s, done) for moment_s, done in answer["steps"]])


def slope(steps: Sequence[tuple[float, int]]) -> float:
    """Fit a line through the steps, (seconds, number done) each; returns videos per second."""
    first, last = (share * steps[-1][1] for share in RUNNING_BETWEEN)
    later = [step for step in steps if first <= step[1] <= last]
    mean_s = sum(moment_s for moment_s, _ in later) / len(later)
    mean_done = sum(done for _, done in later) / len(later)
    together = sum((moment_s - mean_s) * (done - mean_done) for moment_s, done in later)
    return together / sum((moment_s - mean_s) ** 2 for moment_s, _ in later)


def _add_rows(found: Findings, size: str) -> None:
    recipe_s = (
        sum(video["seconds"] for video in found.raw["reference"]) / len(found.raw["reference"])
        + median(found.raw["reference_start_s"]) / found.raw["clips"]
    )
    for precision in precisions():
        whole_s = median(found.raw[precision]["whole_s"]) / found.raw["clips"]
        what = f"short clips, {precision}, per clip, start of both counted"
        found.rows.append(
            times_as_quick(
                *(what, size, whole_s), other_s=recipe_s, other="recipe", demand=DEMAND[precision]
            )
        )
    for precision in precisions():
        running = median(found.raw[precision]["running_per_s"])
        ceiling = max(max(rates.values()) for rates in found.raw["ceiling"][precision])
        what = f"short clips, {precision}, once running"
        found.rows.append(
            share_of_ceiling(
                *(what, size, running), ceiling=ceiling, unit="frames/s", demand=CEILING_DEMAND
            )
        )
