"""`vidindex sql`."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli import filters, formats
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.formats import Format, FormatOption
from vidindex.cli.signals import stop_request
from vidindex.cli.tables import columns, counted
from vidindex.errors import UsageError

if TYPE_CHECKING:
    from vidindex.store.statements import StatementResult, Value

TIME_LIMIT_S = 20.0  # below what a writer waits for, so that no statement makes one fail

VIEWS = {
    "v_videos": "video hash path path_bytes files missing size_bytes duration_s width_px height_px"
    " codec added_at vectors failure",
    "v_labels": "run in_use label name distance placed_later video hash path path_bytes",
    "v_clusters": "run in_use label name name_source size videos algorithm k created_at",
    "v_moves": "move batch kind mode started_at run undoes_batch position action sidecar state"
    " reason hash size_bytes source target source_bytes target_bytes",
}
_ROWS = {
    "v_videos": "a content a row, with the first of its paths",
    "v_labels": "a file of a run a row",
    "v_clusters": "a cluster of a run a row",
    "v_moves": "a move of a batch a row",
}
_NOTES = (
    "\n\n"
    + "\n\n".join(f"{view}, {_ROWS[view]}: {', '.join(VIEWS[view].split())}" for view in VIEWS)
    + "\n\nTimes are UTC. A column named path, source, target, scope or destination, or one of "
    "these with _bytes, is shown as a path, any other that holds bytes in hex. The views stay as "
    "they are from version to version; the tables below them may change."
) + formats.FORMAT_NOTES

_PATHS = ("path", "source", "target", "scope", "destination")
_PATH_COLUMNS = frozenset(name + ending for name in _PATHS for ending in ("", "_bytes"))


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    example = 'vidindex sql "SELECT name, videos FROM v_clusters WHERE in_use"'
    add_command(app, sql, example=example, notes=_NOTES)


def sql(
    call: Invocation,
    statement: Annotated[
        str | None,
        typer.Argument(metavar="STATEMENT", help="One that reads; - takes it from stdin."),
    ] = None,
    *,
    views: Annotated[bool, typer.Option("--views", help="Only list the views.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", help="Rows at most.")] = None,
    time_limit: Annotated[
        str,
        typer.Option(
            "--time-limit", metavar="DURATION", help="As long, changes to the library wait."
        ),
    ] = f"{TIME_LIMIT_S:g}s",
    output: FormatOption = Format.TABLE,
) -> Answer:
    """Ask the library in SQL: its tables, and views that are made for this. Nothing is changed."""
    if views == (statement is not None):
        raise UsageError(
            "one of STATEMENT and --views is needed", "vidindex sql --views lists what there is"
        )
    if statement is None:
        return formats.answer(call, output, _list_views())
    from vidindex.library import Library

    text = _read_stdin() if statement == "-" else statement
    with stop_request() as stopping:
        try:
            result = Library(settings=call.settings).sql(
                text,
                limit=filters.to_limit(limit),
                time_limit_s=filters.to_seconds(time_limit, "--time-limit") or TIME_LIMIT_S,
                stopping=stopping,
            )
        finally:
            stopping.raise_if_asked()
    return formats.answer(call, output, _listing(result))


def _read_stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise UsageError("the statement on stdin is not UTF-8", "write it in UTF-8") from error


def _list_views() -> formats.Listing:
    rows = [{"view": view, "column": column} for view in VIEWS for column in VIEWS[view].split()]
    views = [{"view": view, "columns": VIEWS[view].split()} for view in VIEWS]
    shown = [(view, _ROWS[view], ", ".join(VIEWS[view].split())) for view in VIEWS]
    return formats.Listing(
        {"views": views},
        rows,
        ("view", "column"),
        lambda: "\n".join(f"{view}: {what}\n    {names}" for view, what, names in shown),
    )


def _listing(result: StatementResult) -> formats.Listing:
    names = _distinct(result.columns)
    are_paths = [column in _PATH_COLUMNS for column in result.columns]
    rows = [_data(names, are_paths, row) for row in result.rows]
    return formats.Listing(
        {"columns": names, "rows": rows, "cut": result.is_cut},
        rows,
        names,
        lambda: _text(names, are_paths, result),
        _paths(result),
    )


def _distinct(names: Sequence[str]) -> list[str]:
    """Return names that can be keys: printable, and the second "a" is "a_2"."""
    distinct: list[str] = []
    for name in map(printable, names):
        number, candidate = 1, name
        while candidate in distinct:
            number += 1
            candidate = f"{name}_{number}"
        distinct.append(candidate)
    return distinct


def _data(names: Sequence[str], are_paths: Sequence[bool], row: Sequence[Value]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, is_path, value in zip(names, are_paths, row, strict=True):
        if isinstance(value, bytes) and is_path:
            found |= json_path(Path(os.fsdecode(value)), name)
        else:
            found[name] = _shown(value, is_path=is_path)
    return found


def _shown(value: Value, *, is_path: bool) -> int | float | str | None:
    """Return a value for a program: bytes as a path or in hex, and no number that JSON lacks."""
    if isinstance(value, bytes):
        return printable(os.fsdecode(value)) if is_path else value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str) and not value.isprintable():  # surrogates are bytes of no text
        return value.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return value


def _text(names: Sequence[str], are_paths: Sequence[bool], result: StatementResult) -> str:
    cells = [
        [
            "" if value is None else _shown(value, is_path=is_path)
            for value, is_path in zip(row, are_paths, strict=True)
        ]
        for row in result.rows
    ]
    more = "; there are more: without --limit all are shown" if result.is_cut else ""
    return f"{columns(names, cells)}\n{counted(len(cells), 'row')}{more}"


def _paths(result: StatementResult) -> list[Path | bytes] | None:
    """Return the paths of the rows, the exact ones if they are there; None if there are none."""
    for wanted in ("path_bytes", "path"):
        if wanted in result.columns:
            place = result.columns.index(wanted)
            return [_to_path(row[place]) for row in result.rows if row[place] is not None]
    return None


def _to_path(value: Value) -> bytes:
    return value if isinstance(value, bytes) else os.fsencode(str(value))
