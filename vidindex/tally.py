"""What an index run has done so far: counts, and what went wrong."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from vidindex.errors import VidindexError
from vidindex.reporting import Problem, Reporter


class Tally:
    """Counts what a run does and tells it to a reporter as it happens.

    counts: by the names of IndexResult.
    """

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self.counts: Counter[str] = Counter()
        self._problems: list[Problem] = []

    def count(self, name: str, files: int = 1) -> None:
        """Count files that are done with."""
        self.counts[name] += files
        self.reporter.advance(files)

    def fail(self, path: Path, error: VidindexError) -> None:
        """Count a file, or a folder, that could not be handled, and tell why."""
        problem = Problem.of(path, error)
        self.counts["failed"] += 1
        self._problems.append(problem)
        self.reporter.problem(problem)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that was told, sorted by path."""
        return tuple(sorted(self._problems, key=lambda each: os.fsencode(each.path)))
