"""Sort files into folders by the labels of a clustering, or exactly as a stored plan says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.errors import Refused, UsageError
from vidindex.heeding import tell_broken
from vidindex.moving import Control, MoveResult, Order, carry_out_plan, foretell
from vidindex.plan_checking import check_again, require_own
from vidindex.plan_files import PlanFile, read_plan, write_plan
from vidindex.planning import Manner, Plan, Standing, plan_apply
from vidindex.querying import choose_run
from vidindex.store import clusterings, moves
from vidindex.tree import MOST_DEPTH, nest


@dataclass(frozen=True)
class ApplyRequest:
    """Which files are sorted, and how.

    destination: where the folders are made. run: the one in use by default. scope: only files at
    or below this folder; by default the one that the clustering was made of. tree_depth: levels of
    groups of like clusters that the folders are nested in.
    """

    destination: Path
    run: int | None = None
    scope: Path | None = None
    tree_depth: int = 0
    manner: Manner = Manner()  # noqa: RUF009 - immutable


def apply(
    library: Path,
    request: ApplyRequest,
    control: Control,
    *,
    dry_run: bool = False,
    wait: bool = False,
) -> MoveResult:
    """Bring the files of a clustering to ``destination/cluster_<label>/``, or as a template says.

    wait: until another vidindex has finished.

    Raises:
        UsageError: so many levels are not possible.
        Refused: there is no such clustering, it has no file in the scope, or the plan cannot work;
            nothing was changed.
        SystemStopped: the disk is full or failing; what was moved is known, run it again.
    """
    return carry_out_plan(library, _order(request, control), control, dry_run=dry_run, wait=wait)


def store_plan(library: Path, request: ApplyRequest, control: Control, file: Path) -> MoveResult:
    """Write what an apply would do into a file, for `apply_plan`; nothing is moved.

    Raises:
        UsageError, Refused: as in `apply`; the file exists, or there is nothing to move.
        SystemStopped: the file cannot be written.
    """
    order = _order(request, control)
    with schema.open_for_reading(library) as database, database.reading() as session:
        run, plan = order.make_plan(session)
    result = foretell(plan, request.manner.mode, order.destination, control)
    write_plan(
        file,
        PlanFile(
            run, order.destination, request.manner.mode, request.manner.prune_empty, plan.moves
        ),
    )
    return result


def apply_plan(
    library: Path,
    file: Path,
    control: Control,
    *,
    dry_run: bool = False,
    wait: bool = False,
) -> MoveResult:
    """Make exactly the moves of a stored plan; those that do not hold any more are problems.

    Raises:
        Refused: the file is no plan, or it cannot work as a whole; nothing was changed.
        SystemStopped: as in `apply`.
    """
    stored = read_plan(file)

    def make_plan(session: Session) -> tuple[int | None, Plan]:
        require_own(session, file, stored)
        return stored.run, check_again(stored.moves)

    order = Order(
        stored.destination,
        make_plan,
        Manner(stored.mode, on_conflict="fail", prune_empty=stored.prune_empty),
    )
    return carry_out_plan(library, order, control, dry_run=dry_run, wait=wait)


def _order(request: ApplyRequest, control: Control) -> Order:
    if not 0 <= request.tree_depth <= MOST_DEPTH:
        raise UsageError(
            f"a tree has 1 to {MOST_DEPTH} levels, not {request.tree_depth}",
            "choose another --tree-depth",
        )
    request = replace(request, destination=request.destination.resolve())

    def make_plan(session: Session) -> tuple[int, Plan]:
        chosen = choose_run(session, request.run)
        tell_broken(session, chosen.id, control.reporter)
        labelled = clusterings.list_labelled_files(
            session, chosen.id, folder=request.scope or chosen.scope
        )
        if request.scope is not None and not labelled:
            raise Refused(
                f"run {chosen.id} has no file in {request.scope}", "check the folder of --within"
            )
        folders: dict[int, PurePath] = {}
        if request.tree_depth:
            stored = clusterings.load_centroids(session, chosen.id)
            folders = nest(stored.labels, stored.centroids, request.tree_depth)
        standing = Standing(
            tuple(moves.list_links(session, request.destination)),
            frozenset(moves.list_copied(session)),
        )
        return chosen.id, plan_apply(
            labelled, request.destination, request.manner, folders=folders, standing=standing
        )

    return Order(request.destination, make_plan, request.manner)
