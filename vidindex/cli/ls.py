"""`vidindex ls`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli import filters, formats
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.formats import Format, FormatOption
from vidindex.cli.tables import columns, counted, duration, size

if TYPE_CHECKING:
    from vidindex.listing import ListAnswer
    from vidindex.store.listings import ListedFile

_COLUMNS = [
    "path",
    "hash",
    "size_bytes",
    "duration_s",
    "width_px",
    "height_px",
    "codec",
    "added_at",
    "missing_since",
    "failure",
    "label",
    "name",
    "distance",
    "placed_later",
]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    example = "vidindex ls --longer 10m --since 7d --sort -size --limit 20"
    add_command(app, ls, example=example, notes=filters.FILTER_NOTES + formats.FORMAT_NOTES)


def ls(
    call: Invocation,
    *,
    run: filters.RunNumber = None,
    label: filters.Label = None,
    name: filters.Name = None,
    unsorted: filters.Unsorted = False,
    path: filters.PathGlob = None,
    longer: filters.Longer = None,
    shorter: filters.Shorter = None,
    since: filters.Since = None,
    codec: filters.Codec = None,
    missing: Annotated[
        bool,
        typer.Option("--missing", help="Only files that are gone.", rich_help_panel="Which files"),
    ] = False,
    failed: Annotated[
        bool,
        typer.Option(
            "--failed",
            help="Only what could not be read or decoded.",
            rich_help_panel="Which files",
        ),
    ] = False,
    sort: filters.SortKey = None,
    limit: filters.Limit = None,
    output: FormatOption = Format.TABLE,
) -> Answer:
    """List the files that the library knows, of a cluster or not: all, or those that fit."""
    from vidindex.library import Library
    from vidindex.listing import ListRequest
    from vidindex.store.listings import FileFilter

    filters.require_one_kind(label, name, unsorted=unsorted)
    key, is_descending = filters.to_sort(sort)
    wanted = FileFilter(
        path=filters.to_pattern(path),
        longer_s=filters.to_seconds(longer, "--longer"),
        shorter_s=filters.to_seconds(shorter, "--shorter"),
        since=filters.to_moment(since, "--since", datetime.now(UTC)),
        codec=codec,
        is_missing=missing,
        is_failed=failed,
        sort=(key or "path",),
        is_descending=is_descending,
        limit=filters.to_limit(limit),
    )
    request = ListRequest(wanted, run, label, name, unsorted)
    found = Library(settings=call.settings).files(request)
    return formats.answer(call, output, _listing(found))


def _listing(found: ListAnswer) -> formats.Listing:
    rows = [_data(file) for file in found.rows]
    data = {
        "run": None if found.run is None else found.run.id,
        "found": found.totals.files,
        "size_bytes": found.totals.size_bytes,
        "duration_s": found.totals.duration_s,
        "rows": rows,
    }
    return formats.Listing(
        data, rows, _COLUMNS, lambda: _text(found), [file.path for file in found.rows]
    )


def _data(file: ListedFile) -> dict[str, Any]:
    return {
        **json_path(file.path),
        "hash": None if file.blake3 is None else file.blake3.hex(),
        "size_bytes": file.size_bytes,
        "duration_s": file.duration_s,
        "width_px": file.width_px,
        "height_px": file.height_px,
        "codec": file.codec,
        "added_at": None if file.added_at is None else file.added_at.isoformat(),
        "missing_since": None if file.missing_since is None else file.missing_since.isoformat(),
        "failure": None if file.failure is None else printable(file.failure),
        "label": file.label,
        "name": file.name,
        "distance": file.distance,
        "placed_later": file.is_placed_later,
    }


def _text(found: ListAnswer) -> str:
    if not found.rows:
        return "none of the library's files is like that"
    cells: dict[str, list[object]] = {
        "label": [_label(file) for file in found.rows],
        "name": [file.name or "" for file in found.rows],
        "length": [
            "" if file.duration_s is None else duration(file.duration_s) for file in found.rows
        ],
        "size": [size(file.size_bytes) for file in found.rows],
        "codec": [file.codec or "" for file in found.rows],
        "added": [
            f"{file.added_at.astimezone():%Y-%m-%d}" if file.added_at else "" for file in found.rows
        ],
        "state": [_state(file) for file in found.rows],
        "path": [file.path for file in found.rows],
    }
    shown = {title: column for title, column in cells.items() if any(cell != "" for cell in column)}
    table = columns(list(shown), list(zip(*shown.values(), strict=True)))
    return f"{table}\n{_summary(found)}"


def _label(file: ListedFile) -> int | str:
    if file.label is not None:
        return file.label
    return "" if file.distance is None else "unsorted"


def _state(file: ListedFile) -> str:
    if file.missing_since is not None:
        return "missing"
    return "" if file.failure is None else "failed"


def _summary(found: ListAnswer) -> str:
    totals = found.totals
    text = (
        f"{counted(totals.files, 'file')}, {size(totals.size_bytes)}, {duration(totals.duration_s)}"
    )
    shown = len(found.rows)
    return text if shown == totals.files else f"{text}; {shown} of them shown"
