"""`vidindex export`."""

from __future__ import annotations

from typing import Annotated

import typer

from vidindex.cli.apply import Within
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.filters import LabelNumber, RunNumber
from vidindex.cli.tables import counted

_NOTES = """

FILE.csv, FILE.jsonl and FILE.parquet have a row for each file: hash, path, size_bytes, duration_s,
width_px, height_px, codec, and its label, name and distance in the run; FILE.parquet its vector
too. FILE.npz has the arrays paths, hashes and vectors (n, 2048) of all contents, those without a
file too, and whatever else vidindex import needs."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, export, example="vidindex export vectors.npz", notes=_NOTES)


def export(
    call: Invocation,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Ends in .csv, .jsonl, .parquet or .npz.")
    ],
    *,
    run: RunNumber = None,
    label: LabelNumber = None,
    recipe: Annotated[
        int | None,
        typer.Option("--recipe", metavar="N", help="Whose vectors, if there are several."),
    ] = None,
    within: Within = None,
    vectors: Annotated[
        bool, typer.Option("--vectors", help="The vectors too, in a .jsonl.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
) -> Answer:
    """Write files and labels, or vectors, into a file for other programs."""
    from vidindex.library import Library

    result = Library(settings=call.settings).export(
        file,
        run=run,
        label=label,
        recipe=recipe,
        scope=within,
        with_vectors=vectors,
        force=force,
        reporter=call.reporter,
    )
    noun = "vector" if result.path.suffix.lower() == ".npz" else "file"
    data = {"rows": result.rows, "run": result.run, "recipe": result.recipe}
    text = f"{counted(result.rows, noun)} exported to {printable(result.path)}"
    return Answer(json_path(result.path) | data, text)
