"""`vidindex search`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.filters import LabelNumber, RecipeNumber
from vidindex.cli.tables import columns, counted

if TYPE_CHECKING:
    from vidindex.searching import SearchAnswer

CLASSES_SHOWN = 5


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, search, example="vidindex search sports car")


def search(
    call: Invocation,
    words: Annotated[
        list[str], typer.Argument(metavar="WORD…", help="Words of a class's name; plurals count.")
    ],
    *,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="Videos at most.")] = 20,
    least: Annotated[
        float | None,
        typer.Option(
            "--min",
            metavar="SCORE",
            help="The lowest score, in deviations above the library's mean; 0.5 by default.",
        ),
    ] = None,
    label: LabelNumber = None,
    recipe: RecipeNumber = None,
) -> Answer:
    """Find videos by what they show: by the classes of the network whose names hold the words."""
    from vidindex.library import Library

    answer = Library(settings=call.settings).search(
        words, limit=limit, least=least, label=label, recipe=recipe
    )
    return Answer(_data(answer), _text(answer))


def _data(answer: SearchAnswer) -> dict[str, Any]:
    return {
        "classes": list(answer.classes),
        "found": answer.found,
        "rows": [
            json_path(row.path)
            | {"hash": row.blake3.hex(), "score": row.score, "class": row.class_name}
            for row in answer.rows
        ],
    }


def _text(answer: SearchAnswer) -> str:
    listed = ", ".join(answer.classes[:CLASSES_SHOWN])
    more = len(answer.classes) - CLASSES_SHOWN
    searched = printable(listed + (f" and {more} more" if more > 0 else ""))
    if not answer.rows:
        return f"no video shows it much ({searched}); --min 0 lists more"
    rows = [(f"{row.score:.2f}", row.class_name, row.path) for row in answer.rows]
    head = f"{counted(answer.found, 'video')} by {searched}"
    if answer.found > len(rows):
        head += f"; the best {len(rows)}, --limit lists more"
    return f"{head}\n{columns(['score', 'class', 'path'], rows)}"
