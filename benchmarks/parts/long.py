"""Long videos whose keyframes do not lie where samples are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.bench import Bench, Findings, median, side_by_side
from benchmarks.drawing import Look
from benchmarks.running import index_anew, program
from benchmarks.table import Row, seconds, times_as_quick

DEMAND = {"exact": 15, "keyframe": 60}
CODECS = ("h264", "hevc")


def measure(bench: Bench) -> Findings:
    """Measure each codec."""
    found = Findings()
    for codec in CODECS:
        found.raw[codec] = _measure_codec(bench, codec)
    for codec in CODECS:
        _add_rows(found, codec, "90 s, 360p" if bench.is_quick else "10 min, 1080p")
    return found


def _measure_codec(bench: Bench, codec: str) -> dict[str, Any]:
    """Take the times of one video, of as many as are read at once, and of four times as many."""
    video = _video(bench, codec)
    few, many = side_by_side(), 4 * side_by_side()
    folders = {count: bench.material.copies(video, count) for count in (few, many)}
    bench.tell(f"long videos, {codec}")
    raw: dict[str, Any] = {mode: {"one_s": [], "few_s": [], "many_s": []} for mode in DEMAND}
    raw["count"] = {"few": few, "many": many}
    raw["reference"] = program("benchmarks.reference", str(video)).answer["videos"][0]
    raw["keyframe_s"] = program("benchmarks.ceilings", "keyframe", str(video)).answer["seconds"]
    (raw["own_frames"],) = program("benchmarks.own_frames", str(video)).answer
    raw["hash_s"] = program("benchmarks.ceilings", "hashing", str(video.parent)).answer["seconds"]
    for _ in range(bench.repeats):
        for mode in DEMAND:
            flags = ("--sampling", mode)
            raw[mode]["one_s"].append(index_anew(video, *flags).seconds)
            raw[mode]["few_s"].append(index_anew(folders[few], *flags).seconds)
            raw[mode]["many_s"].append(index_anew(folders[many], *flags).seconds)
    for folder in folders.values():
        bench.material.forget(folder)
    return raw


def _video(bench: Bench, codec: str) -> Path:
    if not bench.is_quick:
        return bench.material.long_video(codec)
    look = Look(codec, 640, 360, 30.03, scene=1, fps="30000/1001")
    return bench.material.repeated(look, f"360p_{codec}", 3)


def _add_rows(found: Findings, codec: str, length: str) -> None:
    raw = found.raw[codec]
    size = f"{length} {codec}"
    recipe_s = raw["reference"]["seconds"]
    count = raw["count"]["many"] - raw["count"]["few"]
    for mode, demand in DEMAND.items():
        each_s = (median(raw[mode]["many_s"]) - median(raw[mode]["few_s"])) / count
        raw[mode]["each_s"] = each_s
        what = f"long videos, {mode}, each further one"
        found.rows.append(
            times_as_quick(what, size, each_s, other_s=recipe_s, other="recipe", demand=demand)
        )
        one_s = median(raw[mode]["one_s"])
        what = f"long videos, {mode}, only one, start counted"
        found.rows.append(
            times_as_quick(what, size, one_s, other_s=recipe_s, other="recipe", demand=None)
        )
    frames = raw["reference"]["frames"]
    per_frame_s = raw["keyframe"]["each_s"] / len(frames)
    what = "long videos, keyframe, per frame"
    found.rows.append(
        times_as_quick(
            *(what, size, per_frame_s),
            other_s=raw["keyframe_s"],
            other="one keyframe decode, one thread,",
            demand=None,
        )
    )
    found.rows.append(_equality_row(size, frames, raw["own_frames"]))
    found.rows.append(Row("long videos, the hash alone", size, seconds(raw["hash_s"])))


def _equality_row(size: str, theirs: list[str], ours: list[str]) -> Row:
    equal = sum(own == other for own, other in zip(ours, theirs, strict=False))
    return Row(
        "long videos, exact, frames bit-equal to the recipe's",
        *(size, f"{equal} of {len(ours)}", f"recipe {len(theirs)}"),
        demand="all",
        met=ours == theirs,
    )
