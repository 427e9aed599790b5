"""A watch in a thread of its own, and what it tells."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from queue import Empty, Queue

import pytest

from tests.conftest import Recorder
from vidindex.db import schema
from vidindex.store import files
from vidindex.watching import Pace, watch

SETTLE_S = 0.4
PACE = Pace(settle_s=SETTLE_S, patience_s=1.5)
POLLING = Pace(settle_s=SETTLE_S, patience_s=1.5, poll_s=0.2)
QUIET_S = 2.0  # in which a change would surely have been taken up
SOON_S = 30.0


class Watching:
    """A watch in a thread of its own, and what it tells."""

    def __init__(self, library, folders, source, pace):
        self.results = Queue()
        self.recorder = Recorder()
        self.error = None
        self._stop = threading.Event()
        self._work = (library, folders, source, pace)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def next(self):
        """Wait for the next result that is told."""
        return self.results.get(timeout=SOON_S)

    def stays_quiet(self):
        try:
            return self.results.get(timeout=QUIET_S) is None
        except Empty:
            return True

    def end(self):
        self._stop.set()
        self._thread.join(SOON_S)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error

    def _run(self):
        library, folders, source, pace = self._work
        try:
            watch(
                library,
                folders,
                tell=self.results.put,
                stopping=self._stop.is_set,
                reporter=self.recorder,
                pace=pace,
                source=source,
            )
        except BaseException as error:  # for the test to meet, in its own thread
            self.error = error


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def watching(library, folder, source):
    """A function that watches folders, in/ by default, as long as its block lasts."""

    @contextmanager
    def begin(*folders, pace=PACE, library=library):
        begun = Watching(library, folders or [folder], source, pace)
        try:
            yield begun
        finally:
            begun.end()

    return begin


def known_files(library):
    """Return the paths of the library: present ones and missing ones."""
    with schema.open_for_reading(library.path) as database, database.reading() as session:
        known = files.list_files(session)
    present = {file.stat.path for file in known if file.missing_since is None}
    return present, {file.stat.path for file in known} - present
