"""`vidindex db upgrade|current|backup|check`."""

from __future__ import annotations

from typing import Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.options import WRITER_SETTINGS


def add_to(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="Look after the library's database.", no_args_is_help=True)
    add_command(group, upgrade, group="db", settings=WRITER_SETTINGS, example="vidindex db upgrade")
    add_command(group, current, group="db", example="vidindex db current")
    add_command(group, backup, group="db", example="vidindex db backup ~/vidindex-backup.db")
    add_command(group, check, group="db", example="vidindex db check")
    app.add_typer(group, name="db")


def upgrade(call: Invocation) -> Answer:
    """Bring the database to this program's revision; a backup is made beside it first."""
    from vidindex.library import Library

    before, after = Library(settings=call.settings).upgrade(call.reporter)
    text = f"upgraded from {before} to {after}" if before != after else f"up to date at {after}"
    return Answer({"before": before, "revision": after}, text)


def current(call: Invocation) -> Answer:
    """Print the database's revision and this program's."""
    from vidindex.db.schema import HEAD
    from vidindex.library import Library

    library = Library(settings=call.settings)
    revision = library.revision()
    data = {"revision": revision, "head": HEAD} | json_path(library.path)
    return Answer(data, f"{printable(library.path)}: revision {revision}, this program's is {HEAD}")


def backup(
    call: Invocation,
    target: Annotated[str, typer.Argument(metavar="FILE", help="Where to; must not exist.")],
) -> Answer:
    """Copy the database to a file, consistent and checked, also while an index runs."""
    from vidindex.library import Library

    made = Library(settings=call.settings).back_up(target)
    return Answer(json_path(made), f"backed up to {printable(made)}")


def check(call: Invocation) -> Answer:
    """Check the database from end to end."""
    from vidindex.library import Library

    library = Library(settings=call.settings)
    library.check()
    return Answer(json_path(library.path) | {"ok": True}, f"{printable(library.path)} is sound")
