"""Look whether every stored vector can be used."""

from __future__ import annotations

from pathlib import Path

from vidindex.db import schema
from vidindex.errors import DatabaseUnusable
from vidindex.store import embeddings, files, videos


def check_vectors(library: Path) -> None:
    """Look for vectors that are not finite.

    Raises:
        DatabaseUnusable: there are some; with the first file of the first of them.
    """
    with schema.open_for_reading(library) as database, database.reading() as session:
        damaged = embeddings.find_damaged(session)
        if not damaged:
            return
        recipe, content = damaged[0]
        (video,) = videos.find_videos(session, content.hex())
        known = [file.stat.path for file in files.list_files(session, video_id=video.id)]
    others = f", and {len(damaged) - 1} more" if len(damaged) > 1 else ""
    raise DatabaseUnusable(
        f"{library}: the vector of {known[0] if known else content.hex()} by recipe {recipe} is "
        f"damaged{others}",
        "cluster leaves such videos out; a backup (vidindex db backup) in its place mends it",
    )
