"""`vidindex rm-run`."""

from __future__ import annotations

from typing import Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.completion import complete_run
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.tables import counted


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, rm_run, name="rm-run", settings=WRITER_SETTINGS, example="vidindex rm-run 1 2")


def rm_run(
    call: Invocation,
    runs: Annotated[
        list[int],
        typer.Argument(
            metavar="RUN…", help="Numbers; vidindex runs lists them.", autocompletion=complete_run
        ),
    ],
    *,
    force: Annotated[bool, typer.Option("--force", help="Also the run that is in use.")] = False,
) -> Answer:
    """Forget stored clusterings, with their labels and the names of their clusters.

    No file is moved, and no vector is lost: the same clustering can be made again.
    """
    from vidindex.library import Library

    result = Library(settings=call.settings).remove_runs(runs, force=force, reporter=call.reporter)
    left = "no run is left" if result.in_use is None else f"run {result.in_use.id} is in use"
    data = {
        "removed": list(result.removed),
        "in_use": None if result.in_use is None else result.in_use.id,
    }
    return Answer(data, f"{counted(len(result.removed), 'run')} removed; {left}")
