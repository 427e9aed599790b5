"""The stages between a file and its vector: hash, known? stop; else frames, vector, store.

Worker threads hash files and take frames from the decoder; a thread of its own computes; the
thread that calls run() decides what comes next and is the only one that touches the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vidindex.crew import Crew
from vidindex.embedding import EmbedderSource
from vidindex.errors import ChangedError, MediaError, UnreadableError
from vidindex.examining import (
    Decoded,
    Decoding,
    Event,
    Hashed,
    Sampled,
    Undecodable,
    Unread,
    decode,
    hash_reading,
)
from vidindex.ledger import IndexLedger
from vidindex.pooling import MeanPooler, Pooled
from vidindex.reconciling import Reading
from vidindex.store.embeddings import NewEmbedding
from vidindex.tally import Tally

EVENTS_AHEAD = 16  # how many events may wait until they are answered; frames wait in the pooler
POLL_S = 0.1  # how often the run looks whether it is to stop
DECODED_TOGETHER = 16  # how many contents are noted as being decoded in one commit
# A video that was being decoded each time when vidindex was killed is not tried for ever.
MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Workshop:
    """What a pipeline works with.

    threads: files that are read at once. stopping: asked again and again; true ends the run.
    end_decoding: called when a run ends early; whoever waits for the decoder then gives up.
    """

    source: EmbedderSource
    decoding: Decoding
    threads: int
    stopping: Callable[[], bool]
    end_decoding: Callable[[], None]


class Pipeline:
    """One run over the files that must be read."""

    def __init__(self, ledger: IndexLedger, workshop: Workshop, tally: Tally) -> None:
        self._ledger = ledger
        self._workshop = workshop
        self._tally = tally
        self._crew: Crew[Event] = Crew(workshop.threads, EVENTS_AHEAD)
        self._pooler = MeanPooler(workshop.source.load, wake=self._crew.interrupt)
        self._waiting: dict[bytes, list[Hashed]] = {}
        self._to_decode: list[Hashed] = []
        self._suspects: list[Hashed] = []
        self._begun: set[bytes] = set()
        self._decoded: dict[bytes, Decoded] = {}
        self._failed_now: dict[bytes, MediaError] = {}
        self._tried_again: set[Path] = set()

    def run(self, readings: Iterable[Reading]) -> None:
        """Read files and store what comes of it, until all are done or it is to stop.

        What is finished is kept, however this ends.
        """
        try:
            for reading in readings:
                self._hash(reading)
            while not self._workshop.stopping() and self._step():
                pass
        except BaseException:
            if self._ledger.can_save:
                self._save_what_is_finished()
            raise
        else:
            self._save_what_is_finished()
        finally:
            if not self._crew.is_idle:
                self._workshop.end_decoding()
            self._crew.close()
            self._pooler.close()

    def _save_what_is_finished(self) -> None:
        """Save; what is not finished was not what ends vidindex."""
        self._add_vectors(self._pooler.take_collected())
        self._ledger.abandon(list(self._begun))
        self._ledger.save()

    def _hash(self, reading: Reading) -> None:
        crew, decoding = self._crew, self._workshop.decoding
        crew.add(partial(hash_reading, reading, decoding, crew.is_closed))

    def _step(self) -> bool:
        """Answer one event, or go on where nothing happens; false when all is done."""
        event = self._crew.take(POLL_S)
        if event is not None:
            self._answer(event)
        done = self._pooler.take_done()
        self._add_vectors(done)
        if self._ledger.is_overdue:
            self._ledger.save()
        if event is not None or done or self._begin_decoding(self._take_chosen()):
            return True
        self._pooler.start_batch()  # a full one need not be waited for while nothing happens
        if not self._crew.is_idle:
            return True
        if not self._pooler.is_idle:
            self._pooler.wait(POLL_S)
            return True
        self._add_vectors(self._pooler.take_done())
        self._ledger.save()
        return self._begin_decoding(self._take_suspect())

    def _answer(self, event: Event) -> None:
        match event:
            case Hashed():
                self._place(event)
                if len(self._to_decode) >= DECODED_TOGETHER:
                    self._begin_decoding(self._take_chosen())
            case Sampled(blake3, pixels):
                self._pooler.add(blake3, pixels)
            case Decoded(blake3):
                self._begun.discard(blake3)
                self._ledger.end(blake3)
                self._decoded[blake3] = event
                self._pooler.complete(blake3)
            case Undecodable(file, error):
                self._pooler.drop(file.blake3)
                self._fail_content(file.blake3, error)
            case Unread():
                self._retry_or_report(event)

    def _place(self, file: Hashed) -> None:
        """Link a file to its content if that is settled, else let it wait for that."""
        if self._ledger.needs_frames(file.blake3):
            places = self._waiting.setdefault(file.blake3, [])
            places.append(file)
            if len(places) == 1:
                self._queue(file)
            return
        if file.blake3 in self._failed_now:
            self._tally.fail(file.stat.path, self._failed_now[file.blake3])
            self._tally.reporter.advance()
        elif self._ledger.contents[file.blake3].failure is not None:
            self._tally.count("failed_before")
        elif self._ledger.has_file(file.stat.path, file.blake3):
            self._tally.count("unchanged")
        else:
            self._tally.count("relinked")
        self._ledger.link(file)

    def _queue(self, file: Hashed) -> None:
        """Let a content be decoded: at the end and alone if it may have ended vidindex before."""
        attempts = self._ledger.attempts.get(file.blake3, 0)
        if attempts >= MAX_ATTEMPTS:
            error = MediaError(
                f"vidindex was killed {attempts} times while this video was decoded",
                "if it was not the video's fault, try it again with --retry-failed",
            )
            self._fail_content(file.blake3, error)
        elif attempts:
            self._suspects.append(file)
        else:
            self._to_decode.append(file)

    def _begin_decoding(self, chosen: Sequence[Hashed]) -> bool:
        """Decode files; each is noted on disk before, lest it should end vidindex."""
        for file in chosen:
            self._begun.add(file.blake3)
            self._ledger.begin(file.blake3)
        if chosen:
            self._ledger.save()
        for file in chosen:
            self._crew.add(partial(decode, file, self._workshop.decoding), is_urgent=True)
        return bool(chosen)

    def _take_chosen(self) -> list[Hashed]:
        chosen, self._to_decode = self._to_decode, []
        return chosen

    def _take_suspect(self) -> list[Hashed]:
        """Return the content that ended vidindex least often, alone."""
        self._suspects.sort(key=lambda file: self._ledger.attempts[file.blake3], reverse=True)
        return [self._suspects.pop()] if self._suspects else []

    def _add_vectors(self, done: Sequence[Pooled]) -> None:
        """Store the vectors that came of one batch, in one commit."""
        if not done:
            return
        embedder = self._pooler.embedder
        for pooled in done:
            places = self._waiting.pop(pooled.key)
            decoded = self._decoded.pop(pooled.key)
            embedding = NewEmbedding(
                pooled.vector,
                pooled.frame_count,
                embedder.precision,
                embedder.software,
                decoded.incomplete,
            )
            self._ledger.add_vector(places, decoded, embedding)
            if decoded.incomplete is not None:
                self._tally.counts["incomplete"] += 1
                self._tally.reporter.notice(f"in part: {places[0].stat.path}: {decoded.incomplete}")
            self._tally.counts["frames"] += pooled.frame_count
            self._tally.count("indexed")
            self._tally.count("relinked", len(places) - 1)
        self._ledger.save()

    def _fail_content(self, blake3: bytes, error: MediaError) -> None:
        places = self._waiting.pop(blake3)
        self._begun.discard(blake3)
        self._ledger.add_failure(places, error.message)
        self._failed_now[blake3] = error
        for file in places:
            self._tally.fail(file.stat.path, error)
        self._tally.reporter.advance(len(places))

    def _retry_or_report(self, event: Unread) -> None:
        """Try a file that changed once more, after the others."""
        stat = event.stat
        if event.blake3 is not None:
            self._let_another_place_be_decoded(event.blake3, stat.path)
        if isinstance(event.error, ChangedError) and stat.path not in self._tried_again:
            self._tried_again.add(stat.path)
            self._hash(Reading(stat, None))
            return
        if isinstance(event.error, UnreadableError):
            self._ledger.add_unreadable(
                stat, event.error.message, checked_at_ns=event.checked_at_ns
            )
        self._tally.fail(stat.path, event.error)
        self._tally.reporter.advance()

    def _let_another_place_be_decoded(self, blake3: bytes, gone: Path) -> None:
        """Go on without a file whose content others hold too, perhaps."""
        self._pooler.drop(blake3)
        places = [file for file in self._waiting.pop(blake3) if file.stat.path != gone]
        self._ledger.abandon([blake3])
        self._begun.discard(blake3)
        if places:
            self._waiting[blake3] = places
            self._queue(places[0])
