"""The most memory that an index run holds, its decoders' included."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bench import Bench, Findings
from benchmarks.drawing import Look
from benchmarks.running import Memory, index_anew
from benchmarks.table import Row

LIMIT_GB = 1.5


def measure(bench: Bench) -> Findings:
    """Weigh a run over each kind; each with default settings but for the weights."""
    found = Findings()
    for what, path in _kinds(bench).items():
        bench.tell(f"memory, {what}")
        finished = index_anew(path, is_weighed=True)
        found.raw[what] = {**vars(finished.memory), "seconds": finished.seconds}
        found.rows.append(_row(what, finished.memory or Memory()))
    return found


def _row(what: str, memory: Memory) -> Row:
    together_gb = memory.together / 1e9
    return Row(
        *("memory, decoders included", what, f"{together_gb:.2f} GB"),
        f"without them {memory.alone / 1e9:.2f}, RSS added up {memory.added_up / 1e9:.2f} GB",
        demand=f"<= {LIMIT_GB} GB",
        met=together_gb <= LIMIT_GB,
    )


def _kinds(bench: Bench) -> dict[str, Path]:
    clips, tiny = bench.sized(300, 20), bench.sized(2000, 40)
    eighth = bench.sized(1, 8)
    width_px, height_px = 7680 // eighth, 4320 // eighth
    hours = bench.sized(10, 1)
    huge = {
        codec: Look(codec, width_px, height_px, 3, fps="10", kbit_per_s=40_000 // eighth)
        for codec in ("h264", "hevc")
    }
    slow = Look("h264", 320, 240, 600, fps="2", kbit_per_s=100)
    return {
        "one tiny clip (the network itself)": bench.tiny_video(),
        f"{clips} short clips": bench.material.short_clips(clips),
        f"{tiny} tiny clips": bench.material.tiny_clips(tiny),
        **{
            f"{width_px}x{height_px} {codec}": bench.material.video(look, f"{width_px}_{codec}.mp4")
            for codec, look in huge.items()
        },
        f"{hours} h": bench.material.repeated(slow, "slow", 6 * hours),
    }
