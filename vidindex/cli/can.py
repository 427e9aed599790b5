"""`vidindex can`."""

from __future__ import annotations

import typer

from vidindex.cli.cannot import One, Other, pair_data
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.wishes import path_text


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, can, settings=WRITER_SETTINGS, example="vidindex can rome.mp4 oslo.mp4")


def can(call: Invocation, one: One, other: Other) -> Answer:
    """Let two videos share a cluster again: takes `cannot` back."""
    from vidindex.library import Library

    pair = Library(settings=call.settings).let_together(one, other, reporter=call.reporter)
    text = f"{path_text(pair[0])} and {path_text(pair[1])} may share a cluster"
    return Answer(pair_data(pair), text)
