"""`vidindex cannot`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.completion import complete_known_path
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.wishes import path_text, video_data

if TYPE_CHECKING:
    from vidindex.wishing import WishedVideo

One = Annotated[
    str, typer.Argument(metavar="PATH_OR_HASH", help="A video.", autocompletion=complete_known_path)
]
Other = Annotated[
    str, typer.Argument(metavar="PATH_OR_HASH", help="Another.", autocompletion=complete_known_path)
]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, cannot, settings=WRITER_SETTINGS, example="vidindex cannot rome.mp4 oslo.mp4")


def cannot(call: Invocation, one: One, other: Other) -> Answer:
    """Never put two videos into one cluster, from the next clustering on."""
    from vidindex.library import Library

    pair = Library(settings=call.settings).keep_apart(one, other, reporter=call.reporter)
    text = f"{path_text(pair[0])} and {path_text(pair[1])} are kept apart"
    if pair[0].label is not None and pair[0].label == pair[1].label:
        text += f"; both are in cluster {pair[0].label} until the next clustering"
    return Answer(pair_data(pair), text)


def pair_data(pair: tuple[WishedVideo, WishedVideo]) -> dict[str, Any]:
    """Return two videos for JSON."""
    return {"videos": [video_data(video) for video in pair]}
