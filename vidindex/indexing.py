"""Bring files and folders up to date: scan, hash, known? stop; else frames, vector, store.

Worker threads hash and decode; this thread embeds and is the only one that touches the database.
Each video is stored in one transaction of its own as soon as its vector is known.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from vidindex.config import Settings
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.embedding import Embedder, EmbedderSource, FrameReader, Recipe, Sampling, VideoInfo
from vidindex.errors import (
    ChangedError,
    MediaError,
    OfflineError,
    Refused,
    UnreadableError,
    VidindexError,
)
from vidindex.examining import (
    Claims,
    Decoded,
    Event,
    Hashed,
    Sampled,
    Undecodable,
    Unread,
    examine,
)
from vidindex.ledger import IndexLedger
from vidindex.merging import merge_in_threads
from vidindex.pooling import MeanPooler, Pooled
from vidindex.reconciling import Reading, Reconciled, reconcile
from vidindex.reporting import Problem, Reporter
from vidindex.scanning import FileStat, Skipped, scan
from vidindex.store import files, recipes
from vidindex.store.embeddings import NewEmbedding

FRAMES_AHEAD = 64  # how many decoded frames may wait for the network: 17 MB
MOST_AUTOMATIC_WORKERS = 4

Kind = TypeVar("Kind", bound=VidindexError)


@dataclass(frozen=True)
class IndexResult:
    """What an index run did: numbers of files, but for frames.

    indexed: got a vector now. unchanged: had one. relinked: their content had one. failed: could
    not be handled now, see problems. failed_before: have a stored failure and were not tried
    again. missing: were there before and are gone. recipe: the number of the one that was used.
    """

    indexed: int
    unchanged: int
    relinked: int
    failed: int
    failed_before: int
    missing: int
    recipe: int
    frames: int
    seconds: float
    problems: tuple[Problem, ...]


def index(
    library: Path,
    paths: Sequence[Path],
    settings: Settings,
    *,
    source: EmbedderSource,
    read_frames: FrameReader,
    reporter: Reporter,
    retry_failed: bool = False,
    confirm_missing: bool = False,
) -> IndexResult:
    """Bring the videos at and below some paths up to date in a library, made if need be.

    Raises:
        Refused: a path does not exist, or there is no video at all; nothing was changed.
        WeightsError, DatabaseUnusable, AnotherAtWork, SystemStopped: see errors.py.
    """
    begun = time.monotonic()
    roots = [path.resolve() for path in paths]
    is_new = not os.path.lexists(library)
    _require_existing(library, roots)
    scanned = list(scan(roots, frozenset(settings.suffixes), excluded=_own_files(library)))
    emptiness = _explain_emptiness(roots, scanned, settings)
    if is_new and emptiness is not None:
        raise emptiness
    # What is wrong with the weights is found out before a library is made or opened.
    source_key = source.key
    embedder = source.load() if is_new else None
    with schema.open_for_writing(library, reporter.notice) as database:
        network = _Network(source, embedder)
        recipe = Recipe(_find_weights_digest(database, source_key, network), settings.to_sampling())
        ledger = IndexLedger(database, recipe, source.name, retry_failed=retry_failed)
        run = _Run(ledger, network, reporter)
        decided = run.decide(roots, scanned, confirm_missing=confirm_missing)
        threads = settings.workers or min(MOST_AUTOMATIC_WORKERS, os.cpu_count() or 1)
        if emptiness is not None:
            reporter.notice(emptiness.message)
        run.read(decided.to_read, read_frames, recipe.sampling, threads)
        run.note_presence(decided)
    return run.result(time.monotonic() - begun)


def _own_files(library: Path) -> frozenset[Path]:
    return frozenset({library, library.with_name(library.name + "-journal")})


def _require_existing(library: Path, roots: Iterable[Path]) -> None:
    """Refuse a path that is neither there nor known: a typing error, not an absent drive."""
    for root in roots:
        try:
            root.lstat()
        except (FileNotFoundError, NotADirectoryError) as error:
            if not _knows_files(library, root):
                raise Refused(f"there is no file or folder {root}", "check the spelling") from error
        except OSError as error:
            raise Refused(
                f"cannot look at {root}: {error.strerror}", "check its name and rights"
            ) from error


def _knows_files(library: Path, root: Path) -> bool:
    if not os.path.lexists(library):
        return False
    with schema.open_for_reading(library) as database, database.reading() as session:
        return bool(files.list_files(session, root))


def _explain_emptiness(
    roots: Sequence[Path], scanned: Sequence[FileStat | Skipped], settings: Settings
) -> Refused | None:
    """Return why there is nothing to index, or None if there is something."""
    if any(isinstance(entry, FileStat) for entry in scanned):
        return None
    for entry in scanned:
        if isinstance(entry, Skipped):
            return Refused(f"{entry.path}: {entry.reason}", "there is no other video to index")
    return Refused(
        f"there is no video in {', '.join(str(root) for root in roots)}",
        f"files count by their suffix ({' '.join(settings.suffixes)}); see the setting suffixes",
    )


def _find_weights_digest(database: Database, source_key: str, network: _Network) -> bytes:
    """Return the digest of the weight values, without loading them where it is known."""
    with database.reading() as session:
        digest = recipes.find_weights_digest(session, source_key)
    if digest is None:
        digest = network.embedder.weights_digest
        with database.writing() as session:
            recipes.put_weights_digest(session, source_key, digest)
    return digest


@dataclass
class _Network:
    """The network, built when it is needed."""

    source: EmbedderSource
    loaded: Embedder | None

    @property
    def embedder(self) -> Embedder:
        if self.loaded is None:
            self.loaded = self.source.load()
        return self.loaded


class _Run:
    """One index run: decides, then answers the workers' events one by one."""

    def __init__(self, ledger: IndexLedger, network: _Network, reporter: Reporter) -> None:
        self._ledger = ledger
        self._network = network
        self._reporter = reporter
        self._claims = Claims()
        self._pooler: MeanPooler | None = None
        self._waiting: dict[bytes, list[Hashed]] = {}
        self._infos: dict[bytes, VideoInfo] = {}
        self._failed_now: dict[bytes, MediaError] = {}
        self._again: list[Reading] = []
        self._tried_again: set[Path] = set()
        self._counts: Counter[str] = Counter()
        self._problems: list[Problem] = []

    def decide(
        self,
        roots: Sequence[Path],
        scanned: Sequence[FileStat | Skipped],
        *,
        confirm_missing: bool,
    ) -> Reconciled:
        """Decide which files must be read, and report what needs no reading.

        Raises:
            Refused: no root holds any video although the library knows some there.
        """
        found = [entry for entry in scanned if isinstance(entry, FileStat)]
        skipped = [entry for entry in scanned if isinstance(entry, Skipped)]
        decided = reconcile(
            roots,
            found,
            skipped,
            known=self._ledger.rows,
            contents=self._ledger.contents,
            confirm_missing=confirm_missing,
        )
        if not found and decided.offline:
            raise _offline(decided.offline[0], Refused)
        for root in decided.offline:
            self._report(root, _offline(root, OfflineError))
        for entry in skipped:
            if entry.hides:
                self._report(entry.path, UnreadableError(entry.reason, "check its rights"))
            else:
                self._reporter.notice(f"skipped {entry.path}: {entry.reason}")
        self._counts["unchanged"] = len(decided.unchanged)
        self._counts["failed_before"] = len(decided.failed_before)
        return decided

    def read(
        self,
        readings: Sequence[Reading],
        read_frames: FrameReader,
        sampling: Sampling,
        threads: int,
    ) -> None:
        """Read files and store what comes of it; what is finished when interrupted is kept."""
        if not readings:
            return
        examine_one = partial(
            examine,
            read_frames=read_frames,
            sampling=sampling,
            claims=self._claims,
            needs_frames=self._ledger.needs_frames,
        )
        self._reporter.start("indexing", len(readings))
        try:
            while readings:
                self._again = []
                events = merge_in_threads(
                    readings, examine_one, threads=threads, depth=FRAMES_AHEAD
                )
                with closing(events):
                    for event in events:
                        self._answer(event)
                if self._pooler is not None:
                    self._store_all(self._pooler.flush())
                readings = [*self._again, *self._take_waiting()]
        finally:
            self._ledger.flush_links()
            self._reporter.finish()

    def _take_waiting(self) -> list[Reading]:
        """Return the files whose content was to come from another file that could not be read."""
        left = [file for places in self._waiting.values() for file in places]
        self._waiting.clear()
        return [Reading(file.stat, file.blake3) for file in left]

    def note_presence(self, decided: Reconciled) -> None:
        """Store which files are gone and which are back."""
        self._counts["missing"] = self._ledger.store_presence(decided.missing, decided.returned)

    def result(self, seconds: float) -> IndexResult:
        """Sum the run up."""
        return IndexResult(
            indexed=self._counts["indexed"],
            unchanged=self._counts["unchanged"],
            relinked=self._counts["relinked"],
            failed=self._counts["failed"],
            failed_before=self._counts["failed_before"],
            missing=self._counts["missing"],
            recipe=self._ledger.recipe_id,
            frames=self._counts["frames"],
            seconds=round(seconds, 3),
            problems=tuple(sorted(self._problems, key=lambda each: os.fsencode(each.path))),
        )

    def _answer(self, event: Event) -> None:
        match event:
            case Hashed():
                self._place(event)
            case Sampled(blake3, pixels):
                self._store_all(self._pool().add(blake3, pixels))
            case Decoded(blake3, info):
                self._infos[blake3] = info
                self._store_all(self._pool().complete(blake3))
            case Undecodable(file, error):
                self._store_failure(file.blake3, error)
            case Unread():
                self._retry_or_report(event)

    def _pool(self) -> MeanPooler:
        if self._pooler is None:
            embedder = self._network.embedder
            self._pooler = MeanPooler(embedder.embed, embedder.batch_size)
        return self._pooler

    def _place(self, file: Hashed) -> None:
        """Link a file to its content if that is settled, else let it wait for that."""
        if self._ledger.needs_frames(file.blake3):
            self._waiting.setdefault(file.blake3, []).append(file)
            return
        content = self._ledger.contents[file.blake3]
        if file.blake3 in self._failed_now:
            self._report(file.stat.path, self._failed_now[file.blake3])
        elif content.failure is not None:
            self._counts["failed_before"] += 1
        elif self._ledger.has_file(file.stat.path, content.video_id):
            self._counts["unchanged"] += 1
        else:
            self._counts["relinked"] += 1
        self._ledger.link(file, content.video_id)
        self._reporter.advance()

    def _store_all(self, done: Iterable[Pooled]) -> None:
        embedder = self._network.embedder
        for pooled in done:
            places = self._waiting.pop(pooled.key)
            self._ledger.store_vector(
                places,
                self._infos.pop(pooled.key),
                NewEmbedding(
                    pooled.vector, pooled.frame_count, embedder.precision, embedder.software
                ),
            )
            self._counts["frames"] += pooled.frame_count
            self._counts["indexed"] += 1
            self._counts["relinked"] += len(places) - 1
            self._reporter.advance(len(places))

    def _store_failure(self, blake3: bytes, error: MediaError) -> None:
        if self._pooler is not None:
            self._pooler.drop(blake3)
        places = self._waiting.pop(blake3)
        self._ledger.store_failure(places, error.message)
        self._failed_now[blake3] = error
        for file in places:
            self._report(file.stat.path, error)
        self._reporter.advance(len(places))

    def _retry_or_report(self, event: Unread) -> None:
        """Try a file that changed once more; others of its content go on waiting."""
        path = event.reading.stat.path
        if event.blake3 is not None:
            self._claims.release(event.blake3)
            if self._pooler is not None:
                self._pooler.drop(event.blake3)
            waiting = self._waiting.pop(event.blake3, [])
            self._waiting[event.blake3] = [file for file in waiting if file.stat.path != path]
        if isinstance(event.error, ChangedError) and path not in self._tried_again:
            self._tried_again.add(path)
            self._again.append(Reading(event.reading.stat, None))
            return
        if isinstance(event.error, UnreadableError):
            self._ledger.store_unreadable(
                event.reading.stat, event.error.message, checked_at_ns=event.checked_at_ns
            )
        self._report(path, event.error)
        self._reporter.advance()

    def _report(self, path: Path, error: VidindexError) -> None:
        problem = Problem.of(path, error)
        self._counts["failed"] += 1
        self._problems.append(problem)
        self._reporter.problem(problem)


def _offline(root: Path, kind: type[Kind]) -> Kind:
    return kind(
        f"the videos that the library knows in {root} are gone; nothing was marked missing",
        "is its disk mounted? If they were taken away on purpose, add --confirm-missing",
    )
