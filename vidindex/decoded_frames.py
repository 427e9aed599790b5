"""The frames of one video, as a decoder process sends them."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vidindex.decoder_messages import (
    BadAnswer,
    Kind,
    unpack_end,
    unpack_failure,
    unpack_info,
    unpack_thumbnail,
)
from vidindex.decoder_processes import DecoderProcess, Died, Patience, TooSlow, describe
from vidindex.embedding import FRAME_SIZE_PX, Thumbnail, VideoInfo
from vidindex.errors import ItemError, MediaError, UnreadableError

PATIENCE_PER_FRAME_S = 30.0
MAX_FRAMES = 1_000_000  # a video without an end must end


_MEMORY_HINT = "if it is a sound video, raise the setting decode_memory_mb"


class Owner(Protocol):
    """Whom the process belongs to."""

    def put_back(self, process: DecoderProcess) -> None:
        """Let it serve other videos."""

    def discard(self, process: DecoderProcess) -> int | None:
        """End it; returns its exit code."""

    def require_open(self) -> None:
        """Raise if all processes were ended on purpose."""


class DecodedFrames(Iterator[NDArray[np.uint8]]):
    """The frames that a process sends: (299, 299, 3) uint8 RGB each, in order of time.

    The process goes back to its owner at a proper end, and is killed at any other.
    """

    def __init__(
        self, owner: Owner, process: DecoderProcess, patience: Patience, most_thumbnails: int
    ) -> None:
        self._owner = owner
        self._process: DecoderProcess | None = process
        self._patience = patience
        self._taken = 0
        self._most_thumbnails = most_thumbnails
        self._thumbnails: list[Thumbnail] = []
        self._incomplete: str | None = None

    def receive_info(self) -> VideoInfo:
        """Wait for the header, which comes before the frames.

        Raises:
            MediaError, UnreadableError: the file gives no frames.
        """
        with self._blaming_the_file() as process:
            return unpack_info(self._receive(process, Kind.INFO)[1])

    def __next__(self) -> NDArray[np.uint8]:
        if self._process is None:
            raise StopIteration
        with self._blaming_the_file() as process:
            kind, payload = self._receive(process, Kind.FRAME, Kind.THUMBNAIL, Kind.END)
            if kind == Kind.FRAME and self._taken < MAX_FRAMES:
                self._taken += 1
                self._patience.earn(PATIENCE_PER_FRAME_S)
                frame = np.frombuffer(payload, np.uint8)
                return frame.reshape(FRAME_SIZE_PX, FRAME_SIZE_PX, 3)
            if self._taken in (0, MAX_FRAMES):
                raise BadAnswer("no frame, or no end")
            while kind == Kind.THUMBNAIL:
                self._keep(unpack_thumbnail(payload))
                kind, payload = self._receive(process, Kind.THUMBNAIL, Kind.END)
            self._incomplete = unpack_end(payload)
            self._put_back(process)
        raise StopIteration

    def why_incomplete(self) -> str | None:
        """Return why frames are missing; None if none are, or while they are not used up."""
        return self._incomplete

    def thumbnails(self) -> tuple[Thumbnail, ...]:
        """Return what was sent after the frames; nothing while they are not used up."""
        return tuple(self._thumbnails)

    def close(self) -> None:
        """Let no more frames be decoded. Closing twice does nothing."""
        process, self._process = self._process, None
        if process is not None:
            self._owner.discard(process)

    def __del__(self) -> None:
        self.close()

    @contextlib.contextmanager
    def _blaming_the_file(self) -> Iterator[DecoderProcess]:
        """Turn what the process does wrong into an error of the file, and end the process."""
        if self._process is None:
            raise BadAnswer("it has ended already")
        process = self._process
        try:
            yield process
        except (Died, TooSlow, BadAnswer) as error:
            self._process = None
            exit_code = self._owner.discard(process)
            self._owner.require_open()
            raise _explain(error, exit_code, self._patience) from error
        except BaseException:
            self.close()
            raise

    def _receive(self, process: DecoderProcess, *expected: Kind) -> tuple[Kind, bytearray]:
        """Wait for an answer of an expected kind, or a failure, which is raised."""
        kind, payload = process.receive(self._patience)
        if kind in expected:
            return kind, payload
        if kind != Kind.FAILURE:
            raise BadAnswer(kind.name)
        failure = unpack_failure(payload)
        if failure.kind == "memory":
            # The process is not put back: its peak, by which it is judged, would stay too high.
            raise MediaError("needs more memory than allowed", _MEMORY_HINT)
        self._put_back(process)
        error = UnreadableError if failure.kind == "unreadable" else MediaError
        raise error(failure.message, failure.hint)

    def _keep(self, thumbnail: Thumbnail) -> None:
        last_s = self._thumbnails[-1].time_s if self._thumbnails else 0.0
        if len(self._thumbnails) == self._most_thumbnails or thumbnail.time_s < last_s:
            raise BadAnswer("too many thumbnails, or out of order")
        self._thumbnails.append(thumbnail)

    def _put_back(self, process: DecoderProcess) -> None:
        self._process = None
        self._owner.put_back(process)


def _explain(error: Exception, exit_code: int | None, patience: Patience) -> ItemError:
    """Say what a process did that ended before its video did."""
    if isinstance(error, TooSlow):
        return MediaError(
            f"decoding took longer than allowed ({patience.most_s:.0f} s)",
            "if the video is sound and the machine slow, raise the setting decode_limit_s",
        )
    if isinstance(error, BadAnswer):
        return MediaError("the decoder gave a bad answer", "the file may be made to do harm")
    if exit_code == -signal.SIGKILL:
        return MediaError(
            "the decoder was killed (signal 9), as systems do that run out of memory",
            "close other programs or lower the setting workers, then try it again",
        )
    return MediaError(f"the decoder crashed ({describe(exit_code)})", "the file may be damaged")
