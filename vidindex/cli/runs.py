"""`vidindex runs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from vidindex.cli import formats
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path
from vidindex.cli.formats import Format, FormatOption
from vidindex.cli.tables import columns

if TYPE_CHECKING:
    from vidindex.store.clusterings import StoredRun

_COLUMNS = (
    *("id", "in_use", "recipe_id", "algorithm", "k", "seed", "n_init", "normalize", "scope"),
    *("video_count", "inertia", "silhouette", "stability", "previous_id", "software"),
    *("created_at", "used_at"),
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, runs, example="vidindex runs", notes=formats.FORMAT_NOTES)


def runs(call: Invocation, *, output: FormatOption = Format.TABLE) -> Answer:
    """List the stored clusterings, with what each was made from."""
    from vidindex import querying
    from vidindex.library import Library

    stored = Library(settings=call.settings).runs()
    in_use = querying.in_use(stored)
    rows = [run_data(run) | {"in_use": run is in_use} for run in stored]
    listing = formats.Listing({"runs": rows}, rows, _COLUMNS, lambda: _text(stored, in_use))
    return formats.answer(call, output, listing)


def _text(stored: list[StoredRun], in_use: StoredRun | None) -> str:
    rows = [
        (
            run.id,
            "*" if run is in_use else "",
            run.algorithm,
            run.k,
            run.video_count,
            f"{run.inertia:.4g}",
            "" if run.silhouette is None else f"{run.silhouette:.3f}",
            run.seed,
            run.normalize,
            run.n_init,
            run.recipe_id,
            f"{run.created_at:%Y-%m-%d %H:%M}",
            run.scope or "",
        )
        for run in stored
    ]
    header = (
        "run in_use algorithm k videos inertia silhouette seed normalize n_init recipe made(UTC) "
        "within"
    )
    if not rows:
        return "nothing is clustered yet; try: vidindex cluster -k 10"
    return columns(header.split(), rows)


def run_data(run: StoredRun) -> dict[str, object]:
    """Return a run for JSON."""
    scope = {"scope": None} if run.scope is None else json_path(run.scope, "scope")
    times = {
        "created_at": run.created_at.isoformat(),
        "used_at": None if run.used_at is None else run.used_at.isoformat(),
    }
    return vars(run) | times | scope
