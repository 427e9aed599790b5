"""How a use case tells what it is doing. The library never prints: whoever calls it listens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vidindex.errors import VidindexError


@dataclass(frozen=True)
class Problem:
    """One file that could not be handled: an error that did not end the run."""

    path: Path
    code: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, path: Path, error: VidindexError) -> Problem:
        """Take over what an error says."""
        return cls(path, error.code, error.message, error.hint)


class Reporter(Protocol):
    """Listens to a use case. Called from one thread."""

    def start(self, activity: str, total: int) -> None:
        """Begin an activity of so many steps."""

    def advance(self, steps: int = 1) -> None:
        """Count steps as done."""

    def finish(self) -> None:
        """End the activity that was started last."""

    def notice(self, message: str) -> None:
        """Tell something that is no failure."""

    def problem(self, problem: Problem) -> None:
        """Tell that one file could not be handled, as soon as it is known."""


class Silence:
    """A reporter for callers who only want the result."""

    def start(self, activity: str, total: int) -> None:
        """Ignore it."""

    def advance(self, steps: int = 1) -> None:
        """Ignore it."""

    def finish(self) -> None:
        """Ignore it."""

    def notice(self, message: str) -> None:
        """Ignore it."""

    def problem(self, problem: Problem) -> None:
        """Ignore it; it is in the result too."""
