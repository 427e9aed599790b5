"""The index runs of a watch: what each looks at, and what of its result is worth telling."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vidindex.db import schema
from vidindex.embedding import EmbedderSource, FrameReader
from vidindex.errors import ChangedError, Refused, WeightsError
from vidindex.indexing import IndexResult
from vidindex.library import Library
from vidindex.reporting import Problem, Reporter
from vidindex.scanning import FileStat, scan
from vidindex.store import files


class Rounds:
    """Runs `index` again and again on one library.

    source: asked for its network by each run that needs it; it should build it only once.
    tell: called with the first result, and with each later one that says that anything changed.
    Each round returns the files that changed while they were read: they are for the next one.
    """

    def __init__(
        self,
        library: Library,
        *,
        source: EmbedderSource,
        read_frames: FrameReader | None,
        tell: Callable[[IndexResult], None],
        reporter: Reporter,
        stopping: Callable[[], bool],
    ) -> None:
        self._library = library
        self._source = source
        self._read_frames = read_frames
        self._tell = tell
        self._reporter = reporter
        self._stopping = stopping
        self._is_first = True

    def index_folders(self, folders: Sequence[Path]) -> list[Path]:
        """Bring whole folders up to date.

        One that holds no video is told of, and taken up with the first change in it.

        Raises:
            Refused: in the first round, although there is a video.
            WeightsError, AnotherAtWork and others: as `Library.index`.
        """
        try:
            result = self._index(folders, _Ear(self._reporter, hears_notices=True))
        except WeightsError:
            raise
        except Refused as error:
            if self._is_first and self._holds_video(folders):
                raise
            self._is_first = False
            self._tell_refusal(folders, error)
            return []
        return self._take(result)

    def index_paths(self, present: Sequence[Path], gone: Sequence[Path]) -> list[Path]:
        """Bring files up to date that changed, and paths that were surely taken away.

        Raises:
            WeightsError, AnotherAtWork and others: as `Library.index`.
        """
        paths = [*present, *gone]
        try:
            ear = _Ear(self._reporter, hears_notices=False)
            result = self._index(paths, ear, confirm_missing=True)
        except WeightsError:
            raise
        except Refused as error:
            if not all(os.path.lexists(path) for path in present):
                return paths  # one went away before the run could look at it
            self._tell_refusal(paths, error)
            return []
        return self._take(result)

    def keep_known(self, paths: Iterable[Path]) -> list[Path]:
        """Return those paths at or below which the library takes any file for present."""
        if not os.path.lexists(self._library.path):
            return []
        with schema.open_for_reading(self._library.path) as database, database.reading() as session:
            return [
                path
                for path in paths
                if any(file.missing_since is None for file in files.list_files(session, path))
            ]

    def _index(
        self, paths: Sequence[Path], reporter: Reporter, *, confirm_missing: bool = False
    ) -> IndexResult:
        return self._library.index(
            paths,
            reporter=reporter,
            confirm_missing=confirm_missing,
            stopping=self._stopping,
            source=self._source,
            read_frames=self._read_frames,
        )

    def _take(self, result: IndexResult) -> list[Path]:
        changed = [problem.path for problem in result.problems if _is_change(problem)]
        told = replace(
            result,
            failed=result.failed - len(changed),
            problems=tuple(problem for problem in result.problems if not _is_change(problem)),
        )
        if self._is_first or told.indexed or told.relinked or told.failed or told.missing:
            self._tell(told)
        self._is_first = False
        return changed

    def _tell_refusal(self, paths: Sequence[Path], error: Refused) -> None:
        """Tell why nothing was done: as a failure, but for folders that never held a video."""
        known = self.keep_known(paths)
        if known:
            self._reporter.problem(Problem.of(known[0], error))
        else:
            self._reporter.notice(error.message)

    def _holds_video(self, folders: Iterable[Path]) -> bool:
        own = frozenset({self._library.path})
        found = scan(folders, frozenset(self._library.settings.suffixes), excluded=own)
        return any(isinstance(entry, FileStat) for entry in found)


@dataclass(frozen=True)
class _Ear:
    """Passes on what a run reports, but for files that change: those are not lost, only later.

    hears_notices: a run of single paths notes that it found no video where one was taken away.
    """

    reporter: Reporter
    hears_notices: bool

    def start(self, activity: str, total: int) -> None:
        self.reporter.start(activity, total)

    def advance(self, steps: int = 1) -> None:
        self.reporter.advance(steps)

    def finish(self) -> None:
        self.reporter.finish()

    def notice(self, message: str) -> None:
        if self.hears_notices:
            self.reporter.notice(message)

    def problem(self, problem: Problem) -> None:
        if not _is_change(problem):
            self.reporter.problem(problem)


def _is_change(problem: Problem) -> bool:
    return problem.code == ChangedError.code
