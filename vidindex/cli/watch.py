"""`vidindex watch`."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.index import index_data, index_text
from vidindex.cli.options import INDEX_SETTINGS
from vidindex.cli.signals import SIGNAL_EXIT, Interrupted, stop_request

if TYPE_CHECKING:
    from vidindex.indexing import IndexResult

CTRL_C = SIGNAL_EXIT + signal.SIGINT  # the usual way to end a watch, so no failure


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, watch, settings=INDEX_SETTINGS, example="vidindex watch ~/Videos")


def watch(
    call: Invocation,
    folders: Annotated[list[str], typer.Argument(metavar="FOLDER…", help="Folders.")],
    settle_s: Annotated[
        float,
        typer.Option(
            "--settle-s",
            metavar="SECONDS",
            min=0.1,
            help="Take a file up when nothing has happened to it for so long.",
        ),
    ] = 2.0,
    poll_s: Annotated[
        float | None,
        typer.Option(
            "--poll-s",
            metavar="SECONDS",
            min=0.1,
            help="Look through the folders so often instead of being told by the system: for "
            "network shares.",
        ),
    ] = None,
) -> Answer:
    """Keep folders up to date in the library, until Ctrl-C.

    With --json it prints one object for each index run, as index does, and one at the end.
    """
    from vidindex.library import Library
    from vidindex.watching import Pace, watch

    runs = 0

    def tell(result: IndexResult) -> None:
        nonlocal runs
        runs += 1
        call.tell(Answer(index_data(result), index_text(result), result.problems))

    settings = replace(call.settings, wait=False)  # it waits for the library in its own way
    try:
        with stop_request() as stop:
            watch(
                Library(settings=settings),
                folders,
                tell=tell,
                stopping=stop,
                reporter=call.reporter,
                pace=Pace(settle_s=settle_s, poll_s=poll_s),
            )
            stop.raise_if_asked()
    except Interrupted as interruption:
        if interruption.exit_code != CTRL_C:
            raise
    return Answer({"runs": runs}, "")
