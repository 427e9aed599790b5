"""Carry out a plan as a batch: journalled, never overwriting, taken up again where it was cut off.

The journal knows every name a file may have before it can have it; the source goes last; "moved"
and the library's new path are one commit. What a kill leaves half-done, `recovering` settles at
the next start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.grounds import Room, require_clones, require_room
from vidindex.journalling import Journal
from vidindex.planning import Conflict, Manner, Plan
from vidindex.recovering import recover
from vidindex.reporting import Problem, Reporter
from vidindex.sidecars import follow_name
from vidindex.store import moves
from vidindex.store.moves import Action, Mode, PlannedMove, StoredBatch
from vidindex.tidying import prune_emptied, remove_made_folders
from vidindex.transferring import Stopped, Transfer


@dataclass(frozen=True)
class MoveOutcome:
    """What became of one file: "planned" (a dry run), "done", "both", "skipped" or "failed"."""

    source: Path
    target: Path
    state: str
    action: Action = "move"
    is_sidecar: bool = False


@dataclass(frozen=True)
class MoveResult:
    """What an apply or an undo did, or would do.

    batch: None if there was nothing to move, or in a dry run. in_place: files that lie where they
    should; same: files left where they are, as their content lies at the target. was_stopped: it
    was asked to stop, and `vidindex apply` or `undo` again goes on. room: on the disks that
    something is copied to. pruned: the folders that it emptied, which are gone.
    """

    batch: int | None
    outcomes: tuple[MoveOutcome, ...]
    problems: tuple[Problem, ...]
    in_place: int
    was_stopped: bool
    mode: Mode = "move"
    destination: Path | None = None
    room: tuple[Room, ...] = ()
    same: int = 0
    pruned: tuple[Path, ...] = ()

    @property
    def not_planned(self) -> int:
        """How many files could not even be planned; each is among the problems."""
        return len(self.problems) - self.count("skipped", "failed", "both")

    def count(self, *states: str) -> int:
        """Return how many files are in one of the states, sidecars too."""
        return sum(outcome.state in states for outcome in self.outcomes)


@dataclass(frozen=True)
class Control:
    """How a caller watches and steers a run of moves.

    confirm: asked once with the plan, before anything is moved. stopping: asked between the moves
    and while a file is copied; true ends the run after, or without, the present file.
    """

    reporter: Reporter
    confirm: Callable[[Plan], bool] = lambda _: True
    stopping: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Order:
    """What a batch is to do. destination: a folder, resolved, that all targets are in.

    make_plan: called once, after what an earlier run had left half-done is settled; returns the
    run that the plan goes by, or None.
    """

    destination: Path
    make_plan: Callable[[Session], tuple[int | None, Plan]]
    manner: Manner = Manner()  # noqa: RUF009 - immutable


def carry_out_plan(
    library: Path,
    order: Order,
    control: Control,
    *,
    dry_run: bool = False,
    wait: bool = False,
) -> MoveResult:
    """Move files as planned, as a batch that `undo` takes back.

    Raises:
        Refused: the plan cannot work; nothing was changed.
        SystemStopped: the disk is full or failing; what was moved is known, run it again.
    """
    manner = order.manner
    if dry_run:
        with schema.open_for_reading(library) as database, database.reading() as session:
            _, plan = order.make_plan(session)
            return foretell(plan, manner.mode, order.destination, control)
    schema.require(library)
    with schema.open_for_writing(library, control.reporter.notice, wait=wait) as database:
        unsettled = recover(database, control.reporter)
        with database.reading() as session:
            run, plan = order.make_plan(session)
            stragglers = _stragglers(session, order)
        planned = {move.target for move in plan.moves}
        late = (move for move in stragglers if move.target not in planned)
        plan = replace(plan, moves=(*late, *plan.moves))
        require_room(plan.moves)
        if manner.mode == "reflink":
            require_clones(plan.moves)
        if not plan.moves:
            _prune_after_a_kill(database, order)
        plan = agreed(plan, unsettled, control)
        if not plan.moves:
            return nothing_moved(plan, manner.mode)
        with database.writing() as session:
            batch = _open_apply(session, order.destination, run, manner.mode)
            moves.put_moves(session, batch, plan.moves)
        with opened_batch(database, batch) as journal:
            result = carry_out(database, journal, plan, control, manner.on_conflict)
            kept = remove_made_folders(database, journal, batch)  # where nothing could be brought
            pruned = _prune(database, journal, manner)
        for problem in kept:
            control.reporter.problem(problem)
        return replace(result, problems=(*result.problems, *kept), pruned=tuple(pruned))


def foretell(plan: Plan, mode: Mode, destination: Path, control: Control) -> MoveResult:
    """Tell what a plan would do.

    Raises:
        Refused: it cannot work.
    """
    room = require_room(plan.moves)
    for problem in plan.problems:
        control.reporter.problem(problem)
    outcomes = tuple(
        MoveOutcome(move.stat.path, move.target, "planned", move.action, move.is_sidecar)
        for move in plan.moves
    )
    return MoveResult(
        None,
        outcomes,
        plan.problems,
        plan.in_place,
        was_stopped=False,
        mode=mode,
        destination=destination,
        room=room,
        same=plan.same,
    )


def agreed(plan: Plan, unsettled: Sequence[Problem], control: Control) -> Plan:
    """Report what cannot be moved, and ask; without consent there are no moves."""
    for problem in plan.problems:
        control.reporter.problem(problem)
    is_agreed = bool(plan.moves) and control.confirm(plan)
    return replace(
        plan,
        moves=plan.moves if is_agreed else (),
        problems=(*unsettled, *plan.problems),
    )


def nothing_moved(plan: Plan, mode: Mode) -> MoveResult:
    """Build the result of a plan without moves."""
    return MoveResult(
        None, (), plan.problems, plan.in_place, was_stopped=False, mode=mode, same=plan.same
    )


@contextmanager
def opened_batch(database: Database, number: int) -> Iterator[Journal]:
    """Give the journal of a batch; the batch is closed after it, unless the system stops it."""
    with database.reading() as session:
        journal = Journal(database, moves.get_batch(session, number))
    yield journal
    with database.writing() as session:
        moves.finish_batch(session, number, now=datetime.now(UTC))


def carry_out(
    database: Database, journal: Journal, plan: Plan, control: Control, on_conflict: Conflict
) -> MoveResult:
    """Make the planned moves of a batch, one by one."""
    batch = journal.batch
    with database.reading() as session:
        planned = moves.list_moves(session, batch.id, states=["planned"])
    journal.manifest.begin(batch, planned)
    transfer = Transfer(
        journal, control.reporter, stopping=control.stopping, on_conflict=on_conflict
    )
    outcomes: list[MoveOutcome] = []
    problems = list(plan.problems)
    control.reporter.start("moving", len(planned))
    try:
        for move in planned:
            if control.stopping():
                break
            try:
                outcome = transfer.move(move)
            except Stopped:  # the move is planned again, and was_stopped tells that some are left
                break
            outcomes.append(
                MoveOutcome(
                    move.source, outcome.target, outcome.state, move.action, move.is_sidecar
                )
            )
            if outcome.problem is not None:
                problems.append(outcome.problem)
                control.reporter.problem(outcome.problem)
            control.reporter.advance()
    finally:
        control.reporter.finish()
    return MoveResult(
        batch.id,
        tuple(outcomes),
        tuple(problems),
        plan.in_place,
        was_stopped=len(outcomes) < len(planned),
        mode=batch.mode,
        destination=batch.destination,
        same=plan.same,
    )


def _open_apply(session: Session, destination: Path, run: int | None, mode: Mode) -> int:
    """Take up the last batch if it is this one, cut short; else open a new one."""
    last = _find_cut_short(session, destination, mode)
    if last is not None and last.run == run:
        moves.reopen_batch(session, last.id)
        return last.id
    moves.drop_planned(session)
    return moves.put_batch(
        session,
        "apply",
        destination,
        run=run,
        undoes_batch=None,
        now=datetime.now(UTC),
        mode=mode,
    )


def _find_cut_short(session: Session, destination: Path, mode: Mode) -> StoredBatch | None:
    batches = moves.list_batches(session)
    last = batches[-1] if batches else None
    if last is None or (last.kind, last.state) != ("apply", "partial"):
        return None
    return last if (last.destination, last.mode) == (destination, mode) else None


def _stragglers(session: Session, order: Order) -> list[PlannedMove]:
    """Return the sidecars that a cut-off run had not moved although their videos are moved."""
    last = _find_cut_short(session, order.destination, order.manner.mode)
    if last is None:
        return []
    return [
        PlannedMove(
            sidecar.stat,
            sidecar.blake3,
            follow_name(sidecar.source, video.source, video.target),
            action=sidecar.action,
        )
        for video, sidecar in moves.list_stragglers(session, last.id)
    ]


def _prune(database: Database, journal: Journal, manner: Manner) -> list[Path]:
    """Remove the folders that a batch has emptied, where that is asked for or they are ours."""
    batch = journal.batch
    with database.reading() as session:
        done = moves.list_moves(session, batch.id, states=["done"])
        own = set(moves.list_folders_made_in(session, batch.destination))
    if manner.mode == "symlink":
        left = {move.source.parent for move in done if move.action == "unlink"}
        return prune_emptied(database, journal, left, own.__contains__)
    if manner.prune_empty and manner.mode == "move":
        left = {move.source.parent for move in done}
        kept = {batch.destination, *batch.destination.parents, Path.home()}
        return prune_emptied(database, journal, left, lambda folder: folder not in kept)
    return []


def _prune_after_a_kill(database: Database, order: Order) -> None:
    """Remove what the last batch has emptied, if it is this one and came to no more."""
    with database.reading() as session:
        batches = moves.list_batches(session)
    last = batches[-1] if batches else None
    if (
        last is not None
        and last.kind == "apply"
        and (last.destination, last.mode) == (order.destination, order.manner.mode)
    ):
        _prune(database, Journal(database, last), order.manner)
