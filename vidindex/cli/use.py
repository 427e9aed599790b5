"""`vidindex use`."""

from __future__ import annotations

from typing import Annotated

import typer

from vidindex.cli.assign import place_data, place_text
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.completion import complete_run
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.tables import counted


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, use, settings=WRITER_SETTINGS, example="vidindex use 3")


def use(
    call: Invocation,
    run: Annotated[
        int,
        typer.Argument(
            metavar="RUN", help="Its number; vidindex runs lists it.", autocompletion=complete_run
        ),
    ],
) -> Answer:
    """Go by a stored clustering from now on: its labels, names and folders hold again.

    Videos that came after it get their places in it.
    """
    from vidindex.library import Library

    result = Library(settings=call.settings).use(run, reporter=call.reporter)
    text = (
        f"run {result.run.id} is in use: {counted(result.run.video_count, 'video')} in "
        f"{counted(result.run.k, 'cluster')}"
    )
    if result.placed.placed or result.placed.unsorted:
        text += f"\n{place_text(result.placed)}"
    return Answer(place_data(result.placed) | {"before": result.before}, text)
