"""`vidindex config show`."""

from __future__ import annotations

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.tables import columns


def add_to(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="See the settings.", no_args_is_help=True)
    add_command(group, show, name="show", group="config", example="vidindex config show")
    app.add_typer(group, name="config")


def show(call: Invocation) -> Answer:
    """Print every setting, its value, and where that came from."""
    values = vars(call.settings)
    origins = call.configuration.origins
    data = {name: {"value": value, "from": origins[name]} for name, value in values.items()}
    rows = [(name, origins[name], _shown(value)) for name, value in values.items()]
    return Answer({"settings": data}, columns(["setting", "from", "value"], rows))


def _shown(value: object) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)
