"""`vidindex history`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path
from vidindex.cli.tables import columns, counted
from vidindex.errors import UsageError

if TYPE_CHECKING:
    from vidindex.querying import PastBatch

_HEADER = (
    "batch kind mode started state done skipped failed left undoes undone_by undoable destination"
)
_SETTLED = ("done", "skipped", "failed")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, history, example="vidindex history --limit 10")


def history(
    call: Invocation,
    *,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="Only the newest so many.")
    ] = None,
) -> Answer:
    """List the batches of moves, the newest first: what each did, and what undo can put back."""
    from vidindex.library import Library

    if limit is not None and limit < 1:
        raise UsageError(
            f"a list of {limit} batches shows nothing", "give --limit 1 or more, or leave it out"
        )
    past = Library(settings=call.settings).history()
    shown = past[:limit]
    return Answer({"batches": [_batch_data(each) for each in shown]}, _text(shown, len(past)))


def _text(shown: list[PastBatch], known: int) -> str:
    if not shown:
        return "no files were moved yet; try: vidindex apply DEST --dry-run"
    lines = [columns(_HEADER.split(), [_row(each) for each in shown])]
    if older := known - len(shown):
        lines.append(f"… and {counted(older, 'older batch', 'older batches')}")
    return "\n".join(lines)


def _row(past: PastBatch) -> tuple[object, ...]:
    batch, counts = past.batch, past.batch.counts
    settled = sum(counts.get(state, 0) for state in _SETTLED)
    return (
        batch.id,
        batch.kind,
        batch.mode,
        f"{batch.started_at.astimezone():%Y-%m-%d %H:%M}",
        batch.state,
        *(counts.get(state, 0) for state in _SETTLED),
        sum(counts.values()) - settled,
        batch.undoes_batch or "",
        ",".join(map(str, past.undone_by)),
        past.undoable,
        batch.destination,
    )


def _batch_data(past: PastBatch) -> dict[str, Any]:
    batch, counts = past.batch, past.batch.counts
    settled = {state: counts.get(state, 0) for state in _SETTLED}
    return {
        "batch": batch.id,
        "kind": batch.kind,
        "mode": batch.mode,
        "state": batch.state,
        "started_at": batch.started_at.isoformat(),
        "finished_at": None if batch.finished_at is None else batch.finished_at.isoformat(),
        "run": batch.run,
        "undoes": batch.undoes_batch,
        "undone_by": list(past.undone_by),
        "undoable": past.undoable,
        **settled,
        "left": sum(counts.values()) - sum(settled.values()),
        **json_path(batch.destination, "destination"),
    }
