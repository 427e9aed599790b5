"""A run over a library in which nothing changed."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.bench import Bench, Findings, median
from benchmarks.observing import opened_by_system
from benchmarks.running import program, vidindex
from benchmarks.stocking import write_files
from benchmarks.table import Row, at_most

LIMITS_S = {10_000: 1.5, 100_000: 8.0}
QUICK = {200: 1.5}


def measure(bench: Bench) -> Findings:
    """Measure each size."""
    found = Findings()
    for count, limit_s in (QUICK if bench.is_quick else LIMITS_S).items():
        _measure_size(bench, found, count, limit_s)
    return found


def _measure_size(bench: Bench, found: Findings, count: int, limit_s: float) -> None:
    stock = _stock(bench, count)
    library, folder = stock / "library.db", stock / "videos"
    size = f"{count} files"
    bench.tell(f"nothing changed, {size}")
    words = ("index", str(folder), "--weights", "untrained")
    times_s = []
    for _ in range(max(bench.repeats, 1)):
        finished = vidindex(library, *words)
        if finished.answer["unchanged"] != count:
            raise RuntimeError(f"not all is unchanged: {finished.answer}")
        times_s.append(finished.seconds)
    command = (*words, "--db", str(library), "--quiet")
    seen = program("benchmarks.observing", str(folder), *command).answer
    traced = opened_by_system(folder, stock / "strace.log", "vidindex", *command)
    found.raw[size] = {"whole_s": times_s, **seen, "opened_by_system": traced}
    found.rows.append(at_most("nothing changed", size, median(times_s), limit_s, "s"))
    found.rows.append(_idleness(size, seen["loaded"], seen["opened"], traced))


def _stock(bench: Bench, count: int) -> Path:
    """Return a folder with that many files and a library that knows them."""
    stock = bench.work / f"{count} files"
    if not (stock / "library.db").exists():
        bench.tell(f"filling a library with {count} files")
        part = bench.work / f"{count} files.part"
        shutil.rmtree(part, ignore_errors=True)
        write_files(stock / "videos", count)
        part.mkdir()
        program("benchmarks.stocking", str(part / "library.db"), str(stock / "videos"))
        shutil.move(part / "library.db", stock / "library.db")
        shutil.rmtree(part)
    return stock


def _idleness(size: str, loaded: list[str], opened: int, traced: int | None) -> Row:
    by_strace = "" if traced is None else f", {traced} by strace"
    return Row(
        "nothing changed, libraries loaded and videos opened",
        *(size, f"{' '.join(loaded) or 'none'}; {opened}{by_strace}"),
        demand="none; 0",
        met=not loaded and not opened and not traced,
    )
