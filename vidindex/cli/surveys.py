"""`vidindex outliers`, `representatives` and `borderline`: lists over a clustering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path
from vidindex.cli.filters import LabelNumber, RunNumber
from vidindex.cli.tables import columns

if TYPE_CHECKING:
    from vidindex.surveying import TypicalAnswer

Limit = Annotated[int, typer.Option("--limit", metavar="N", help="Videos at most.")]
LimitEach = Annotated[
    int, typer.Option("--limit", metavar="N", help="Videos of each cluster at most.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    add_command(app, outliers, example="vidindex outliers --limit 20")
    add_command(app, representatives, example="vidindex representatives --limit 1")
    add_command(app, borderline, example="vidindex borderline --label 3")


def outliers(
    call: Invocation, label: LabelNumber = None, limit: Limit = 10, run: RunNumber = None
) -> Answer:
    """List the videos that fit their cluster least: unusually far from its centroid."""
    from vidindex.library import Library

    return _typical_answer(Library(settings=call.settings).outliers(run, label, limit=limit))


def representatives(
    call: Invocation, label: LabelNumber = None, limit: LimitEach = 3, run: RunNumber = None
) -> Answer:
    """List the videos that show best what each cluster is: nearest to its centroid."""
    from vidindex.library import Library

    return _typical_answer(Library(settings=call.settings).representatives(run, label, limit=limit))


def borderline(
    call: Invocation, label: LabelNumber = None, limit: Limit = 10, run: RunNumber = None
) -> Answer:
    """List the videos that could as well be in another cluster: the least margin first."""
    from vidindex.library import Library

    answer = Library(settings=call.settings).borderline(run, label, limit=limit)
    rows: list[dict[str, object]] = [
        json_path(row.path)
        | {
            "hash": row.blake3.hex(),
            "label": row.label,
            "name": row.name,
            "distance": row.distance,
            "other_label": row.other_label,
            "other_name": row.other_name,
            "other_distance": row.other_distance,
            "margin": row.margin,
        }
        for row in answer.rows
    ]
    lines = [
        (
            f"{row.margin:.3f}",
            _cluster(row.label, row.name),
            _cluster(row.other_label, row.other_name),
            row.path,
        )
        for row in answer.rows
    ]
    text = columns(["margin", "cluster", "or", "path"], lines)
    return Answer({"run": answer.run.id, "rows": rows}, text)


def _typical_answer(answer: TypicalAnswer) -> Answer:
    rows: list[dict[str, object]] = [
        json_path(row.path)
        | {
            "hash": row.blake3.hex(),
            "label": row.label,
            "name": row.name,
            "distance": row.distance,
            "relative": row.relative,
        }
        for row in answer.rows
    ]
    lines = [
        (_cluster(row.label, row.name), f"{row.distance:.4f}", f"{row.relative:.2f}", row.path)
        for row in answer.rows
    ]
    text = columns(["cluster", "distance", "relative", "path"], lines)
    return Answer({"run": answer.run.id, "rows": rows}, text)


def _cluster(label: int, name: str | None) -> str:
    return f"{label} {name}" if name else str(label)
