"""`vidindex apply`."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli.command import Answer, Invocation, add_command, require_consent
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.labels import RunNumber
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.signals import stop_request
from vidindex.cli.tables import counted
from vidindex.errors import ExitCode, Refused, UsageError

if TYPE_CHECKING:
    from vidindex.cli.signals import StopRequest
    from vidindex.moving import Control, MoveResult
    from vidindex.planning import Plan

DryRun = Annotated[
    bool, typer.Option("--dry-run", "-n", help="Only say what would be moved where.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask on a terminal.")]
Within = Annotated[
    str | None, typer.Option("--within", metavar="FOLDER", help="Only files below this folder.")
]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, apply, settings=WRITER_SETTINGS, example="vidindex apply ~/Sorted --dry-run")


def apply(
    call: Invocation,
    destination: Annotated[
        str, typer.Argument(metavar="DEST", help="Where the cluster folders are made.")
    ],
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
    dry_run: DryRun = False,
    yes: Yes = False,
) -> Answer:
    """Move the files into DEST/cluster_LABEL/. Never overwrites; undo puts everything back."""
    from vidindex.library import Library

    if tree_depth is not None and tree_depth < 1:
        raise UsageError(f"a tree has at least 1 level, not {tree_depth}", "leave --tree-depth out")
    with stop_request() as stop:
        result = Library(settings=call.settings).apply(
            destination,
            run=run,
            scope=within,
            tree_depth=int(tree) if tree_depth is None else tree_depth,
            dry_run=dry_run,
            control=control(call, stop, yes=yes or dry_run),
        )
    return Answer(
        apply_data(result),
        move_text(result, "moved", "vidindex undo puts them back"),
        result.problems,
        move_exit_code(result, stop),
    )


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
        f"Move {counted(len(plan.moves), 'file')} like this?",
        Refused("nothing was moved, as you did not agree", "--yes moves without asking"),
    )


def apply_data(result: MoveResult) -> dict[str, Any]:
    """Return the moves for JSON."""
    return {
        "batch": result.batch,
        "moved": result.count("done"),
        "skipped": result.count("skipped") + result.not_planned,
        "failed": result.count("failed", "both"),
        "planned": result.count("planned"),
        "in_place": result.in_place,
        "moves": moves_data(result),
    }


def moves_data(result: MoveResult) -> list[dict[str, str]]:
    """Return source, target and state of each move for JSON."""
    return [
        json_path(outcome.source, "source")
        | json_path(outcome.target, "target")
        | {"state": outcome.state}
        for outcome in result.outcomes
    ]


def move_text(result: MoveResult, done: str, epilogue: str) -> str:
    """Tell a dry run's moves one by one, or sum a run up."""
    lines = [
        printable(f"{outcome.source} -> {outcome.target}")
        for outcome in result.outcomes
        if outcome.state == "planned"
    ]
    if lines:
        lines.append(f"{counted(len(lines), 'file')} would be {done}; nothing was changed")
    elif result.batch is not None:
        count = counted(result.count("done"), "file")
        lines.append(f"batch {result.batch}: {count} {done}; {epilogue}")
    else:
        lines.append("nothing to move")
    if result.was_stopped:
        lines.append("stopped before the end: run it again to go on, or undo")
    if result.in_place:
        lines.append(f"{counted(result.in_place, 'file')} in place already")
    left = len(result.problems)
    if left:
        lines.append(f"{counted(left, 'file')} left where they are")
    return "\n".join(lines)


def move_exit_code(result: MoveResult, stop: StopRequest) -> int:
    """Return the exit code of a run of moves."""
    if result.was_stopped and stop.number is not None:
        return 128 + stop.number
    return ExitCode.INCOMPLETE if result.problems else ExitCode.DONE
