"""`vidindex unpin`."""

from __future__ import annotations

from typing import Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.completion import complete_known_path
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.wishes import path_text, video_data


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, unpin, settings=WRITER_SETTINGS, example="vidindex unpin ~/Videos/beach.mp4")


def unpin(
    call: Invocation,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH_OR_HASH...",
            help="Videos that are pinned.",
            autocompletion=complete_known_path,
        ),
    ],
) -> Answer:
    """Let pinned videos go where they belong in the next clustering."""
    from vidindex.library import Library

    videos = Library(settings=call.settings).unpin(paths, reporter=call.reporter)
    lines = [f"{path_text(video)}: not pinned any more" for video in videos]
    return Answer({"videos": [video_data(video) for video in videos]}, "\n".join(lines))
