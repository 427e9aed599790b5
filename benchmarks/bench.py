"""What the parts of the benchmark share."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.drawing import Look
from benchmarks.machine import has_bf16
from benchmarks.material import Material
from benchmarks.table import Row


@dataclass(frozen=True)
class Bench:
    """How to measure.

    work: a folder for what is made. is_quick: small sizes, to see that all runs. repeats: of each
    measurement; the median counts. tell: called with a line on what is being done.
    labelled: folders of clips that belong together.
    """

    work: Path
    material: Material
    is_quick: bool
    repeats: int
    tell: Callable[[str], None]
    labelled: tuple[Path, ...] = ()

    def sized(self, full: int, quick: int) -> int:
        """Choose a size."""
        return quick if self.is_quick else full

    def tiny_video(self) -> Path:
        """Return a video that costs next to nothing: what is left is the start."""
        return self.material.video(Look("h264", 160, 120, 2, kbit_per_s=100), "tiny.mp4")


@dataclass
class Findings:
    """What a part found out: rows for the table, and all raw figures for the file."""

    rows: list[Row] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)


def median(values: Sequence[float]) -> float:
    """Return the middle of repeated measurements."""
    return statistics.median(values)


def precisions() -> tuple[str, ...]:
    """Return the number formats that the processor computes in."""
    return ("fp32", "bf16") if has_bf16() else ("fp32",)


def side_by_side() -> int:
    """Return how many videos vidindex reads at the same time by default, at most."""
    return min(4, os.cpu_count() or 1)
