"""`vidindex status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.tables import counted

if TYPE_CHECKING:
    from vidindex.querying import Status
    from vidindex.spreads import Drift
    from vidindex.store.moves import StoredBatch

FAILURES_SHOWN = 3


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, status, example="vidindex status")


def status(call: Invocation) -> Answer:
    """Tell the state of the library: files, vectors, failures, clusterings, the last moves."""
    from vidindex.library import Library

    state = Library(settings=call.settings).status()
    return Answer(_data(state), _text(state, wants_thumbnails=call.settings.thumbnails > 0))


def _data(state: Status) -> dict[str, Any]:
    return {
        **json_path(state.library, "library"),
        "files": {
            "present": state.present,
            "missing": state.missing,
            "unreadable": len(state.unreadable),
        },
        "unreadable": [
            json_path(file.stat.path) | {"reason": printable(file.read_error)}
            for file in state.unreadable
        ],
        "recipes": [
            {
                "recipe": stored.id,
                "weights": stored.weights_name,
                "description": stored.description,
                "vectors": stored.vectors,
                "failures": stored.failures,
            }
            for stored in state.recipes
        ],
        "failures": [
            json_path(failure.path)
            | {"recipe": failure.recipe_id, "reason": printable(failure.reason)}
            for failure in state.failures
        ],
        "runs": state.runs,
        "run": None if state.run is None else state.run.id,
        "unplaced": state.unplaced,
        "unpictured": state.unpictured,
        "drift": None if state.drift is None else _drift_data(state.drift),
        "batch": None if state.batch is None else _batch_data(state.batch),
    }


def _drift_data(drift: Drift) -> dict[str, Any]:
    return {
        "placed": drift.placed,
        "unsorted": drift.unsorted,
        "unsorted_share": drift.unsorted_share,
        "rise": drift.rise,
        "would_pay": drift.has_many_unsorted or drift.has_risen,
    }


def _batch_data(batch: StoredBatch) -> dict[str, Any]:
    return {
        "batch": batch.id,
        "kind": batch.kind,
        "state": batch.state,
        "started_at": batch.started_at.isoformat(),
        "moves": batch.counts,
    } | json_path(batch.destination, "destination")


def _text(state: Status, *, wants_thumbnails: bool) -> str:
    lines = [
        f"library  {printable(state.library)}",
        f"files    {state.present} present, {state.missing} missing, "
        f"{len(state.unreadable)} unreadable",
    ]
    for stored in state.recipes:
        lines.append(
            f"recipe   {stored.id}: {printable(stored.description)}; "
            f"{counted(stored.vectors, 'vector')}, {counted(stored.failures, 'failure')}"
        )
    in_use = "" if state.run is None else f"; run {state.run.id} is in use"
    lines.append(f"runs     {counted(state.runs, 'clustering')}{in_use}")
    if state.unplaced:
        lines.append(
            f"unplaced {counted(state.unplaced, 'video')} without a place in that run: "
            "vidindex assign gives them one"
        )
    if state.unpictured and wants_thumbnails:
        lines.append(
            f"pictures {counted(state.unpictured, 'video')} without thumbnails: "
            "vidindex index --add-thumbnails PATH makes them"
        )
    if state.drift is not None and state.run is not None:
        lines += _drift_lines(state.drift, state.run.k)
    if state.batch is not None:
        lines.append(f"moves    {_batch_text(state.batch)}")
    failed = [f"{file.stat.path}: {file.read_error}" for file in state.unreadable]
    failed += [f"{failure.path}: {failure.reason}" for failure in state.failures]
    lines += [f"failed   {printable(failure)}" for failure in failed[:FAILURES_SHOWN]]
    if len(failed) > FAILURES_SHOWN:
        more = len(failed) - FAILURES_SHOWN
        lines.append(f"failed   and {more} more: vidindex failures lists them")
    return "\n".join(lines)


def _drift_lines(drift: Drift, k: int) -> list[str]:
    reasons = []
    if drift.has_many_unsorted:
        reasons.append(
            f"{drift.unsorted_share:.0%} of {counted(drift.placed, 'new video')} fit no cluster"
        )
    if drift.has_risen:
        reasons.append(
            f"new videos lie {drift.rise:.2f} times as far from their centroids as expected"
        )
    if not reasons:
        return []
    why = " and ".join(reasons)
    return [f"drift    a new clustering would pay: {why}; try: vidindex cluster -k {k}"]


def _batch_text(batch: StoredBatch) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in sorted(batch.counts.items()))
    text = f"batch {batch.id} ({batch.kind}, {printable(batch.destination)}): {counts}"
    if batch.state == "finished":
        return text
    return f"{text}; not finished: run {batch.kind} again to go on, or undo"
