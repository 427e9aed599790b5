"""Make the thumbnails of videos that were indexed without: decoded again, without the network."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from vidindex.crew import Crew
from vidindex.db.engine import Database
from vidindex.examining import Decoded, Event, Hashed, Undecodable, Unread, decode
from vidindex.ledger import WAIT_S, put_thumbnails
from vidindex.paths import PathSet
from vidindex.pipeline import EVENTS_AHEAD, POLL_S, Workshop
from vidindex.store import files, thumbnails
from vidindex.tally import Tally

VIDEOS_PER_COMMIT = 16


@dataclass(frozen=True)
class Places:
    """Where videos may get thumbnails: at and below roots, but those whose disk is absent."""

    roots: PathSet
    absent: PathSet


def add_thumbnails(database: Database, places: Places, workshop: Workshop, tally: Tally) -> None:
    """Make the thumbnails of videos at some places that have a vector and no thumbnail.

    Counts them as "pictured". Ends early when it is to stop; what is finished is kept.
    """
    bare = _find_bare(database, places)
    if not bare or workshop.stopping():
        return
    run = _Run(database, {file.blake3: video_id for video_id, file in bare.items()}, tally)
    crew: Crew[Event] = Crew(workshop.threads, EVENTS_AHEAD)
    tally.reporter.start("making thumbnails", len(bare))
    try:
        for file in bare.values():
            crew.add(partial(decode, file, workshop.decoding))
        while not (workshop.stopping() or crew.is_idle):
            run.answer(crew.take(POLL_S))
        run.save()
    finally:
        tally.reporter.finish()
        if not crew.is_idle:
            workshop.end_decoding()
        crew.close()


def _find_bare(database: Database, places: Places) -> dict[int, Hashed]:
    """Return a readable file of each video that has no thumbnail, by the video's number."""
    with database.reading() as session:
        without = set(thumbnails.list_without(session))
        known = files.list_files(session) if without else []
    found: dict[int, Hashed] = {}
    for row in known:
        path, is_there = row.stat.path, row.missing_since is None and row.read_error is None
        if not is_there or not places.roots.covers(path) or places.absent.covers(path):
            continue
        if row.blake3 is not None and row.video_id is not None and row.video_id in without:
            found.setdefault(row.video_id, Hashed(row.stat, row.blake3, row.checked_at_ns))
    return found


class _Run:
    """What has been decoded, kept until it is saved. video_ids: by the hash of their content."""

    def __init__(self, database: Database, video_ids: Mapping[bytes, int], tally: Tally) -> None:
        self._database = database
        self._video_ids = video_ids
        self._tally = tally
        self._done: list[Decoded] = []
        self._saved_s = time.monotonic()

    def answer(self, event: Event | None) -> None:
        """Take what a decoder tells; its frames are of no use."""
        match event:
            case Decoded():
                self._done.append(event)
                is_overdue = time.monotonic() - self._saved_s > WAIT_S
                if is_overdue or len(self._done) == VIDEOS_PER_COMMIT:
                    self.save()
            case Undecodable(file, error):
                self._tally.fail(file.stat.path, error)
                self._tally.reporter.advance()
            case Unread(stat, _, _, error):
                self._tally.fail(stat.path, error)
                self._tally.reporter.advance()

    def save(self) -> None:
        """Store what waits, in one transaction."""
        done, self._done = self._done, []
        self._saved_s = time.monotonic()
        if not done:
            return
        with self._database.writing() as session:
            for decoded in done:
                put_thumbnails(session, self._video_ids[decoded.blake3], decoded)
        self._tally.counts["pictured"] += sum(bool(decoded.thumbnails) for decoded in done)
        self._tally.reporter.advance(len(done))
