"""Bring files and folders up to date: scan, decide, read what must be read, note what is gone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from vidindex.classifying import check_class_index, keep_classifier
from vidindex.config import Settings
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.embedding import EmbedderSource, FrameReader, Recipe
from vidindex.errors import OfflineError, Refused, UnreadableError, UsageError, VidindexError
from vidindex.examining import Decoding
from vidindex.ledger import IndexLedger
from vidindex.paths import PathSet
from vidindex.picturing import Places, add_thumbnails
from vidindex.pipeline import Pipeline, Workshop
from vidindex.placing import PlaceResult, place_new
from vidindex.reconciling import Reconciled, reconcile
from vidindex.reporting import Problem, Reporter
from vidindex.scanning import Entry, FileStat, Followed, Skipped, scan
from vidindex.store import files, recipes
from vidindex.tally import Tally

MOST_AUTOMATIC_WORKERS = 4

Kind = TypeVar("Kind", bound=VidindexError)


@dataclass(frozen=True)
class IndexRequest:
    """What is to be brought up to date, and how.

    retry_failed: try videos again that could not be decoded before. confirm_missing: a folder
    without any video left is no absent disk. verify: hash every file, also unchanged ones.
    add_thumbnails: make those of unchanged videos that have none, too.
    """

    paths: tuple[Path, ...]
    retry_failed: bool = False
    confirm_missing: bool = False
    verify: bool = False
    add_thumbnails: bool = False


@dataclass(frozen=True)
class IndexTools:
    """What an index run works with.

    stopping: asked again and again; true ends the run, and what is finished is kept.
    end_decoding: called when a run ends early, to make read_frames give up.
    """

    source: EmbedderSource
    read_frames: FrameReader
    reporter: Reporter
    stopping: Callable[[], bool] = lambda: False
    end_decoding: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class IndexResult:
    """What an index run did: numbers of files, but for frames.

    indexed: got a vector now. unchanged: had one. relinked: their content had one. failed: could
    not be handled now, see problems. failed_before: have a stored failure and were not tried
    again. incomplete: of those indexed, how many only in part. missing: were there before and are
    gone. placed: videos that got a place in the run in use; unsorted: those that fit none of its
    clusters. pictured: had a vector and no thumbnails, and got some. recipe: the number of the one
    that was used. was_stopped: before all was done.
    """

    indexed: int
    unchanged: int
    relinked: int
    failed: int
    failed_before: int
    incomplete: int
    missing: int
    placed: int
    unsorted: int
    pictured: int
    recipe: int
    frames: int
    seconds: float
    was_stopped: bool
    problems: tuple[Problem, ...]


def index(
    library: Path, request: IndexRequest, settings: Settings, tools: IndexTools
) -> IndexResult:
    """Bring the videos at and below some paths up to date in a library, made if need be.

    Raises:
        UsageError: thumbnails are to be added, and none are to be made.
        Refused: a path does not exist, or there is no video at all; nothing was changed.
        WeightsError, DatabaseUnusable, AnotherAtWork, SystemStopped: see errors.py.
    """
    begun = time.monotonic()
    if request.add_thumbnails and not settings.thumbnails:
        raise UsageError(
            "there are no thumbnails to add: the setting thumbnails is 0", "add --thumbnails 9"
        )
    roots = [path.resolve() for path in request.paths]
    _require_existing(library, roots)
    is_new = not os.path.lexists(library)
    if is_new:
        emptiness = _explain_emptiness(roots, _scan(library, list(roots), settings), settings)
        if emptiness is not None:
            raise emptiness
    # What is wrong with the weights is found out before a library is made or opened.
    source_key = tools.source.key
    check_class_index(settings.class_index)
    digest = tools.source.prepare() if is_new else None
    with schema.open_for_writing(library, tools.reporter.notice, wait=settings.wait) as database:
        # Only now: whoever held the library until now may have moved files.
        scanned = _scan(library, roots, settings)
        digest = digest or _find_weights_digest(database, source_key) or tools.source.prepare()
        _remember_weights_digest(database, source_key, digest)
        keep_classifier(
            database,
            digest,
            tools.source.load_classifier,
            settings.class_index,
            tools.reporter.notice,
        )
        recipe = Recipe(digest, settings.to_sampling())
        ledger = IndexLedger(database, recipe, tools.source.name, retry_failed=request.retry_failed)
        run = _Run(ledger, settings, tools)
        run.bring_up_to_date(roots, scanned, request)
        emptiness = _explain_emptiness(roots, scanned, settings)
        if emptiness is not None:
            tools.reporter.notice(emptiness.message)
        with ledger.telling_what_is_kept():
            placed = place_new(database, ledger.recipe_id) if ledger.saved_vectors else None
    return run.result(time.monotonic() - begun, placed)


def _scan(library: Path, roots: list[Path], settings: Settings) -> list[FileStat | Skipped]:
    """List what lies below the roots. Where a followed link leads becomes a root, too."""
    own_files = frozenset({library, library.with_name(library.name + "-journal")})
    scanned: list[FileStat | Skipped] = []
    entries: Iterable[Entry] = scan(
        roots,
        frozenset(settings.suffixes),
        excluded=own_files,
        follows_links=settings.symlinks == "follow",
    )
    for entry in entries:
        if isinstance(entry, Followed):
            roots.append(entry.target)
        else:
            scanned.append(entry)
    return scanned


def _require_existing(library: Path, roots: Iterable[Path]) -> None:
    """Refuse a path that is neither there nor known: a typing error, not an absent drive."""
    absent = []
    for root in roots:
        try:
            root.lstat()
        except (FileNotFoundError, NotADirectoryError):
            absent.append(root)
        except OSError as error:
            raise Refused(
                f"cannot look at {root}: {error.strerror}", "check its name and rights"
            ) from error
    unknown = _find_unknown(library, absent)
    if unknown is not None:
        raise Refused(f"there is no file or folder {unknown}", "check the spelling")


def _find_unknown(library: Path, roots: Sequence[Path]) -> Path | None:
    """Return one of the roots below which the library knows no file."""
    if not (roots and os.path.lexists(library)):
        return next(iter(roots), None)
    with schema.open_for_reading(library) as database, database.reading() as session:
        return next((root for root in roots if not files.list_files(session, root)), None)


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


def _find_weights_digest(database: Database, source_key: str) -> bytes | None:
    """Return the digest of the weight values, if they were loaded before."""
    with database.reading() as session:
        return recipes.find_weights_digest(session, source_key)


def _remember_weights_digest(database: Database, source_key: str, digest: bytes) -> None:
    if _find_weights_digest(database, source_key) is None:
        with database.writing() as session:
            recipes.put_weights_digest(session, source_key, digest)


class _Run:
    """One index run over an open library."""

    def __init__(self, ledger: IndexLedger, settings: Settings, tools: IndexTools) -> None:
        self._ledger = ledger
        self._settings = settings
        self._tools = tools
        self._tally = Tally(tools.reporter)
        self._was_stopped = False

    def bring_up_to_date(
        self,
        roots: Sequence[Path],
        scanned: Sequence[FileStat | Skipped],
        request: IndexRequest,
    ) -> None:
        """Read what must be read, then note which files are gone and which are back.

        Raises:
            Refused: no root holds any video although the library knows some there.
            SystemStopped: the library cannot be written any more.
        """
        decided = self._decide(roots, scanned, request)
        with self._ledger.telling_what_is_kept():
            if decided.to_read and not self._tools.stopping():
                self._read(decided)
            self._was_stopped = self._tools.stopping()
            if not self._was_stopped:  # else one that is gone may be among those not read yet
                self._tally.counts["missing"] = self._ledger.store_presence(
                    decided.missing, decided.returned
                )
            if request.add_thumbnails and not self._was_stopped:
                where = Places(PathSet(roots), PathSet(decided.offline))
                add_thumbnails(self._ledger.database, where, self._workshop(), self._tally)
                self._was_stopped = self._tools.stopping()

    def result(self, seconds: float, placed: PlaceResult | None) -> IndexResult:
        """Sum the run up."""
        counts = self._tally.counts
        return IndexResult(
            indexed=counts["indexed"],
            unchanged=counts["unchanged"],
            relinked=counts["relinked"],
            failed=counts["failed"],
            failed_before=counts["failed_before"],
            incomplete=counts["incomplete"],
            missing=counts["missing"],
            placed=0 if placed is None else placed.placed,
            unsorted=0 if placed is None else placed.unsorted,
            pictured=counts["pictured"],
            recipe=self._ledger.recipe_id,
            frames=counts["frames"],
            seconds=round(seconds, 3),
            was_stopped=self._was_stopped,
            problems=self._tally.problems,
        )

    def _decide(
        self,
        roots: Sequence[Path],
        scanned: Sequence[FileStat | Skipped],
        request: IndexRequest,
    ) -> Reconciled:
        """Decide which files must be read, and report what needs no reading."""
        found = [entry for entry in scanned if isinstance(entry, FileStat)]
        skipped = [entry for entry in scanned if isinstance(entry, Skipped)]
        decided = reconcile(
            roots,
            found,
            skipped,
            known=self._ledger.rows,
            contents=self._ledger.contents,
            confirm_missing=request.confirm_missing,
            verify=request.verify,
        )
        if decided.offline and len(decided.foreign) == len(found):
            raise _offline(decided, decided.offline[0], Refused)
        for root in decided.offline:
            self._tally.fail(root, _offline(decided, root, OfflineError))
        for entry in skipped:
            if entry.hides:
                self._tally.fail(entry.path, UnreadableError(entry.reason, "check its rights"))
            else:
                self._tools.reporter.notice(f"skipped {entry.path}: {entry.reason}")
        self._tally.counts["unchanged"] = len(decided.unchanged)
        self._tally.counts["failed_before"] = len(decided.failed_before)
        return decided

    def _read(self, decided: Reconciled) -> None:
        self._tools.reporter.start("indexing", len(decided.to_read))
        try:
            Pipeline(self._ledger, self._workshop(), self._tally).run(decided.to_read)
        finally:
            self._tools.reporter.finish()

    def _workshop(self) -> Workshop:
        return Workshop(
            source=self._tools.source,
            decoding=Decoding(self._tools.read_frames, self._settings.to_sampling()),
            threads=self._settings.workers or min(MOST_AUTOMATIC_WORKERS, os.cpu_count() or 1),
            stopping=self._tools.stopping,
            end_decoding=self._tools.end_decoding,
        )


def _offline(decided: Reconciled, root: Path, kind: type[Kind]) -> Kind:
    gone = sum(row.stat.path.is_relative_to(root) for row in decided.unconfirmed)
    return kind(
        f"{gone} of {gone} files that the library knows in {root} are gone; "
        "nothing was marked missing",
        "is the right disk mounted? If they were taken away on purpose, add --confirm-missing",
    )
