"""`vidindex labels`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from vidindex.cli import filters, formats
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path
from vidindex.cli.formats import Format, FormatOption
from vidindex.cli.tables import columns

if TYPE_CHECKING:
    from vidindex.store.listings import ListedFile

_COLUMNS = ("path", "label", "name", "distance", "placed_later")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    notes = filters.FILTER_NOTES + formats.FORMAT_NOTES
    add_command(app, labels, example="vidindex labels --label 3", notes=notes)


def labels(
    call: Invocation,
    run: filters.RunNumber = None,
    label: filters.Label = None,
    *,
    name: filters.Name = None,
    unsorted: filters.Unsorted = False,
    path: filters.PathGlob = None,
    longer: filters.Longer = None,
    shorter: filters.Shorter = None,
    since: filters.Since = None,
    codec: filters.Codec = None,
    sort: filters.SortKey = None,
    limit: filters.Limit = None,
    output: FormatOption = Format.TABLE,
) -> Answer:
    """List which cluster each file is in, the most typical of each first."""
    filters.require_one_kind(label, name, unsorted=unsorted)
    from vidindex.library import Library
    from vidindex.listing import ListRequest
    from vidindex.store.listings import FileFilter

    key, is_descending = filters.to_sort(sort)
    wanted = FileFilter(
        is_labelled=True,
        path=filters.to_pattern(path),
        longer_s=filters.to_seconds(longer, "--longer"),
        shorter_s=filters.to_seconds(shorter, "--shorter"),
        since=filters.to_moment(since, "--since", datetime.now(UTC)),
        codec=codec,
        sort=("label", "distance") if key is None else (key,),
        is_descending=is_descending,
        limit=filters.to_limit(limit),
    )
    found = Library(settings=call.settings).files(ListRequest(wanted, run, label, name, unsorted))
    rows = [_data(file) for file in found.rows]
    listing = formats.Listing(
        {"run": None if found.run is None else found.run.id, "rows": rows},
        rows,
        _COLUMNS,
        lambda: _text(found.rows),
        [file.path for file in found.rows],
    )
    return formats.answer(call, output, listing)


def _data(file: ListedFile) -> dict[str, Any]:
    return {
        **json_path(file.path),
        "label": file.label,
        "name": file.name,
        "distance": file.distance,
        "placed_later": file.is_placed_later,
    }


def _text(rows: tuple[ListedFile, ...]) -> str:
    has_names = any(row.name for row in rows)
    lines = [
        (_shown(row.label), *([row.name or ""] * has_names), f"{row.distance:.4f}", row.path)
        for row in rows
    ]
    return columns(["label", *(["name"] * has_names), "distance", "path"], lines)


def _shown(label: int | None) -> int | str:
    return "unsorted" if label is None else label
