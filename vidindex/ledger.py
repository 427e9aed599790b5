"""What an index run writes into the library: kept until saved, and saved in one transaction."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

from sqlalchemy.orm import Session

from vidindex.db.engine import Database
from vidindex.embedding import Recipe, VideoInfo
from vidindex.errors import Refused, SystemStopped, VidindexError, WeightsError
from vidindex.examining import Decoded, Hashed
from vidindex.paths import is_file_at
from vidindex.scanning import FileStat
from vidindex.store import attempts, embeddings, files, recipes, thumbnails, videos
from vidindex.store.embeddings import NewEmbedding
from vidindex.store.files import StoredFile
from vidindex.store.thumbnails import NewThumbnail
from vidindex.store.videos import KnownContent

WRITES_PER_COMMIT = 200
WAIT_S = 1.0  # what is known for so long is saved, though little


class IndexLedger:
    """The library's files and contents as one recipe sees them, kept up to date.

    database: the library, open for writing. recipe_id: its number in the library. contents: by
    hash, what is not saved yet included. rows: the files as they were when the run began.
    attempts: how many times a content was being decoded when vidindex was ended. saved_vectors:
    how many vectors have reached the disk. can_save: false once the library could not be written.
    """

    def __init__(
        self, database: Database, recipe: Recipe, weights_name: str, *, retry_failed: bool
    ) -> None:
        self.database = database
        self.recipe_id = _require_recipe(database, recipe, weights_name)
        with database.reading() as session:
            self.contents = videos.list_contents(session, self.recipe_id)
            self.rows = files.list_files(session)
            self.attempts = attempts.list_attempts(session)
        if retry_failed:
            self.contents = {
                blake3: KnownContent(content.video_id, content.has_vector)
                for blake3, content in self.contents.items()
            }
        self._followed: set[int] = set()
        self._writes: list[Callable[[Session], object]] = []
        self._waiting_since_s = 0.0
        self._new_vectors = 0
        self.saved_vectors = 0
        self.can_save = True

    @property
    def is_overdue(self) -> bool:
        """Whether many writes wait to be saved, or one has waited for long."""
        waited_s = time.monotonic() - self._waiting_since_s
        return len(self._writes) >= WRITES_PER_COMMIT or bool(self._writes and waited_s > WAIT_S)

    def needs_frames(self, blake3: bytes) -> bool:
        """Whether a content has neither a vector nor a failure that stands."""
        content = self.contents.get(blake3)
        return content is None or not (content.has_vector or content.failure)

    def has_file(self, path: Path, blake3: bytes) -> bool:
        """Whether the library had this content at this path when the run began."""
        row = self._by_path.get(path)
        return row is not None and row.blake3 == blake3

    def begin(self, blake3: bytes) -> None:
        """Note that the decoding of a content begins."""
        self._note(partial(attempts.count_attempt, blake3=blake3, now=_now()))

    def end(self, blake3: bytes) -> None:
        """Note that a content is decoded: it will not be what ends vidindex."""
        self._note(partial(attempts.forget_attempts, contents=[blake3]))

    def abandon(self, contents: Sequence[bytes]) -> None:
        """Note that the decoding of contents was ended on purpose."""
        self._note(partial(attempts.take_back_attempts, contents=contents))

    def link(self, file: Hashed) -> None:
        """Note that a file holds a known content."""
        self._note(partial(self._put_file, file=file))

    def add_vector(
        self, places: Sequence[Hashed], decoded: Decoded, embedding: NewEmbedding
    ) -> None:
        """Note a content, its vector, its thumbnails and the files that hold it."""
        self._learn(places[0].blake3, KnownContent(None, has_vector=True))
        self._note(partial(self._put_vector, places=places, decoded=decoded, embedding=embedding))
        self._new_vectors += 1

    def add_failure(self, places: Sequence[Hashed], reason: str) -> None:
        """Note why a content has no vector, so that it is not tried again."""
        self._learn(places[0].blake3, KnownContent(None, failure=reason))
        self._note(partial(self._put_failure, places=places, reason=reason))

    def add_unreadable(self, stat: FileStat, reason: str, *, checked_at_ns: int) -> None:
        """Note that a file could not be read."""
        self._note(
            partial(files.put_unreadable, stat=stat, reason=reason, checked_at_ns=checked_at_ns)
        )

    def save(self) -> None:
        """Commit all that waits, in one transaction."""
        if not self._writes:
            return
        try:
            with self.database.writing() as session:
                for write in self._writes:
                    write(session)
        except VidindexError:
            self.can_save = False
            raise
        self._writes = []
        self.saved_vectors += self._new_vectors
        self._new_vectors = 0

    @contextmanager
    def telling_what_is_kept(self) -> Iterator[None]:
        """Say of a run that cannot go on how much of it is kept, also if rights were lost."""
        try:
            yield
        except WeightsError:
            raise
        except (SystemStopped, Refused) as stopped:
            plural = "" if self.saved_vectors == 1 else "s"
            raise SystemStopped(
                f"{stopped.message}; what this run had stored before is kept "
                f"({self.saved_vectors} new video{plural})",
                stopped.hint,
            ) from stopped

    def store_presence(self, missing: Sequence[StoredFile], returned: Sequence[StoredFile]) -> int:
        """Store which files are gone and which are back; return how many are newly gone."""
        gone = [row.id for row in missing if row.id not in self._followed]
        if gone or returned:
            with self.database.writing() as session:
                files.mark_missing(session, gone, since=_now())
                files.mark_present(session, [row.id for row in returned])
        return len(gone)

    def _note(self, write: Callable[[Session], object]) -> None:
        if not self._writes:
            self._waiting_since_s = time.monotonic()
        self._writes.append(write)

    def _learn(self, blake3: bytes, content: KnownContent) -> None:
        known = self.contents.get(blake3)
        video_id = None if known is None else known.video_id
        self.contents[blake3] = KnownContent(video_id, content.has_vector, content.failure)

    def _put_vector(
        self,
        session: Session,
        places: Sequence[Hashed],
        decoded: Decoded,
        embedding: NewEmbedding,
    ) -> None:
        video_id = self._put_video(session, places[0], decoded.info)
        embeddings.put_embedding(session, self.recipe_id, video_id, embedding, now=_now())
        put_thumbnails(session, video_id, decoded)
        for file in places:
            self._put_file(session, file)

    def _put_failure(self, session: Session, places: Sequence[Hashed], reason: str) -> None:
        attempts.forget_attempts(session, [places[0].blake3])
        video_id = self._put_video(session, places[0], None)
        embeddings.put_failure(session, self.recipe_id, video_id, reason, now=_now())
        for file in places:
            self._put_file(session, file)

    def _put_video(self, session: Session, file: Hashed, info: VideoInfo | None) -> int:
        video_id = videos.put_video(session, file.blake3, file.stat.size_bytes, info, now=_now())
        known = self.contents[file.blake3]
        self.contents[file.blake3] = KnownContent(video_id, known.has_vector, known.failure)
        return video_id

    def _put_file(self, session: Session, file: Hashed) -> None:
        """Store a file. One that has moved here takes its row along."""
        path, video_id = file.stat.path, self.contents[file.blake3].video_id
        if video_id is None:
            raise ValueError(f"a link to a content that is not stored: {path}")
        if path not in self._by_path:
            moved = self._find_moved(file.blake3)
            if moved is not None:
                self._followed.add(moved.id)
                files.rename_file(session, moved.id, path)
        files.put_file(session, file.stat, video_id=video_id, checked_at_ns=file.checked_at_ns)

    def _find_moved(self, blake3: bytes) -> StoredFile | None:
        """Return a file that held this content and is no longer at its place."""
        for row in self._by_content[blake3]:
            if row.id not in self._followed and not is_file_at(row.stat.path):
                return row
        return None

    @cached_property
    def _by_path(self) -> dict[Path, StoredFile]:
        return {row.stat.path: row for row in self.rows}

    @cached_property
    def _by_content(self) -> dict[bytes | None, list[StoredFile]]:
        by_content = defaultdict(list)
        for row in self.rows:
            by_content[row.blake3].append(row)
        return by_content


def put_thumbnails(session: Session, video_id: int, decoded: Decoded) -> None:
    """Store the thumbnails that were made of a video, if any were; else it keeps those it has."""
    if decoded.thumbnails:
        new = [NewThumbnail(**vars(thumbnail)) for thumbnail in decoded.thumbnails]
        thumbnails.put_thumbnails(session, video_id, new)


def _require_recipe(database: Database, recipe: Recipe, weights_name: str) -> int:
    """Return the number of a recipe, which is stored if it is new."""
    with database.reading() as session:
        known = recipes.find_recipe(session, recipe)
    if known is not None:
        return known
    with database.writing() as session:
        return recipes.put_recipe(session, recipe, weights_name, now=_now())


def _now() -> datetime:
    return datetime.now(UTC)
