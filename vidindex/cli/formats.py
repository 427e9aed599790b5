"""The forms that a list is answered in: a table for people; JSON, CSV and paths for programs."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from vidindex.cli.command import Answer, Invocation
from vidindex.cli.escaping import printable
from vidindex.cli.tables import counted
from vidindex.errors import UsageError
from vidindex.escaping import is_formula

FORMAT_NOTES = (
    "\n\nFormats: json is what --json prints; jsonl is one object a line; csv is RFC 4180, where "
    "a text that a spreadsheet would run as a formula gets a ' in front; paths0 is the exact bytes "
    "of each path with a NUL behind it, as xargs -0 reads. All but paths0 escape what could harm "
    "a terminal."
)


class Format(StrEnum):
    """How a list is answered."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    PATHS0 = "paths0"


FormatOption = Annotated[Format, typer.Option("--format", help="How to answer.", show_choices=True)]


@dataclass(frozen=True)
class Listing:
    """A list in every form.

    data: the JSON object; rows: the list in it, each with at least the keys of columns, which are
    those of the CSV. lay_out: makes the table. paths: of paths0; None where a row has none.
    """

    data: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    columns: Sequence[str]
    lay_out: Callable[[], str]
    paths: Iterable[Path | bytes] | None = None


def answer(call: Invocation, output: Format, listing: Listing) -> Answer:
    """Answer with a list in the form that was asked for.

    Raises:
        UsageError: the form does not suit the list, or two forms are asked for.
    """
    if call.is_json and output not in (Format.TABLE, Format.JSON):
        raise UsageError(f"--json and --format {output} cannot both hold", "leave one of them out")
    if output is Format.PATHS0:
        return Answer(listing.data, "", raw=_to_paths0(listing))
    if output is Format.JSONL:
        return Answer(listing.data, "\n".join(json.dumps(row) for row in listing.rows))
    if output is Format.CSV:
        return Answer(listing.data, "", raw=_to_csv(call, listing))
    return Answer(listing.data, "" if call.is_json else listing.lay_out())


def _to_paths0(listing: Listing) -> bytes:
    if listing.paths is None:
        raise UsageError(
            "there are no paths here for --format paths0",
            "choose another format; of vidindex sql, select a column named path_bytes or path",
        )
    return b"".join(os.fsencode(path) + b"\0" for path in listing.paths)


def _to_csv(call: Invocation, listing: Listing) -> bytes:
    """Return the rows as RFC 4180 asks, in UTF-8; lines end with CR LF."""
    lines = [[_cell(row[column]) for column in listing.columns] for row in listing.rows]
    made_inert = sum(isinstance(cell, _Inert) for line in lines for cell in line)
    if made_inert:
        call.reporter.notice(
            f"{counted(made_inert, 'cell')} that a spreadsheet would run as a formula: "
            "a ' stands in front of each"
        )
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([_cell(column) for column in listing.columns])
    writer.writerows(lines)
    return text.getvalue().encode()


class _Inert(str):
    """A text that begins like a formula, with a ' in front."""

    __slots__ = ()


def _cell(cell: object) -> object:
    if isinstance(cell, bool):
        return int(cell)
    if not isinstance(cell, str):
        return cell
    shown = printable(cell)
    return _Inert(f"'{shown}") if is_formula(shown) else shown
