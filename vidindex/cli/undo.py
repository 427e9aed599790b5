"""`vidindex undo`."""

from __future__ import annotations

from typing import Annotated

import typer

from vidindex.cli.apply import DryRun, Yes, control, move_exit_code, move_text, moves_data
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.signals import stop_request


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
    return Answer(
        data,
        move_text(result, "put back", f"vidindex undo {result.batch} would undo that"),
        result.problems,
        move_exit_code(result, stop),
    )
