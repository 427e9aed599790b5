"""`vidindex apply`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vidindex.cli.command import Answer, Invocation, add_command, require_consent
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.filters import RunNumber
from vidindex.cli.move_texts import applied, question, remainder
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.plan_tree import render
from vidindex.cli.signals import stop_request
from vidindex.cli.tables import counted
from vidindex.errors import ExitCode, Refused, UsageError
from vidindex.templates import FIELDS

if TYPE_CHECKING:
    from vidindex.cli.signals import StopRequest
    from vidindex.library import Library
    from vidindex.moving import Control, MoveResult
    from vidindex.planning import Plan

ModeName = Literal["move", "copy", "hardlink", "symlink", "reflink", "reflink-auto"]
ConflictName = Literal["rename", "skip", "fail", "same"]

DryRun = Annotated[
    bool, typer.Option("--dry-run", "-n", help="Only say what would be moved where.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask on a terminal.")]
Within = Annotated[
    str | None, typer.Option("--within", metavar="FOLDER", help="Only files below this folder.")
]
ChosenMode = Annotated[
    ModeName | None,  # a Literal: what is wrong is told with what is right
    typer.Option(
        "--mode",
        metavar="MODE",
        help="How files come to DEST: move, copy, hardlink, symlink, reflink (a clone that shares "
        "the disk's blocks) or reflink-auto (or else a copy). All but move leave them where they "
        "are. Links of a symlink view that no file asks for any more go.",
    ),
]
ChosenTemplate = Annotated[
    str | None,
    typer.Option(
        "--template",
        metavar="TEXT",
        help="Where each file goes below DEST; vidindex apply --help tells the fields.",
    ),
]
OnConflict = Annotated[
    ConflictName | None,
    typer.Option(
        "--on-conflict",
        metavar="HOW",
        help="Where a name is taken: rename to the next free one; skip the file; fail, before "
        "anything is moved; same: done if the content there is the same, or else rename.",
    ),
]


_FIELDS_HELP = (
    "\n\nExample of a --template: {name}/{year}/{stem}{suffix}. Its fields are\n\n"
    + "\n".join(f"{{{field}}}  {meaning}" for field, meaning in FIELDS.items())
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        apply,
        settings=WRITER_SETTINGS,
        example="vidindex apply ~/Sorted --dry-run",
        notes=_FIELDS_HELP,
    )


def apply(
    call: Invocation,
    destination: Annotated[
        str | None, typer.Argument(metavar="DEST", help="Where the cluster folders are made.")
    ] = None,
    *,
    run: RunNumber = None,
    within: Within = None,
    tree: Annotated[
        bool, typer.Option("--tree", help="Nest the folders: like clusters in DEST/group_N/.")
    ] = False,
    tree_depth: Annotated[
        int | None,
        typer.Option(
            "--tree-depth", metavar="N", help="How deep they are nested: --tree is 1 level."
        ),
    ] = None,
    mode: ChosenMode = None,
    template: ChosenTemplate = None,
    on_conflict: OnConflict = None,
    no_sidecars: Annotated[
        bool,
        typer.Option("--no-sidecars", help="Leave subtitles and the like, which else go along."),
    ] = False,
    prune_empty: Annotated[
        bool, typer.Option("--prune-empty", help="Remove the folders that this empties.")
    ] = False,
    plan: Annotated[
        str | None,
        typer.Option("--plan", metavar="FILE", help="Only write what would be done into a file."),
    ] = None,
    stored: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE", help="Do exactly what such a file says."),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> Answer:
    """Move the files into DEST/cluster_LABEL/. Never overwrites; undo puts everything back."""
    from vidindex.library import Library

    library = Library(settings=call.settings)
    chosen: dict[str, Any] = {
        "run": run,
        "within": within,
        "tree": tree,
        "tree_depth": tree_depth,
        "mode": mode,
        "template": template,
        "on_conflict": on_conflict,
        "no_sidecars": no_sidecars,
        "prune_empty": prune_empty,
        "plan": plan,
    }
    with stop_request() as stop:
        steering = control(call, stop, yes=yes or dry_run)
        if stored is not None:
            _require_plan_alone(chosen)
            result = _apply_plan(library, stored, destination, steering, dry_run=dry_run)
        else:
            result = _apply(library, destination, steering, chosen, dry_run=dry_run)
    data, text = apply_data(result), move_text(result, is_whole=call.verbosity > 0)
    if plan is not None:
        data |= json_path(Path(plan), "plan")
        text += f"\nthe plan is in {printable(plan)}; vidindex apply --from does what it says"
    elif stored is not None and result.problems and not result.outcomes:
        text = "nothing of the plan is left to do: its files were moved or changed since then"
    return Answer(data, text, result.problems, move_exit_code(result, stop))


def _apply(
    library: Library,
    destination: str | None,
    steering: Control,
    chosen: dict[str, Any],
    *,
    dry_run: bool,
) -> MoveResult:
    if destination is None:
        raise UsageError("it is not said where to", "name a folder: vidindex apply DEST")
    depth = chosen["tree_depth"]
    mode: ModeName = chosen["mode"] or "move"
    if depth is not None and depth < 1:
        raise UsageError(f"a tree has at least 1 level, not {depth}", "leave --tree-depth out")
    if chosen["prune_empty"] and mode != "move":
        raise UsageError(
            f"--prune-empty goes with --mode move only, as {mode} empties no folder",
            "leave one of them out",
        )
    return library.apply(
        destination,
        run=chosen["run"],
        scope=chosen["within"],
        tree_depth=int(chosen["tree"]) if depth is None else depth,
        mode=mode,
        template=chosen["template"],
        on_conflict=chosen["on_conflict"] or "rename",
        sidecars=not chosen["no_sidecars"],
        prune_empty=chosen["prune_empty"],
        dry_run=dry_run,
        plan_file=chosen["plan"],
        control=steering,
    )


def _require_plan_alone(chosen: dict[str, Any]) -> None:
    given = [
        f"--{name.replace('_', '-')}"
        for name, value in chosen.items()
        if value is not None and value is not False
    ]
    if given:
        raise UsageError(
            f"the plan of --from says all that is done, so {', '.join(given)} cannot change it",
            "leave one or the other out",
        )


def _apply_plan(
    library: Library, stored: str, destination: str | None, steering: Control, *, dry_run: bool
) -> MoveResult:
    from vidindex.paths import resolve
    from vidindex.plan_files import read_plan

    if destination is not None:
        planned = read_plan(resolve(stored)).destination
        if resolve(destination) != planned:
            raise UsageError(
                f"the plan {stored} is for {planned}, not for {destination}", "leave DEST out"
            )
    return library.apply_plan(stored, dry_run=dry_run, control=steering)


def control(call: Invocation, stop: StopRequest, *, yes: bool, shown: int | None = 1) -> Control:
    """Let the user watch, confirm and stop a run of moves.

    shown: of so many moves the user is told before the question; None: of all.
    """
    from vidindex.moving import Control

    asks = not yes and not call.is_json and sys.stdin is not None and sys.stdin.isatty()
    return Control(
        call.reporter, confirm=partial(_ask, shown=shown) if asks else lambda _: True, stopping=stop
    )


def _ask(plan: Plan, shown: int | None) -> bool:
    for move in plan.moves[:shown]:
        typer.echo(f"{printable(move.stat.path)} -> {printable(move.target)}", err=True)
    return require_consent(
        question(plan),
        Refused("nothing was moved, as you did not agree", "--yes moves without asking"),
    )


def apply_data(result: MoveResult) -> dict[str, Any]:
    """Return the moves for JSON."""
    is_plan = result.batch is None
    return {
        "batch": result.batch,
        "mode": result.mode,
        "moved": result.count("done"),
        "skipped": result.count("skipped") + result.not_planned,
        "failed": result.count("failed", "both"),
        "planned": result.count("planned"),
        "in_place": result.in_place,
        "same": result.same,
        "copied_bytes": sum(room.needed_bytes for room in result.room) if is_plan else None,
        "room": [
            json_path(room.ground)
            | {"needed_bytes": room.needed_bytes, "free_bytes": room.free_bytes}
            for room in result.room
        ],
        "pruned": [json_path(folder) for folder in result.pruned],
        "moves": moves_data(result),
    }


def moves_data(result: MoveResult) -> list[dict[str, Any]]:
    """Return source, target and state of each move for JSON."""
    return [
        json_path(outcome.source, "source")
        | json_path(outcome.target, "target")
        | {
            "state": outcome.state,
            "action": outcome.action,
            "is_sidecar": outcome.is_sidecar,
        }
        for outcome in result.outcomes
    ]


def move_text(result: MoveResult, *, is_whole: bool = False) -> str:
    """Tell a dry run's moves as a tree, or sum a run up.

    is_whole: no long folder of the tree is cut short.
    """
    if result.count("planned"):
        lines = [render(result, is_whole=is_whole)]
    elif result.batch is not None:
        done = [outcome for outcome in result.outcomes if outcome.state == "done"]
        way_back = "puts them back" if result.mode == "move" else "takes that back"
        gone = len(result.pruned)
        emptied = f", {counted(gone, 'emptied folder')} removed" if gone else ""
        told = f"{applied(done, result.mode)}{emptied}"
        lines = [f"batch {result.batch}: {told}; vidindex undo {way_back}"]
    else:
        lines = ["nothing to move"]
    return "\n".join([*lines, *remainder(result)])


def move_exit_code(result: MoveResult, stop: StopRequest) -> int:
    """Return the exit code of a run of moves."""
    if result.was_stopped and stop.number is not None:
        return 128 + stop.number
    return ExitCode.INCOMPLETE if result.problems else ExitCode.DONE
