"""Runs vidindex and the benchmark's own programs as processes, and measures them."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
SAMPLE_EVERY_S = 0.03


@dataclass(frozen=True)
class Memory:
    """The most memory that a process held, in bytes.

    alone: without its children (RSS). together: with them, what they share among themselves
    counted once. added_up: with them, what they share counted for each.
    """

    alone: int = 0
    together: int = 0
    added_up: int = 0


@dataclass(frozen=True)
class Finished:
    """A process that ended well.

    seconds: from its start to its end. cpu_s: what it and its children took of the processors.
    memory: None if not asked for.
    """

    answer: Any
    seconds: float
    cpu_s: float
    memory: Memory | None = None


def vidindex(library: Path, *arguments: str | Path, is_weighed: bool = False) -> Finished:
    """Run the vidindex command; its answer is the data of its JSON."""
    words = ["vidindex", *map(str, arguments), "--db", str(library), "--json", "--quiet"]
    finished = program(*words, is_weighed=is_weighed)
    return replace(finished, answer=finished.answer["data"])


def index_anew(folder: Path, *flags: str, is_weighed: bool = False) -> Finished:
    """Run ``vidindex index`` on a folder or file with a new library, untrained.

    Raises:
        RuntimeError: not all was indexed, so that the time means nothing.
    """
    with new_library() as library:
        words: list[str | Path] = ["index", folder, "--weights", "untrained", *flags]
        finished = vidindex(library, *words, is_weighed=is_weighed)
    if finished.answer["failed"] or not finished.answer["indexed"]:
        raise RuntimeError(f"not all of {folder.name} was indexed: {finished.answer}")
    return finished


@contextlib.contextmanager
def new_library() -> Iterator[Path]:
    """Give the path of a library that does not exist yet, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="vidindex-bench-") as folder:
        yield Path(folder) / "library.db"


def program(module: str, *arguments: str, is_weighed: bool = False) -> Finished:
    """Run a module as a program; its answer is the JSON that it prints."""
    begun, cpu_s = time.perf_counter(), _cpu_of_children_s()
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        scale = _Scale(process.pid) if is_weighed else None
        stdout, stderr = process.communicate()
        seconds = time.perf_counter() - begun
    cpu_s = _cpu_of_children_s() - cpu_s
    if process.returncode != 0:
        raise RuntimeError(f"{module} {arguments}: {stderr.decode()}{stdout.decode()}")
    answer = json.loads(stdout)
    if scale is None:
        return Finished(answer, seconds, cpu_s)
    return Finished(answer, seconds, cpu_s, scale.stop())


def _cpu_of_children_s() -> float:
    """Return the processor time of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def environment() -> dict[str, str]:
    """Return an environment without settings of vidindex's user."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("VIDINDEX_")}
    return kept | {"VIDINDEX_CONFIG": os.devnull, "TF_CPP_MIN_LOG_LEVEL": "3"}


class _Scale:
    """Weighs a process and its children again and again."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = Memory()
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._weigh)
        self._thread.start()

    def stop(self) -> Memory:
        self._is_done.set()
        self._thread.join()
        return self._most

    def _weigh(self) -> None:
        while not self._is_done.wait(SAMPLE_EVERY_S):
            (resident, _), *children = [_weigh(pid) for pid in _family(self._pid)]
            own = sum(own for _, own in children)
            shared = max((all_ - own for all_, own in children), default=0)
            self._most = Memory(
                max(self._most.alone, resident),
                max(self._most.together, resident + own + shared),
                max(self._most.added_up, resident + sum(all_ for all_, _ in children)),
            )


def _family(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for member in found:
        for path in Path(f"/proc/{member}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # it has just ended
                found.extend(map(int, path.read_text().split()))
    return found


def _weigh(pid: int) -> tuple[int, int]:
    """Return the RSS of a process, and the part of it that no other has; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return 0, 0
    sizes = {line.split()[0]: int(line.split()[1]) * 1024 for line in lines}
    return sizes["Rss:"], sizes["Private_Clean:"] + sizes["Private_Dirty:"]
