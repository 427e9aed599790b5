"""Put back what a batch has done: files, copies, links and folders. An undo can be undone."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.errors import ChangedError, ItemError, Refused
from vidindex.grounds import require_room
from vidindex.hashing import hash_file, stat_file
from vidindex.links import read_link
from vidindex.manifests import ManifestContent, read_manifest
from vidindex.moving import (
    Control,
    MoveResult,
    agreed,
    carry_out,
    foretell,
    nothing_moved,
    opened_batch,
)
from vidindex.planning import Plan
from vidindex.recovering import recover
from vidindex.reporting import Problem, Reporter
from vidindex.scanning import FileStat
from vidindex.store import files, moves
from vidindex.store.moves import Action, JournalledMove, PlannedMove, StoredBatch
from vidindex.tidying import remake_pruned, remove_made_folders


def undo(
    library: Path,
    control: Control,
    *,
    batch: int | None = None,
    manifest: Path | None = None,
    dry_run: bool = False,
    wait: bool = False,
) -> MoveResult:
    """Put the files of a batch back where they were, and remove the folders that it made.

    batch: by default the newest that sorted files and is not undone. Undoing an undo is a redo.
    manifest: of a batch that the library's journal does not hold, because the library was lost.
    wait: until another vidindex has finished.

    Raises:
        Refused: there is nothing to undo; nothing was changed.
        SystemStopped: as in `apply`.
    """
    if dry_run and manifest is not None:
        return _foretell_manifest(read_manifest(manifest), control)
    if dry_run:
        with schema.open_for_reading(library) as database, database.reading() as session:
            undone, plan = _make_plan(session, batch, control.reporter)
            return foretell(plan, undone.mode, undone.destination, control)
    if manifest is None:
        schema.require(library)
    with schema.open_for_writing(library, control.reporter.notice, wait=wait) as database:
        unsettled = recover(database, control.reporter)
        if manifest is not None:
            batch = _adopt(database, read_manifest(manifest))
            unsettled += recover(database, control.reporter)
        with database.reading() as session:
            undone, plan = _make_plan(session, batch, control.reporter)
        require_room(plan.moves)
        plan = agreed(plan, unsettled, control)
        if not plan.moves:
            return nothing_moved(plan, undone.mode)
        with database.writing() as session:
            own = _open_undo(session, undone)
            moves.put_moves(session, own, plan.moves)
        with opened_batch(database, own) as journal:
            unmade = remake_pruned(database, journal, undone.id, control.reporter)
            result = carry_out(database, journal, plan, control, "skip")
            kept = remove_made_folders(database, journal, undone.id)
        problems = (*unmade, *kept)
        for problem in problems:
            control.reporter.problem(problem)
        return replace(result, problems=(*result.problems, *problems))


def _foretell_manifest(content: ManifestContent, control: Control) -> MoveResult:
    """Tell what undoing a manifest would do, from what lies at the targets, without any library."""
    batch = StoredBatch(
        0,
        "apply",
        "finished",
        content.destination,
        run=None,
        undoes_batch=None,
        started_at=datetime.now(UTC),
        finished_at=None,
        counts={},
        mode=content.mode,
    )
    made = [
        JournalledMove(
            number, move.stat.path, move.target, move.stat, move.blake3, "done", None, move.action
        )
        for number, move in enumerate(content.moves)
        if move.action in ("remove", "unlink") or os.path.lexists(move.target)
    ]
    plan = plan_undo(made[::-1], batch, lambda _: None)
    return foretell(plan, content.mode, content.destination, control)


def _make_plan(
    session: Session, number: int | None, reporter: Reporter
) -> tuple[StoredBatch, Plan]:
    """Plan to undo a batch: of this number, or the newest of which anything can be put back.

    Raises:
        Refused: there is none to undo.
    """
    find_place = partial(files.find_place, session)
    passed_over: list[tuple[StoredBatch, Plan]] = []
    for batch in _list_undoable(session, number):
        plan = plan_undo(moves.list_undoable(session, batch.id), batch, find_place)
        if plan.moves:
            for other, _ in passed_over:
                reporter.notice(
                    f"nothing of batch {other.id} can be put back; "
                    f"vidindex undo {other.id} says why"
                )
            return batch, plan
        passed_over.append((batch, plan))
    return passed_over[0]


def plan_undo(
    done: Sequence[JournalledMove],
    batch: StoredBatch,
    find_place: Callable[[bytes], Path | None],
) -> Plan:
    """Plan the way back of each file. It keeps edits made since; a taken old place is refused.

    find_place: tells where the library knows a content, for files that were moved on by hand.
    """
    planned: list[PlannedMove] = []
    problems: list[Problem] = []
    freed: set[Path] = set()
    for move in done:
        try:
            _require_there(move, find_place)
            back = _plan_back(move, batch)
            is_made = back.action not in ("remove", "unlink")
            if is_made and back.target not in freed and os.path.lexists(back.target):
                raise ItemError(
                    f"its old place {back.target} is taken", "move that away and undo again"
                )
        except ItemError as error:
            problems.append(Problem.of(move.target, error))
            continue
        if not is_made:
            freed.add(back.stat.path)
        planned.append(back)
    return Plan(tuple(planned), tuple(problems))


def _plan_back(move: JournalledMove, batch: StoredBatch) -> PlannedMove:
    """Plan what undoes one move.

    Raises:
        ItemError: what it made is not there any more, or may not go.
    """
    if move.action == "move":
        stat, blake3 = _identify_moved(move)
        return PlannedMove(stat, blake3, move.source, move.id)
    if move.action == "symlink":
        if read_link(move.target) != move.source:
            raise ChangedError("it is not the link that was made", "look at it; it was left alone")
        link = FileStat.of(move.target, move.target.lstat())
        return PlannedMove(link, move.blake3, move.source, move.id, "unlink")
    if move.action == "unlink":
        return PlannedMove(move.stat_at(move.target), move.blake3, move.source, move.id, "symlink")
    if move.action == "remove":
        stat, blake3 = hash_file(move.target)
        _require_same(blake3, move, "it is not what was copied then")
        action: Action = "copy" if batch.mode in ("move", "symlink") else _action(batch)
        return PlannedMove(stat, blake3, move.source, move.id, action)
    stat, blake3 = hash_file(move.target)
    _require_same(blake3, move, "it was changed since it was made")
    _require_original(move, stat)
    return PlannedMove(stat, blake3, move.source, move.id, "remove")


def _action(batch: StoredBatch) -> Action:
    return "reflink" if batch.mode == "reflink-auto" else batch.mode


def _require_same(blake3: bytes, move: JournalledMove, what: str) -> None:
    if blake3 != move.blake3:
        raise ChangedError(what, "look at it; it was left alone")


def _require_original(move: JournalledMove, copy: FileStat) -> None:
    """Make sure that the content stays when a copy of it goes."""
    try:
        original = stat_file(move.source)
        is_linked = (original.device, original.inode) == (copy.device, copy.inode)
        is_there = is_linked or hash_file(move.source)[1] == move.blake3
    except ItemError:
        is_there = False
    if not is_there:
        raise ChangedError(
            f"its content is not at {move.source} any more", "this copy was left alone"
        )


def _require_there(move: JournalledMove, find_place: Callable[[bytes], Path | None]) -> None:
    """Make sure that what a move has made is there, if it has made anything."""
    if move.action in ("remove", "unlink") or os.path.lexists(move.target):
        return
    place = find_place(move.blake3)
    hint = "it was moved on or deleted"
    if place is not None and place not in (move.target, move.source):
        hint = f"it lies at {place} now; it was left alone"
    raise ChangedError("it is not there any more", hint)


def _identify_moved(move: JournalledMove) -> tuple[FileStat, bytes]:
    """Return stat and content of a moved file, if what lies at its target is still that file.

    Raises:
        ChangedError: another file lies there, or none.
        UnreadableError: it cannot be read.
    """
    stat = stat_file(move.target)
    if stat == move.stat_at(move.target):
        return stat, move.blake3
    is_same_inode = (stat.device, stat.inode) == (move.stat.device, move.stat.inode)
    stat, found = hash_file(move.target)
    if not is_same_inode and found != move.blake3:
        raise ChangedError("another file lies there now", "look at it; it was left alone")
    return stat, found


def _adopt(database: Database, content: ManifestContent) -> int:
    """Take the moves of a manifest into the journal, as begun: recovery finds out how far.

    Raises:
        Refused: the journal has them already.
    """
    with database.writing() as session:
        for known in moves.list_batches(session):
            arrived = {(move.source, move.target) for move in moves.list_moves(session, known.id)}
            if any((move.stat.path, move.target) in arrived for move in content.moves):
                raise Refused(
                    f"the library still has these moves, as batch {known.id}",
                    f"put them back with: vidindex undo {known.id}",
                )
        moves.drop_planned(session)
        batch = moves.put_batch(
            session,
            "apply",
            content.destination,
            run=None,
            undoes_batch=None,
            now=datetime.now(UTC),
            mode=content.mode,
        )
        # "copied", so that recovery takes a whole copy for ours.
        is_copied = content.mode in ("copy", "reflink", "reflink-auto")
        state: moves.MoveState = "copied" if is_copied else "started"
        moves.put_moves(session, batch, content.moves, state=state)
        for folder in content.made_folders:
            moves.put_made_folder(session, batch, folder)
        for pruned in content.pruned_folders:
            moves.put_pruned_folder(session, batch, pruned)
    return batch


def _open_undo(session: Session, undone: StoredBatch) -> int:
    """Open a batch that undoes another. What earlier ones had left to do is dropped."""
    moves.drop_planned(session)
    return moves.put_batch(
        session,
        "redo" if undone.kind == "undo" else "undo",
        undone.destination,
        run=undone.run,
        undoes_batch=undone.id,
        now=datetime.now(UTC),
        mode=undone.mode,
    )


def _list_undoable(session: Session, number: int | None) -> list[StoredBatch]:
    """Return the batch to undo, of this number, or those with something to undo, newest first.

    Raises:
        Refused: there is none.
    """
    batches = moves.list_batches(session)
    if number is not None:
        batches = [batch for batch in batches if batch.id == number]
        if not batches:
            raise Refused(f"there is no batch {number}", "vidindex history lists them")
    undoable = [
        batch
        for batch in reversed(batches)
        if (number is not None or batch.kind in ("apply", "redo"))
        and moves.list_undoable(session, batch.id)
    ]
    if undoable:
        return undoable
    raise Refused(
        "there is nothing to undo" if number is None else f"batch {number} is undone already",
        "only files that apply has moved can be put back; vidindex history lists the batches",
    )
