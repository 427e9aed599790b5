"""`vidindex failures`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import typer

from vidindex.cli import formats
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.formats import Format, FormatOption
from vidindex.cli.tables import columns, counted

if TYPE_CHECKING:
    from vidindex.querying import FailuresAnswer


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, failures, example="vidindex failures", notes=formats.FORMAT_NOTES)


def failures(call: Invocation, *, output: FormatOption = Format.TABLE) -> Answer:
    """List the files that could not be decoded or read, with the reason, and count the reasons."""
    from vidindex.library import Library

    found = Library(settings=call.settings).failures()
    rows = _rows(found)
    reasons = Counter(row["reason"] for row in rows)
    paths = [failure.path for failure in found.undecodable]
    paths += [file.stat.path for file in found.unreadable]
    listing = formats.Listing(
        {"rows": rows, "reasons": dict(reasons.most_common())},
        rows,
        ("path", "reason", "recipe", "weights", "failed_at"),
        lambda: _text(rows, reasons),
        list(dict.fromkeys(paths)),  # once, by whatever number of recipes it failed
    )
    return formats.answer(call, output, listing)


def _rows(answer: FailuresAnswer) -> list[dict[str, Any]]:
    """Return the failures for JSON; recipe, weights and failed_at are of those that were read."""
    undecodable: list[dict[str, Any]] = [
        {
            **json_path(failure.path),
            "reason": printable(failure.reason),
            "recipe": failure.recipe_id,
            "weights": failure.weights_name,
            "failed_at": failure.failed_at.isoformat(),
        }
        for failure in answer.undecodable
    ]
    unreadable: list[dict[str, Any]] = [
        {
            **json_path(file.stat.path),
            "reason": printable(file.read_error),
            "recipe": None,
            "weights": None,
            "failed_at": None,
        }
        for file in answer.unreadable
    ]
    return undecodable + unreadable


def _text(rows: list[dict[str, Any]], reasons: Counter[str]) -> str:
    if not rows:
        return "no failures"
    table = columns(
        ["tried(UTC)", "recipe", "weights", "path", "reason"],
        [
            (
                (row["failed_at"] or "")[:16].replace("T", " "),
                "" if row["recipe"] is None else str(row["recipe"]),
                row["weights"] or "",
                row["path"],
                row["reason"],
            )
            for row in rows
        ],
    )
    counts = columns(["files", "reason"], [(count, why) for why, count in reasons.most_common()])
    hint = "vidindex index PATH --retry-failed tries them again"
    return f"{table}\n\n{counts}\n{counted(len(rows), 'failure')}; {hint}"
