"""`vidindex assign`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.filters import RunNumber
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.errors import ExitCode

if TYPE_CHECKING:
    from vidindex.placing import PlaceResult


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, assign, settings=WRITER_SETTINGS, example="vidindex assign")


def assign(call: Invocation, run: RunNumber = None) -> Answer:
    """Give videos that came after a clustering a place in it, without a new one.

    Each goes to the nearest cluster; one that lies farther from it than the
    videos of that cluster stays unsorted. `index` does this by itself for the
    videos that it adds.
    """
    from vidindex.library import Library

    result = Library(settings=call.settings).assign(run, reporter=call.reporter)
    code = ExitCode.INCOMPLETE if result.left_out else ExitCode.DONE
    return Answer(place_data(result), place_text(result), exit_code=code)


def place_data(result: PlaceResult) -> dict[str, int]:
    """Return the counts for JSON."""
    return vars(result)


def place_text(result: PlaceResult) -> str:
    """Sum up what found a place."""
    text = f"run {result.run}: {result.placed} placed, {result.unsorted} unsorted"
    if result.left_out:
        text += f", {result.left_out} left out: their stored vector is damaged"
    if not (result.placed or result.unsorted or result.left_out):
        text = f"run {result.run} has a place for every video already"
    return text
