"""`vidindex labels`."""

from __future__ import annotations

from typing import Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path
from vidindex.cli.tables import columns

RunNumber = Annotated[
    int | None, typer.Option("--run", metavar="N", help="Which clustering; the newest by default.")
]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, labels, example="vidindex labels --label 3")


def labels(
    call: Invocation,
    run: RunNumber = None,
    label: Annotated[
        int | None, typer.Option("--label", metavar="N", help="Only this cluster.")
    ] = None,
) -> Answer:
    """List which cluster each file is in, the most typical of each first."""
    from vidindex.library import Library

    answer = Library(settings=call.settings).labels(run, label)
    rows = [
        {
            **json_path(row.stat.path),
            "label": row.label,
            "name": row.name,
            "distance": row.distance,
        }
        for row in answer.rows
    ]
    has_names = any(row.name for row in answer.rows)
    lines = [
        (row.label, *([row.name or ""] * has_names), f"{row.distance:.4f}", row.stat.path)
        for row in answer.rows
    ]
    text = columns(["label", *(["name"] * has_names), "distance", "path"], lines)
    return Answer({"run": answer.run.id, "rows": rows}, text)
