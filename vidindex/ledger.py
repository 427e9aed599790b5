"""What an index run writes into the library, each piece whole or not at all."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from vidindex.db.engine import Database
from vidindex.embedding import Recipe, VideoInfo
from vidindex.examining import Hashed
from vidindex.scanning import FileStat
from vidindex.store import embeddings, files, recipes, videos
from vidindex.store.embeddings import NewEmbedding
from vidindex.store.files import StoredFile
from vidindex.store.videos import KnownContent

LINKS_PER_COMMIT = 200


class IndexLedger:
    """The library's files and contents as one recipe sees them, kept up to date.

    recipe_id: its number in the library. contents: by hash. rows: the files as they were when the
    run began.
    """

    def __init__(
        self, database: Database, recipe: Recipe, weights_name: str, *, retry_failed: bool
    ) -> None:
        self._database = database
        with database.writing() as session:
            self.recipe_id = recipes.put_recipe(session, recipe, weights_name, now=_now())
            self.contents = videos.list_contents(session, self.recipe_id)
            self.rows = files.list_files(session)
        if retry_failed:
            self.contents = {
                blake3: KnownContent(content.video_id, content.has_vector)
                for blake3, content in self.contents.items()
            }
        self._by_path = {row.stat.path: row for row in self.rows}
        self._by_video: dict[int | None, list[StoredFile]] = defaultdict(list)
        for row in self.rows:
            self._by_video[row.video_id].append(row)
        self._followed: set[int] = set()
        self._links: list[tuple[Hashed, int]] = []

    def needs_frames(self, blake3: bytes) -> bool:
        """Whether a content has neither a vector nor a failure that stands."""
        content = self.contents.get(blake3)
        return content is None or not (content.has_vector or content.failure)

    def has_file(self, path: Path, video_id: int) -> bool:
        """Whether the library had this content at this path when the run began."""
        row = self._by_path.get(path)
        return row is not None and row.video_id == video_id

    def link(self, file: Hashed, video_id: int) -> None:
        """Store that a file holds a known content; many such share a commit."""
        self._links.append((file, video_id))
        if len(self._links) >= LINKS_PER_COMMIT:
            self.flush_links()

    def flush_links(self) -> None:
        """Commit the links that wait."""
        if self._links:
            with self._database.writing() as session:
                for file, video_id in self._links:
                    self._put(session, file, video_id)
            self._links = []

    def store_vector(
        self, places: Sequence[Hashed], info: VideoInfo, embedding: NewEmbedding
    ) -> None:
        """Store a content, its vector and the files that hold it, in one transaction."""
        blake3, size_bytes = places[0].blake3, places[0].stat.size_bytes
        with self._database.writing() as session:
            video_id = videos.put_video(session, blake3, size_bytes, info, now=_now())
            embeddings.put_embedding(session, self.recipe_id, video_id, embedding, now=_now())
            for file in places:
                self._put(session, file, video_id)
        self.contents[blake3] = KnownContent(video_id, has_vector=True)

    def store_failure(self, places: Sequence[Hashed], reason: str) -> None:
        """Store why a content has no vector, so that it is not tried again."""
        blake3, size_bytes = places[0].blake3, places[0].stat.size_bytes
        with self._database.writing() as session:
            video_id = videos.put_video(session, blake3, size_bytes, None, now=_now())
            embeddings.put_failure(session, self.recipe_id, video_id, reason, now=_now())
            for file in places:
                self._put(session, file, video_id)
        self.contents[blake3] = KnownContent(video_id, failure=reason)

    def store_unreadable(self, stat: FileStat, reason: str, *, checked_at_ns: int) -> None:
        """Store that a file could not be read."""
        with self._database.writing() as session:
            files.put_unreadable(session, stat, reason, checked_at_ns=checked_at_ns)

    def store_presence(self, missing: Sequence[StoredFile], returned: Sequence[StoredFile]) -> int:
        """Store which files are gone and which are back; return how many are newly gone."""
        gone = [row.id for row in missing if row.id not in self._followed]
        if gone or returned:
            with self._database.writing() as session:
                files.mark_missing(session, gone, since=_now())
                files.mark_present(session, [row.id for row in returned])
        return len(gone)

    def _put(self, session: Session, file: Hashed, video_id: int) -> None:
        """Store a file. One that has moved here takes its row along."""
        path = file.stat.path
        if path not in self._by_path:
            moved = self._find_moved(video_id)
            if moved is not None:
                self._followed.add(moved.id)
                files.rename_file(session, moved.id, path)
        files.put_file(session, file.stat, video_id=video_id, checked_at_ns=file.checked_at_ns)

    def _find_moved(self, video_id: int) -> StoredFile | None:
        """Return a file that held this content and is no longer at its place."""
        for row in self._by_video[video_id]:
            if row.id not in self._followed and not os.path.lexists(row.stat.path):
                return row
        return None


def _now() -> datetime:
    return datetime.now(UTC)
