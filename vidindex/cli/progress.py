"""Progress and messages on stderr: a bar on a terminal, plain lines elsewhere, little if quiet."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from functools import partial
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

from vidindex.cli.escaping import printable
from vidindex.reporting import Problem, Reporter
from vidindex.stderr import when_heard

if TYPE_CHECKING:
    from rich.progress import Progress

LINE_EVERY_S = 5.0


def reporter_for(*, quiet: bool) -> Reporter:
    """Return the reporter that suits where stderr leads to."""
    if quiet:
        return QuietReporter()
    return BarReporter() if sys.stderr.isatty() else LineReporter()


def say(line: str) -> None:
    """Print a line on stderr; what cannot be told any more must not end a run."""

    def tell() -> None:
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)  # noqa: T201

    when_heard(tell)


def problem_line(problem: Problem) -> str:
    """Return a problem in one line: which file, what, and what to do next."""
    names_it = str(problem.path) in problem.message
    what = problem.message if names_it else f"{problem.path}: {problem.message}"
    return printable(f"{what} ({problem.hint})" if problem.hint else what)


class QuietReporter:
    """Tells of failures only."""

    def start(self, activity: str, total: int) -> None:
        """Say nothing."""

    def advance(self, steps: int = 1) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Say nothing."""

    def notice(self, message: str) -> None:
        """Say nothing."""

    def problem(self, problem: Problem) -> None:
        """Print it."""
        say(f"failed: {problem_line(problem)}")


class LineReporter(QuietReporter):
    """Prints how far an activity is, now and then."""

    def __init__(self) -> None:
        self._activity = ""
        self._total = 0
        self._done = 0
        self._begun = self._told = 0.0

    def start(self, activity: str, total: int) -> None:
        """Begin counting."""
        self._activity, self._total, self._done = activity, total, 0
        self._begun = self._told = time.monotonic()
        say(f"{activity}: {total} to do")

    def advance(self, steps: int = 1) -> None:
        """Count, and print a line every few seconds."""
        self._done += steps
        now = time.monotonic()
        if now - self._told >= LINE_EVERY_S:
            self._told = now
            rate = self._done / (now - self._begun)
            left_s = (self._total - self._done) / rate
            say(f"{self._activity}: {self._done}/{self._total}, {rate:.1f}/s, {left_s:.0f} s left")

    def notice(self, message: str) -> None:
        """Print it."""
        say(printable(message))


class UnfailingStream:
    """A stream that loses what it cannot write: a window that was closed must not end a run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write if it can be written."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush if that can be done."""
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        """Be the stream in everything else."""
        return getattr(self._stream, name)


class BarReporter(QuietReporter):
    """Draws a bar with count, rate and time left."""

    def __init__(self) -> None:
        self._progress: Progress | None = None

    def start(self, activity: str, total: int) -> None:
        """Draw the bar."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=Console(file=cast("IO[str]", UnfailingStream(sys.stderr))),
            transient=True,
        )
        self._progress.start()
        self._task = self._progress.add_task(activity, total=total, rate="")

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        if self._progress is not None:
            self._progress.advance(self._task, steps)
            speed = self._progress.tasks[0].speed
            self._progress.update(self._task, rate=f"{speed:.1f}/s" if speed else "")

    def finish(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def notice(self, message: str) -> None:
        """Print it above the bar."""
        self._print(printable(message))

    def problem(self, problem: Problem) -> None:
        """Print it above the bar."""
        self._print(f"failed: {problem_line(problem)}")

    def _print(self, line: str) -> None:
        when_heard(partial(self._tell, line))

    def _tell(self, line: str) -> None:
        if self._progress is None:
            say(line)
        else:
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
