"""`vidindex undo`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vidindex.cli.apply import DryRun, Yes, control, move_exit_code, moves_data
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import printable
from vidindex.cli.move_texts import remainder, undone
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.signals import stop_request

if TYPE_CHECKING:
    from vidindex.moving import MoveOutcome, MoveResult


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, undo, settings=WRITER_SETTINGS, example="vidindex undo")


def undo(
    call: Invocation,
    batch: Annotated[
        int | None,
        typer.Argument(metavar="BATCH", help="Which batch; the newest apply by default."),
    ] = None,
    *,
    manifest: Annotated[
        str | None,
        typer.Option(
            "--manifest",
            metavar="FILE",
            help="Of a lost library: a file of its .moves folder.",
        ),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> Answer:
    """Put the files of an apply back where they were. Removes only empty folders that it made."""
    from vidindex.library import Library

    with stop_request() as stop:
        result = Library(settings=call.settings).undo(
            batch,
            manifest=manifest,
            dry_run=dry_run,
            control=control(call, stop, yes=yes or dry_run),
        )
    data = {
        "batch": result.batch,
        "restored": result.count("done"),
        "failed": result.count("failed", "both", "skipped") + result.not_planned,
        "planned": result.count("planned"),
        "moves": moves_data(result),
    }
    return Answer(data, _text(result), result.problems, move_exit_code(result, stop))


def _text(result: MoveResult) -> str:
    planned = [outcome for outcome in result.outcomes if outcome.state == "planned"]
    if planned:
        lines = [_line(outcome) for outcome in planned]
        lines.append(f"{undone(planned, result.mode, is_plan=True)}; nothing was changed")
    elif result.batch is not None:
        done = [outcome for outcome in result.outcomes if outcome.state == "done"]
        again = f"vidindex undo {result.batch} would undo that"
        lines = [f"batch {result.batch}: {undone(done, result.mode)}; {again}"]
    else:
        lines = ["nothing to move"]
    return "\n".join([*lines, *remainder(result)])


def _line(outcome: MoveOutcome) -> str:
    if outcome.action in ("remove", "unlink"):
        what = "a link to" if outcome.action == "unlink" else "made of"
        return printable(f"{outcome.source} removed, {what} {outcome.target}")
    return printable(f"{outcome.source} -> {outcome.target}")
