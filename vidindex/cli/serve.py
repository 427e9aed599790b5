"""`vidindex serve`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import printable
from vidindex.cli.options import CLUSTER_SETTINGS
from vidindex.cli.progress import say
from vidindex.cli.signals import Interrupted

LOOK_EVERY_S = 0.2


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, serve, settings=CLUSTER_SETTINGS, example="vidindex serve --open")


def serve(
    call: Invocation,
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="0: one that is free.")
    ] = 0,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Where others can reach it, too; this needs --token, and is not encrypted.",
        ),
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option("--token", metavar="TEXT", help="The secret of the link; else a random one."),
    ] = None,
    opens: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> Answer:
    """Look at the library in a browser: a local page, until Ctrl-C.

    Clusters as walls of pictures; choose K, name, pin, compare, play, and sort the files.
    """
    from vidindex.library import Library
    from vidindex.web.server import Address, serving

    # The page tells of another vidindex at work; nobody would see it wait.
    library = Library(settings=replace(call.settings, wait=False))
    library.revision()  # now, if it cannot be used, and not in the browser
    log = (lambda line: say(printable(line))) if call.verbosity else None
    with serving(library, Address(host, port, token), lambda line: say(printable(line)), log) as (
        link,
        thread,
    ):
        call.tell(Answer({"url": link}, link))
        if opens:
            typer.launch(link)
        try:
            while thread.is_alive():
                thread.join(LOOK_EVERY_S)  # a signal ends this
        except Interrupted as interruption:
            if call.is_json:
                raise
            # The way to end it, and no error.
            say(f"stopped by {interruption.signal_name}; what was finished is stored")
            return Answer({"url": link}, "", exit_code=interruption.exit_code)
    return Answer({"url": link}, "")
