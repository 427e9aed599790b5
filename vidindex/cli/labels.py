"""`vidindex labels`."""

from __future__ import annotations

from typing import Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path
from vidindex.cli.tables import columns
from vidindex.errors import UsageError

RunNumber = Annotated[
    int | None,
    typer.Option("--run", metavar="N", help="Which clustering; the one in use by default."),
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
    *,
    unsorted: Annotated[
        bool, typer.Option("--unsorted", help="Only the files that fit no cluster.")
    ] = False,
) -> Answer:
    """List which cluster each file is in, the most typical of each first."""
    if unsorted and label is not None:
        raise UsageError("--label and --unsorted cannot both hold", "leave one of them out")
    from vidindex.library import Library

    answer = Library(settings=call.settings).labels(run, label, unsorted=unsorted)
    rows = [
        {
            **json_path(row.stat.path),
            "label": row.label,
            "name": row.name,
            "distance": row.distance,
            "placed_later": row.is_placed_later,
        }
        for row in answer.rows
    ]
    has_names = any(row.name for row in answer.rows)
    lines = [
        (_shown(row.label), *([row.name or ""] * has_names), f"{row.distance:.4f}", row.stat.path)
        for row in answer.rows
    ]
    text = columns(["label", *(["name"] * has_names), "distance", "path"], lines)
    return Answer({"run": answer.run.id, "rows": rows}, text)


def _shown(label: int | None) -> int | str:
    return "unsorted" if label is None else label
