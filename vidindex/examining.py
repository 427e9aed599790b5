"""Hash one file, or decode it, told as events. Runs in worker threads, touches no database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidindex.embedding import FrameReader, Sampling, Thumbnail, VideoInfo
from vidindex.errors import CorruptError, ItemError, MediaError, UnreadableError
from vidindex.hashing import Unwanted, confirm, hash_file
from vidindex.reconciling import Reading
from vidindex.scanning import FileStat

# A file so large is looked at before it is hashed: whether terabytes of it are a video at all.
LARGE_BYTES = 1 << 30


@dataclass(frozen=True)
class Hashed:
    """A file whose content is known, as of a moment."""

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
    """A video has no more frames. incomplete: why some are missing, or None."""

    blake3: bytes
    info: VideoInfo
    incomplete: str | None
    thumbnails: tuple[Thumbnail, ...]


@dataclass(frozen=True)
class Undecodable:
    """A video cannot be decoded, whatever file holds it."""

    file: Hashed
    error: MediaError


@dataclass(frozen=True)
class Unread:
    """A file could not be read, or is not what it was. blake3: None if it was never hashed."""

    stat: FileStat
    blake3: bytes | None
    checked_at_ns: int
    error: ItemError


Event = Hashed | Sampled | Decoded | Undecodable | Unread


@dataclass(frozen=True)
class Decoding:
    """How videos are decoded: by whom, and which frames of them."""

    read_frames: FrameReader
    sampling: Sampling


def hash_reading(
    reading: Reading, decoding: Decoding, is_unwanted: Callable[[], bool]
) -> Iterator[Hashed | Unread]:
    """Yield what a file's content is: one event, or none if it became unwanted."""
    stat, checked_at_ns = reading.stat, time.time_ns()
    try:
        if reading.expected is not None:
            yield _verify(reading, reading.expected, checked_at_ns, is_unwanted)
        elif reading.blake3 is not None:
            yield Hashed(stat, reading.blake3, checked_at_ns)
        else:
            if stat.size_bytes >= LARGE_BYTES:
                _require_video(stat, decoding)
            stat, blake3 = hash_file(stat.path, is_unwanted)  # the scan may be minutes old
            yield Hashed(stat, blake3, checked_at_ns)
    except ItemError as error:
        yield Unread(stat, None, checked_at_ns, error)
    except Unwanted:
        return


def decode(file: Hashed, decoding: Decoding) -> Iterator[Event]:
    """Yield the frames of a file, as long as it stays the file that was hashed."""
    path = file.stat.path
    try:
        video = decoding.read_frames(path, decoding.sampling)
        for pixels in video.frames:
            yield Sampled(file.blake3, pixels)
        end: Event = Decoded(file.blake3, video.info, video.why_incomplete(), video.thumbnails())
    except MediaError as error:
        end = Undecodable(file, error)
    except ItemError as error:
        yield Unread(file.stat, file.blake3, file.checked_at_ns, error)
        return
    try:
        confirm(file.stat, file.blake3, file.checked_at_ns)
    except ItemError as error:
        end = Unread(file.stat, file.blake3, file.checked_at_ns, error)
    yield end


def _verify(
    reading: Reading, expected: bytes, checked_at_ns: int, is_unwanted: Callable[[], bool]
) -> Hashed:
    stat, blake3 = hash_file(reading.stat.path, is_unwanted)
    if stat == reading.stat and blake3 != expected:
        raise CorruptError(
            f"{stat.path} holds other bytes than when it was indexed, though its size and time "
            "did not change",
            "a failing disk does this: compare it with a backup; if it is right, touch it",
        )
    return Hashed(stat, blake3, checked_at_ns)


def _require_video(stat: FileStat, decoding: Decoding) -> None:
    """Look whether a file holds a frame at all, without hashing it."""
    try:
        video = decoding.read_frames(stat.path, decoding.sampling)
        next(video.frames, None)
    except MediaError as error:
        raise UnreadableError(error.message, error.hint) from error
    video.frames.close()
