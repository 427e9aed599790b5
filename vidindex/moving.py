"""Sort files into folders by the labels, and put them back: journalled, never overwriting.

The journal knows every name a file may have before it can have it; the source goes last; "moved"
and the library's new path are one commit. What a kill leaves half-done, `recovering` settles at
the next start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath

from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.errors import Refused, UsageError
from vidindex.manifests import Manifest, ManifestContent, read_manifest
from vidindex.planning import Plan, plan_apply, plan_undo, require_room
from vidindex.querying import choose_run
from vidindex.recovering import recover
from vidindex.reporting import Problem, Reporter
from vidindex.store import clusterings, moves
from vidindex.store.moves import StoredBatch
from vidindex.transferring import Stopped, Transfer, remove_made_folders
from vidindex.tree import MOST_DEPTH, nest


@dataclass(frozen=True)
class MoveOutcome:
    """What became of one file: "planned" (a dry run), "done", "both", "skipped" or "failed"."""

    source: Path
    target: Path
    state: str


@dataclass(frozen=True)
class MoveResult:
    """What an apply or an undo did, or would do.

    batch: None if there was nothing to move, or in a dry run. in_place: files that lie where they
    should. was_stopped: it was asked to stop, and `vidindex apply` or `undo` again goes on.
    """

    batch: int | None
    outcomes: tuple[MoveOutcome, ...]
    problems: tuple[Problem, ...]
    in_place: int
    was_stopped: bool

    @property
    def not_planned(self) -> int:
        """How many files could not even be planned; each is among the problems."""
        return len(self.problems) - self.count("skipped", "failed", "both")

    def count(self, *states: str) -> int:
        """Return how many files are in one of the states."""
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


def apply(
    library: Path,
    destination: Path,
    control: Control,
    *,
    run: int | None = None,
    scope: Path | None = None,
    tree_depth: int = 0,
    dry_run: bool = False,
    wait: bool = False,
) -> MoveResult:
    """Move the files of a clustering into ``destination/cluster_<label>/``.

    run: the one in use by default. scope: only files at or below this folder; by default
    the one that the clustering was made of. tree_depth: levels of groups of like clusters that the
    folders are nested in. wait: until another vidindex has finished.

    Raises:
        UsageError: so many levels are not possible.
        Refused: there is no such clustering, or the plan cannot work; nothing was changed.
        SystemStopped: the disk is full or failing; what was moved is known, run it again.
    """
    if not 0 <= tree_depth <= MOST_DEPTH:
        raise UsageError(
            f"a tree has 1 to {MOST_DEPTH} levels, not {tree_depth}", "choose another --tree-depth"
        )
    destination = destination.resolve()

    def make_plan(session: Session) -> tuple[int, Plan]:
        chosen = choose_run(session, run)
        labelled = clusterings.list_labelled_files(session, chosen.id, folder=scope or chosen.scope)
        folders: dict[int, PurePath] = {}
        if tree_depth:
            stored = clusterings.load_centroids(session, chosen.id)
            folders = nest(stored.labels, stored.centroids, tree_depth)
        return chosen.id, plan_apply(labelled, destination, folders)

    return carry_out_plan(library, destination, control, make_plan, dry_run=dry_run, wait=wait)


def carry_out_plan(
    library: Path,
    destination: Path,
    control: Control,
    make_plan: Callable[[Session], tuple[int | None, Plan]],
    *,
    dry_run: bool = False,
    wait: bool = False,
) -> MoveResult:
    """Move files as planned, as a batch that `undo` takes back.

    destination: a folder, resolved, that all targets are in. make_plan: called once, after what an
    earlier run had left half-done is settled; returns the run that the plan goes by, or None.

    Raises:
        Refused, SystemStopped: as in `apply`.
    """
    if dry_run:
        with schema.open_for_reading(library) as database, database.reading() as session:
            _, plan = make_plan(session)
            require_room(plan)
            return _foretell(plan, control)
    schema.require(library)
    with schema.open_for_writing(library, control.reporter.notice, wait=wait) as database:
        unsettled = recover(database, control.reporter)
        with database.reading() as session:
            run, plan = make_plan(session)
            require_room(plan)
        plan = _agreed(plan, unsettled, control)
        if not plan.moves:
            return _nothing_moved(plan)
        with database.writing() as session:
            batch = _open_apply(session, destination, run)
            moves.put_moves(session, batch, plan.moves)
        result = _carry_out(database, batch, plan, control, renames_clashes=True)
        _finish(database, batch)
        return result


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

    def make_plan(session: Session, number: int | None) -> tuple[StoredBatch, Plan]:
        chosen = _choose_batch(session, number)
        plan = plan_undo(moves.list_undoable(session, chosen.id))
        require_room(plan)
        return chosen, plan

    if dry_run and manifest is None:
        with schema.open_for_reading(library) as database, database.reading() as session:
            return _foretell(make_plan(session, batch)[1], control)
    if manifest is None:
        schema.require(library)
    with schema.open_for_writing(library, control.reporter.notice, wait=wait) as database:
        unsettled = recover(database, control.reporter)
        if manifest is not None:
            batch = _adopt(database, read_manifest(manifest))
            unsettled += recover(database, control.reporter)
        with database.reading() as session:
            undone, plan = make_plan(session, batch)
        if dry_run:
            return _foretell(plan, control)
        plan = _agreed(plan, unsettled, control)
        if not plan.moves:
            return _nothing_moved(plan)
        with database.writing() as session:
            own = _open_undo(session, undone)
            moves.put_moves(session, own, plan.moves)
        result = _carry_out(database, own, plan, control, renames_clashes=False)
        remove_made_folders(database, undone.id)
        _finish(database, own)
        return result


def _foretell(plan: Plan, control: Control) -> MoveResult:
    for problem in plan.problems:
        control.reporter.problem(problem)
    outcomes = tuple(MoveOutcome(move.stat.path, move.target, "planned") for move in plan.moves)
    return MoveResult(None, outcomes, plan.problems, plan.in_place, was_stopped=False)


def _agreed(plan: Plan, unsettled: Sequence[Problem], control: Control) -> Plan:
    """Report what cannot be moved, and ask; without consent there are no moves."""
    for problem in plan.problems:
        control.reporter.problem(problem)
    is_agreed = bool(plan.moves) and control.confirm(plan)
    return Plan(
        plan.moves if is_agreed else (), (*unsettled, *plan.problems), in_place=plan.in_place
    )


def _nothing_moved(plan: Plan) -> MoveResult:
    return MoveResult(None, (), plan.problems, plan.in_place, was_stopped=False)


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
            session, "apply", content.destination, run=None, undoes_batch=None, now=_now()
        )
        moves.put_moves(session, batch, content.moves, state="started")
        for folder in content.made_folders:
            moves.put_made_folder(session, batch, folder)
    return batch


def _open_apply(session: Session, destination: Path, run: int | None) -> int:
    """Take up the last batch if it is this one, cut short; else open a new one."""
    batches = moves.list_batches(session)
    last = batches[-1] if batches else None
    if (
        last is not None
        and (last.kind, last.state) == ("apply", "partial")
        and (last.destination, last.run) == (destination, run)
    ):
        moves.reopen_batch(session, last.id)
        return last.id
    moves.drop_planned(session)
    return moves.put_batch(session, "apply", destination, run=run, undoes_batch=None, now=_now())


def _open_undo(session: Session, undone: StoredBatch) -> int:
    """Open a batch that undoes another. What earlier ones had left to do is dropped."""
    moves.drop_planned(session)
    return moves.put_batch(
        session,
        "redo" if undone.kind == "undo" else "undo",
        undone.destination,
        run=undone.run,
        undoes_batch=undone.id,
        now=_now(),
    )


def _choose_batch(session: Session, number: int | None) -> StoredBatch:
    """Return the batch to undo: of this number, or the newest apply with something to undo.

    Raises:
        Refused: there is none.
    """
    batches = moves.list_batches(session)
    if number is not None:
        batches = [batch for batch in batches if batch.id == number]
        if not batches:
            raise Refused(f"there is no batch {number}", "vidindex status names the last one")
    for batch in reversed(batches):
        is_wanted = number is not None or batch.kind in ("apply", "redo")
        if is_wanted and moves.list_undoable(session, batch.id):
            return batch
    raise Refused(
        "there is nothing to undo" if number is None else f"batch {number} is undone already",
        "only files that apply has moved can be put back",
    )


def _carry_out(
    database: Database, number: int, plan: Plan, control: Control, *, renames_clashes: bool
) -> MoveResult:
    """Make the planned moves of a batch, one by one."""
    with database.reading() as session:
        batch = moves.get_batch(session, number)
        planned = moves.list_moves(session, number, states=["planned"])
    Manifest(database.path, number).begin(batch, planned)
    transfer = Transfer(
        database,
        batch,
        control.reporter,
        stopping=control.stopping,
        renames_clashes=renames_clashes,
    )
    outcomes: list[MoveOutcome] = []
    problems = list(plan.problems)
    control.reporter.start("moving", len(planned))
    try:
        for move in planned:
            if control.stopping():
                break
            outcome = transfer.move(move)
            outcomes.append(MoveOutcome(move.source, outcome.target, outcome.state))
            if outcome.problem is not None:
                problems.append(outcome.problem)
                control.reporter.problem(outcome.problem)
            control.reporter.advance()
    except Stopped:
        pass  # the move is planned again; what is left is what was_stopped tells
    finally:
        control.reporter.finish()
    was_stopped = len(outcomes) < len(planned)
    return MoveResult(number, tuple(outcomes), tuple(problems), plan.in_place, was_stopped)


def _finish(database: Database, batch: int) -> None:
    with database.writing() as session:
        moves.finish_batch(session, batch, now=_now())


def _now() -> datetime:
    return datetime.now(UTC)
