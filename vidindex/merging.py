"""Take what another library knows into this one: nothing is computed twice, nothing is lost."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.orm import Session

from vidindex import checking
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.errors import DatabaseUnusable, Refused
from vidindex.path_maps import PathMap
from vidindex.recovering import recover
from vidindex.reporting import Problem, Reporter
from vidindex.store import clusterings, merging, merging_files, merging_runs, wishes
from vidindex.store.merging_files import TheirFile
from vidindex.store.merging_runs import TheirRun


@dataclass(frozen=True)
class MergeResult:
    """What was taken, or would be: is_done tells which.

    known: vectors that were here, bit-equal. files: whose paths were not known here; files_later:
    those that the other library had looked at later, and of which it has the last word.
    apart, distinct: pairs of videos. pins_left: that were not taken, as they name clusters of a
    run that is not in use here. runs: their number there and here; None where it has none yet.
    runs_known: how many runs were here. problems: vectors that are other ones there and here.
    """

    other: Path
    recipes: int
    videos: int
    vectors: int
    known: int
    failures: int
    thumbnails: int
    heads: int
    apart: int
    distinct: int
    pins: int
    pins_left: int
    files: int
    files_later: int
    runs: tuple[tuple[int, int | None], ...]
    runs_known: int
    problems: tuple[Problem, ...]
    is_done: bool = False


@dataclass(frozen=True)
class _Plan:
    """What is to be taken. runs: with their folders here. known_runs: their numbers here."""

    result: MergeResult
    files: Sequence[TheirFile]
    runs: Sequence[tuple[TheirRun, bytes | None]]
    known_runs: Mapping[int, int]
    is_first_use: bool


def merge(
    library: Path,
    other: Path,
    places: PathMap,
    reporter: Reporter,
    *,
    dry_run: bool = False,
    wait: bool = False,
) -> MergeResult:
    """Take the rows of another library that this one lacks, all or none; it is made if it is new.

    Contents are the same by their hash, recipes by their fingerprint. What both have stays as it
    is here; of a path that both know, what was seen later counts. The other library is only read.
    places: where its folders are here. dry_run: only say what would be taken. wait: until another
    vidindex has finished.

    Raises:
        Refused: there is no other library, it is this one, of an older revision, or has no file
            in a folder of places.
        DatabaseUnusable: the other library is damaged; nothing was changed.
    """
    _check_other(library, other)
    if dry_run:
        with (
            _opened_for_looking(library) as database,
            database.attached(other),
            database.reading() as session,
        ):
            return _plan(session, other, places).result
    with schema.open_for_writing(library, reporter.notice, wait=wait) as database:
        unsettled = recover(database, reporter)  # it knows where files are that were being moved
        with database.attached(other), database.writing() as session:
            plan = _plan(session, other, places)
            runs = _take(session, plan, reporter)
    for problem in plan.result.problems:
        reporter.problem(problem)
    problems = (*unsettled, *plan.result.problems)
    return replace(plan.result, runs=runs, problems=problems, is_done=True)


def _check_other(library: Path, other: Path) -> None:
    if not os.path.lexists(other):
        raise Refused(f"there is no library at {other}", "check its name")
    try:
        revision = schema.recognise(other)
        if library.exists() and library.samefile(other):
            raise Refused(f"{other} is this library itself", "name another one")
        if revision != schema.HEAD:
            raise Refused(
                f"the library {other} was made by an older vidindex (revision {revision})",
                f"nothing was changed; bring it up to date: vidindex db upgrade --db {other}",
            )
        schema.check(other)
        checking.check_vectors(other)
    except DatabaseUnusable as error:
        raise DatabaseUnusable(
            error.message, "nothing was changed; name a sound library, or a backup of it"
        ) from error


@contextmanager
def _opened_for_looking(library: Path) -> Iterator[Database]:
    """Open the library, or an empty one in its place if there is none yet."""
    if os.path.lexists(library):
        with schema.open_for_reading(library) as database:
            yield database
        return
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder).resolve() / "empty.db"
        schema.create(empty)
        with Database(empty) as database:
            yield database


def _plan(session: Session, other: Path, places: PathMap) -> _Plan:
    files, later, theirs = _choose_files(session, places)
    runs = [
        (run, None if run.scope is None else places.apply(run.scope))
        for run in merging_runs.list_their_runs(session)
    ]
    places.require_used([file.path for file in theirs])
    equal = {run.id: merging_runs.find_equal_run(session, run.id, scope) for run, scope in runs}
    known = {run: number for run, number in equal.items() if number is not None}
    # Labels that are pinned are those of the run in use.
    is_first_use = clusterings.run_in_use(clusterings.list_runs(session)) is None
    pins = merging.count_lacking(session, merging.PINS)
    takes_pins = is_first_use and not wishes.list_pins(session)
    different = merging.list_different(session)
    vectors = merging.count_lacking(session, merging.VECTORS)
    result = MergeResult(
        other=other,
        recipes=merging.count_lacking(session, merging.RECIPES),
        videos=merging.count_lacking(session, merging.VIDEOS),
        vectors=vectors,
        known=merging.count_vectors(session) - vectors - len(different),
        failures=merging.count_lacking(session, merging.FAILURES),
        thumbnails=merging.count_lacking(session, merging.THUMBNAILS),
        heads=merging.count_lacking(session, merging.HEADS),
        apart=merging.count_lacking(session, merging.SEPARATIONS),
        distinct=merging.count_lacking(session, merging.DISTINCTIONS),
        pins=pins if takes_pins else 0,
        pins_left=0 if takes_pins else pins,
        files=len(files) - later,
        files_later=later,
        runs=tuple((run.id, None) for run, _ in runs if run.id not in known),
        runs_known=len(known),
        problems=tuple(_different(blake3, path) for blake3, path in different),
    )
    return _Plan(result, files, runs, known, is_first_use)


def _choose_files(
    session: Session, places: PathMap
) -> tuple[list[TheirFile], int, list[TheirFile]]:
    """Return the files to take, under their paths here; how many of these are known; and all."""
    theirs = merging_files.list_their_files(session)
    checked = merging_files.list_checks(session)
    chosen: dict[bytes, TheirFile] = {}
    for file in theirs:
        path = places.apply(file.path)
        latest = chosen[path].checked_at_ns if path in chosen else checked.get(path)
        if latest is None or latest < file.checked_at_ns:
            chosen[path] = replace(file, path=path)
    return list(chosen.values()), len(chosen.keys() & checked.keys()), theirs


def _take(session: Session, plan: _Plan, reporter: Reporter) -> tuple[tuple[int, int | None], ...]:
    """Store what is planned; return the numbers of the new runs."""
    reporter.start("merging", plan.result.vectors)
    merging.take_rows(session, takes_pins=plan.result.pins > 0, advance=reporter.advance)
    merging_files.take_files(session, plan.files)
    numbers = dict(plan.known_runs)
    for run, scope in plan.runs:
        if run.id not in numbers:
            numbers[run.id] = merging_runs.take_run(
                session,
                run,
                scope=scope,
                previous=merging_runs.renumbered(run.previous_id, numbers),
                keeps_use=plan.is_first_use,
            )
    reporter.finish()
    return tuple((run, numbers[run]) for run, _ in plan.result.runs)


def _different(blake3: bytes, path: bytes | None) -> Problem:
    return Problem(
        Path(os.fsdecode(path or blake3.hex().encode())),
        "different",
        f"both libraries have a vector of {blake3.hex()} by one recipe, and not the same; "
        "the one here stays",
        "one of them may be computed in bf16, or on another kind of processor",
    )
