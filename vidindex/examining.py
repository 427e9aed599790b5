"""Hash and decode one file, told as events. Runs in worker threads and touches no database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidindex.embedding import FrameReader, Sampling, VideoInfo
from vidindex.errors import ChangedError, MediaError, UnreadableError
from vidindex.hashing import hash_file, stat_file
from vidindex.reconciling import Reading
from vidindex.scanning import FileStat


@dataclass(frozen=True)
class Hashed:
    """A file whose content is known, as of a moment: the first event of a file."""

    stat: FileStat
    blake3: bytes
    checked_at_ns: int


@dataclass(frozen=True)
class Sampled:
    """One frame of a video. pixels: (299, 299, 3) uint8 RGB."""

    blake3: bytes
    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class Decoded:
    """A video has no more frames."""

    blake3: bytes
    info: VideoInfo


@dataclass(frozen=True)
class Undecodable:
    """A video cannot be decoded, whatever file holds it."""

    file: Hashed
    error: MediaError


@dataclass(frozen=True)
class Unread:
    """A file could not be read, or changed meanwhile. blake3: None if it was never hashed."""

    reading: Reading
    blake3: bytes | None
    checked_at_ns: int
    error: UnreadableError | ChangedError


Event = Hashed | Sampled | Decoded | Undecodable | Unread


class Claims:
    """Which contents somebody decodes already, so that of two copies one is decoded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed: set[bytes] = set()

    def take(self, blake3: bytes) -> bool:
        """Claim a content; false if it is claimed."""
        with self._lock:
            is_free = blake3 not in self._claimed
            self._claimed.add(blake3)
            return is_free

    def release(self, blake3: bytes) -> None:
        """Let somebody else try."""
        with self._lock:
            self._claimed.discard(blake3)


def examine(
    reading: Reading,
    read_frames: FrameReader,
    sampling: Sampling,
    claims: Claims,
    needs_frames: Callable[[bytes], bool],
) -> Iterator[Event]:
    """Yield what there is to say of a file: Hashed, then its frames if they are needed.

    needs_frames: whether the library lacks the vector of a content.
    """
    checked_at_ns = time.time_ns()
    blake3 = reading.blake3
    try:
        stat = reading.stat
        if blake3 is None:
            stat, blake3 = hash_file(stat.path)  # the scan's stat may be minutes old
        file = Hashed(stat, blake3, checked_at_ns)
        yield file
        if needs_frames(blake3) and claims.take(blake3):
            yield from _decode(file, read_frames, sampling)
    except (UnreadableError, ChangedError) as error:
        yield Unread(reading, blake3, checked_at_ns, error)


def _decode(file: Hashed, read_frames: FrameReader, sampling: Sampling) -> Iterator[Event]:
    """Yield the frames of a file, as long as it stays the file that was hashed."""
    path = file.stat.path
    try:
        video = read_frames(path, sampling)
        for pixels in video.frames:
            yield Sampled(file.blake3, pixels)
        end: Event = Decoded(file.blake3, video.info)
    except MediaError as error:
        end = Undecodable(file, error)
    if stat_file(path) != file.stat:
        raise ChangedError(f"{path} changed while it was read", "index it again")
    yield end
