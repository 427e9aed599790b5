"""The library at a glance, quickly, as it is looked at again and again. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vidindex.db import schema
from vidindex.store import clusterings, embeddings, files, moves, placements, recipes
from vidindex.store.clusterings import StoredRun
from vidindex.store.recipes import StoredRecipe

TAKEN_BACK = ("apply", "redo")  # by an undo that names no batch


@dataclass(frozen=True)
class Overview:
    """A library in numbers.

    present, missing: files. failures: files that cannot be used. runs: the oldest first. run: the
    one in use. unplaced: videos that have no place in it yet. undoable: the newest batch of which
    something can be put back, and how many moves; None if there is none. destination: of the
    newest apply.
    """

    library: Path
    present: int
    missing: int
    failures: int
    recipes: tuple[StoredRecipe, ...]
    runs: tuple[StoredRun, ...]
    run: StoredRun | None
    unplaced: int
    undoable: tuple[int, int] | None
    destination: Path | None


def get_overview(library: Path) -> Overview:
    """Count what a library holds."""
    with schema.open_for_reading(library) as database, database.reading() as session:
        present, missing, unreadable = files.count_files(session)
        runs = clusterings.list_runs(session)
        run = clusterings.run_in_use(runs)
        batches = moves.list_batches(session)
        undoable = moves.count_undoable(session)
        newest = max(
            (each.id for each in batches if each.id in undoable and each.kind in TAKEN_BACK),
            default=None,
        )
        return Overview(
            library,
            present,
            missing,
            len(embeddings.list_failures(session)) + unreadable,
            tuple(recipes.list_recipes(session)),
            tuple(runs),
            run,
            0 if run is None else placements.count_unplaced(session, run),
            None if newest is None else (newest, undoable[newest]),
            next((each.destination for each in batches[::-1] if each.kind == "apply"), None),
        )
