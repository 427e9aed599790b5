"""What a library knows, told without the numbers of its rows, so that two can be compared."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

CONTENT = "(SELECT blake3 FROM videos WHERE videos.id = {0})"
RECIPE = "(SELECT fingerprint FROM recipes WHERE recipes.id = {0})"
RUN = "(SELECT created_at FROM clusterings AS run WHERE run.id = {0})"
KEYS = {
    "video_id": CONTENT,
    "recipe_id": RECIPE,
    "clustering_id": RUN,
    "previous_id": RUN,
}
PAIRS = ("separations", "distinctions")
TAKEN = (
    "recipes",
    "weight_sources",
    "videos",
    "files",
    "embeddings",
    "embedding_failures",
    "heads",
    "thumbnails",
    "clusterings",
    "clusters",
    "assignments",
    "projections",
    "library_maps",
    "map_points",
    "pins",
    *PAIRS,
)
NOT_TAKEN = {
    "alembic_version",
    "decoding_attempts",
    "move_batches",
    "moves",
    "made_folders",
    "pruned_folders",
}


def dump(library: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of every table that a merge takes, in order."""
    with closing(sqlite3.connect(library)) as raw:
        assert {*TAKEN} | NOT_TAKEN == {
            name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        return {table: sorted(_rows(raw, table), key=repr) for table in TAKEN}


def _rows(raw: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    names = [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]
    if table in PAIRS:
        one, two = CONTENT.format("video_id"), CONTENT.format("other_id")
        shown = [f"min({one}, {two})", f"max({one}, {two})", "made_at"]
    else:
        shown = [KEYS.get(name, "{0}").format(f"{table}.{name}") for name in names if name != "id"]
    return raw.execute(f"SELECT {', '.join(shown)} FROM {table}").fetchall()
