"""Keep a library up to date: an index run at first, and one after each change.

The library is held only while a run lasts, so that other commands can work in between.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vidindex.debouncing import Debouncer
from vidindex.embedding import EmbedderSource, FrameReader
from vidindex.errors import AnotherAtWork, OfflineError, Refused
from vidindex.indexing import IndexResult
from vidindex.library import Library
from vidindex.network_source import find_network
from vidindex.observing import FolderObserver
from vidindex.paths import StrPath, resolve
from vidindex.reporting import Problem, Reporter, Silence
from vidindex.rounds import Rounds
from vidindex.scanning import PART_PREFIX

TICK_S = 0.2
BUSY_RETRY_S = 1.0


@dataclass(frozen=True)
class Pace:
    """How soon a change is taken up.

    settle_s: when nothing has happened to a file for so long.
    patience_s: at the latest, while other files go on changing.
    poll_s: look through the folders so often; None: the system tells of changes.
    """

    settle_s: float = 2.0
    patience_s: float = 30.0
    poll_s: float | None = None


def watch(
    library: Library,
    folders: Iterable[StrPath],
    *,
    tell: Callable[[IndexResult], None],
    stopping: Callable[[], bool],
    reporter: Reporter | None = None,
    pace: Pace | None = None,
    source: EmbedderSource | None = None,
    read_frames: FrameReader | None = None,
) -> None:
    """Bring folders up to date, and keep them so until told to stop.

    tell: called with the first run's result, and with that of each later one that changed
        anything. stopping: asked again and again, also by a run; true ends it and the watch.
    source, read_frames: another network or decoder than vidindex's own, whose network is built
        when the first video needs it, and stays.

    Raises:
        Refused: a folder is neither there nor known, or the first run is refused.
        VidindexError: what an index run may raise, but for a library that another vidindex
            holds: that is waited for.
    """
    reporter = reporter or Silence()
    rounds = Rounds(
        library,
        source=source or find_network(library.settings),
        read_frames=read_frames,
        tell=tell,
        reporter=reporter,
        stopping=stopping,
    )
    roots = sorted({resolve(folder) for folder in folders})
    _require_folders(roots, rounds)
    watcher = _Watcher(library, roots, rounds, reporter, pace or Pace())
    try:
        while not stopping():
            watcher.look()
            time.sleep(TICK_S)
    finally:
        watcher.close()


def _require_folders(roots: Iterable[Path], rounds: Rounds) -> None:
    for root in roots:
        if root.exists() and not root.is_dir():
            raise Refused(f"{root} is no folder", "name the folder that it lies in")
        if not root.exists() and not rounds.keep_known([root]):
            raise Refused(f"there is no folder {root}", "check the spelling")


class _Watcher:
    """The folders, and what happened in them that was not taken up yet."""

    def __init__(
        self,
        library: Library,
        roots: Sequence[Path],
        rounds: Rounds,
        reporter: Reporter,
        pace: Pace,
    ) -> None:
        self._own = library.path
        self._suffixes = frozenset(library.settings.suffixes)
        self._follows_links = library.settings.symlinks == "follow"
        self._rounds = rounds
        self._reporter = reporter
        self._debouncer = Debouncer(pace.settle_s, pace.patience_s)
        self._lock = threading.Lock()  # of the debouncer: changes are noted by other threads
        self._observers = [
            FolderObserver(root, self._hear, poll_s=pace.poll_s, notice=reporter.notice)
            for root in roots
        ]
        self._stale: set[Path] = set()  # roots to be looked through as a whole
        self._absent: set[Path] = set()
        self._is_put_off = False
        self._not_before_s = 0.0

    def close(self) -> None:
        for observer in self._observers:
            observer.close()

    def look(self) -> None:
        """Take up what is due."""
        for observer in self._observers:
            self._look_after(observer)
        now_s = time.monotonic()
        if now_s < self._not_before_s:
            return
        due: list[Path] = []
        try:
            if self._stale:
                left = self._rounds.index_folders(sorted(self._stale))
                self._stale.clear()
            else:
                due = self._take_due(now_s)
                left = self._index_changed(due)
            self._is_put_off = False
        except AnotherAtWork as error:
            left = due
            self._put_off(error)
        self._note(left)

    def _look_after(self, observer: FolderObserver) -> None:
        folder = observer.folder
        if observer.renew():
            self._reporter.notice(f"watching {folder}")
            self._stale.add(folder)
            self._forget(folder)
        if observer.is_present:
            self._absent.discard(folder)
            return
        self._stale.discard(folder)
        self._forget(folder)  # its files are not there, but not taken away from it
        if folder not in self._absent:
            self._absent.add(folder)
            self._reporter.problem(
                Problem.of(
                    folder,
                    OfflineError(
                        f"{folder} is not there; none of its videos is marked missing",
                        "it is taken up again when it is back",
                    ),
                )
            )

    def _index_changed(self, due: Sequence[Path]) -> list[Path]:
        """Bring up to date what something happened to; return what is left for the next time."""
        present = [path for path in due if self._is_file_or_folder(path)]
        gone = _without_nested(path for path in due if not os.path.lexists(path))
        gone = self._rounds.keep_known(gone) if gone else []
        if not gone or not self._is_doubtful():
            return self._rounds.index_paths(present, gone) if present or gone else []
        self._stale.update(
            observer.folder
            for observer in self._observers
            if any(path.is_relative_to(observer.folder) for path in due)
        )
        return []

    def _is_file_or_folder(self, path: Path) -> bool:
        """Whether a path is what a walk through its folder would take up: no pipe, say."""
        try:
            mode = path.stat(follow_symlinks=self._follows_links).st_mode
        except OSError:
            return False
        return stat.S_ISREG(mode) or stat.S_ISDIR(mode)

    def _is_doubtful(self) -> bool:
        """Whether what is gone may be a disk that was unmounted: to a mere look it is the same."""
        return any(observer.poll_s is not None for observer in self._observers)

    def _put_off(self, error: AnotherAtWork) -> None:
        self._not_before_s = time.monotonic() + BUSY_RETRY_S
        if not self._is_put_off:
            self._is_put_off = True
            self._reporter.notice(f"{error.message}; the changes are taken up after that")

    def _hear(self, path: Path, is_folder: bool) -> None:
        is_video = path.suffix.lower() in self._suffixes and not path.name.startswith(PART_PREFIX)
        if (is_folder or is_video) and path != self._own:
            self._note([path])

    def _note(self, paths: Iterable[Path]) -> None:
        with self._lock:
            for path in paths:
                self._debouncer.note(path, time.monotonic())

    def _forget(self, folder: Path) -> None:
        with self._lock:
            self._debouncer.forget(folder)

    def _take_due(self, now_s: float) -> list[Path]:
        with self._lock:
            return self._debouncer.take_due(now_s)


def _without_nested(paths: Iterable[Path]) -> list[Path]:
    """Leave out the paths below others, sorted."""
    every = set(paths)
    return sorted(path for path in every if every.isdisjoint(path.parents))
