"""`vidindex import`."""

from __future__ import annotations

from typing import Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.tables import counted
from vidindex.errors import ExitCode


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        import_,
        name="import",
        settings=WRITER_SETTINGS,
        example="vidindex import vectors.npz --db other.db",
    )


def import_(
    call: Invocation,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="An .npz that vidindex export wrote.")
    ],
) -> Answer:
    """Take in vectors; index finds the files they belong to, and decodes none of those."""
    from vidindex.library import Library

    result = Library(settings=call.settings).import_(file, reporter=call.reporter)
    parts = [f"{counted(result.added, 'vector')} imported"]
    if result.known:
        parts.append(f"{result.known} known already")
    if result.problems:
        parts.append(f"{len(result.problems)} different here, which stay as they are")
    text = ", ".join(parts)
    if result.added:
        text += (
            f"\nindex their files with {printable(result.description)}, and none of them is "
            "decoded: vidindex index PATH"
        )
    data = {
        "recipe": result.recipe,
        "added": result.added,
        "known": result.known,
        "different": len(result.problems),
    }
    code = ExitCode.INCOMPLETE if result.problems else ExitCode.DONE
    return Answer(json_path_of(file) | data, text, result.problems, code)


def json_path_of(file: str) -> dict[str, str]:
    """Return a path as it was given, absolute, for JSON."""
    from vidindex.paths import resolve

    return json_path(resolve(file))
