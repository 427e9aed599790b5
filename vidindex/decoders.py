"""Decodes videos in processes of their own, so that none can crash, block or burden this one.

A process serves several files, one at a time; it is replaced after a number of them, and after
anything odd. See frames/child.py for what it does, and confinement.py for what it may not do.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from vidindex.decoded_frames import DecodedFrames
from vidindex.decoder_messages import BadAnswer
from vidindex.decoder_processes import COMMAND, DecoderProcess, Died, Patience, TooSlow, describe
from vidindex.embedding import SampledVideo, Sampling
from vidindex.errors import SystemStopped
from vidindex.hashing import open_regular

# Whatever a decoder leaks or leaves in disorder ends with its process. To start one takes 0.4 s.
MAX_VIDEOS_PER_CHILD = 500
MAX_IDLE_DEATHS = 3  # so often in a row, a process that ended while it was idle is replaced
PATIENCE_PER_MB_S = 1.0
MAX_PATIENCE_FOR_SIZE_S = 3600.0


@dataclass(frozen=True)
class DecodingLimits:
    """What one video may cost.

    time_limit_s: how long a frame may be waited for at most. 1 s for each MB of the file is added,
        up to an hour. What was waited for one frame is missing for the next, but each frame earns
        30 s. Time in which nobody waits does not count.
    memory_bytes: address space of the process; its libraries take 0.4 GiB of it, a video of 8K
        0.5 to 1.5 GiB.
    """

    time_limit_s: float = 120.0
    memory_bytes: int = 2 << 30


class DecodersClosed(Exception):
    """The decoders were closed while somebody waited for one, or wanted one."""


class Decoders:
    """A FrameReader that decodes in other processes: as many as there are videos being read.

    May be called by several threads at once. Frames are decoded a little ahead of their being
    taken: what fits into the buffer of a socket.

    >>> with Decoders() as decoders:
    ...     video = decoders(Path("clip.mp4"), Sampling())
    ...     frames = list(video.frames)
    """

    def __init__(
        self,
        limits: DecodingLimits | None = None,
        *,
        thumbnails: int = 0,
        command: Sequence[str] = COMMAND,
    ) -> None:
        """Start nothing yet.

        thumbnails: how many are made of each video, at most. command: what is run, for tests.
        """
        self._limits = limits or DecodingLimits()
        self._thumbnails = thumbnails
        self._command = command
        self._changed = threading.Condition()
        self._idle: list[DecoderProcess] = []
        self._all: set[DecoderProcess] = set()
        self._is_closed = False
        # Processes die with the thread that started them, and this one lives as long as they may.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="decoder-starter")

    def __call__(self, path: Path, sampling: Sampling) -> SampledVideo:
        """Open a video and let its frames be decoded.

        Raises:
            MediaError: it is no video that can be decoded within the limits.
            UnreadableError, ChangedError: it cannot be opened or read.
            SystemStopped: the system starts no process.
            DecodersClosed: close() was called.
        """
        descriptor = open_regular(path)
        try:
            size_s = PATIENCE_PER_MB_S * os.fstat(descriptor).st_size / 1e6
            most_s = self._limits.time_limit_s + min(size_s, MAX_PATIENCE_FOR_SIZE_S)
            process = self._give(descriptor, sampling)
            frames = DecodedFrames(self, process, Patience(most_s), self._thumbnails)
        finally:
            os.close(descriptor)
        info = frames.receive_info()
        return SampledVideo(info, frames, frames.why_incomplete, frames.thumbnails)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill and reap all processes, at work or not. Whoever waits for one stops waiting.

        For any thread; closing twice does nothing.
        """
        with self._changed:
            self._is_closed = True
            ending, idle = list(self._all), list(self._idle)
            self._all.clear()
            self._idle.clear()
            self._changed.notify_all()
        for process in ending:
            process.kill()
        for process in ending:
            process.reap()
        for process in idle:  # the socket of one at work is its reader's to close
            process.end()
        self._starter.shutdown()

    def put_back(self, process: DecoderProcess) -> None:
        """Let a process that has done its work serve other videos."""
        with self._changed:
            is_wanted = process in self._all and not self._is_worn(process)
            if is_wanted:
                self._idle.append(process)
                self._changed.notify_all()
        if not is_wanted:
            self.discard(process)

    def discard(self, process: DecoderProcess) -> int | None:
        """End a process that is not to be used any more; returns its exit code."""
        exit_code = process.end()
        with self._changed:
            self._all.discard(process)
            self._changed.notify_all()
        return exit_code

    def require_open(self) -> None:
        """Make sure that nobody has called close().

        Raises:
            DecodersClosed: somebody has.
        """
        if self._is_closed:
            raise DecodersClosed

    def _is_worn(self, process: DecoderProcess) -> bool:
        """Whether a fresh process should take its place.

        One that needed much memory keeps some of it, and the next large video would not find as
        much as it would in a fresh one.
        """
        is_large = process.peak_bytes > self._limits.memory_bytes // 2
        return is_large or process.served >= MAX_VIDEOS_PER_CHILD

    def _give(self, descriptor: int, sampling: Sampling) -> DecoderProcess:
        """Return a process that has taken the file; one that died idle costs no video."""
        for _ in range(1 + MAX_IDLE_DEATHS):
            process = self._take()
            try:
                process.give(descriptor, sampling, self._thumbnails)
            except (Died, TooSlow, BadAnswer):
                self.discard(process)
                self.require_open()
            except BaseException:
                self.discard(process)
                raise
            else:
                return process
        raise SystemStopped(
            "decoder processes end again and again before they are given a video",
            "something kills them; what is finished is kept",
        )

    def _take(self) -> DecoderProcess:
        """Return an idle process, or a new one; where none can be started, wait for one."""
        while True:
            with self._changed:
                self.require_open()
                if self._idle:
                    return self._idle.pop()
            try:
                return self._start()
            except _CannotStart as error:
                with self._changed:
                    if not self._all:
                        hint = 'try: python -c "import av, cv2"; what is finished is kept'
                        raise SystemStopped(f"no video can be decoded: {error}", hint) from error
                    self._changed.wait_for(lambda: self._is_closed or self._idle or not self._all)

    def _start(self) -> DecoderProcess:
        try:
            process = self._starter.submit(self._start_one).result()
        except (OSError, RuntimeError) as error:  # RuntimeError: closed, or no thread to be had
            self.require_open()
            raise _CannotStart(f"no process can be started ({error})") from error
        try:
            process.await_ready()
        except (Died, TooSlow, BadAnswer) as error:
            exit_code = self.discard(process)
            self.require_open()
            raise _CannotStart(f"the decoder does not start ({describe(exit_code)})") from error
        except BaseException:
            self.discard(process)
            raise
        return process

    def _start_one(self) -> DecoderProcess:
        process = DecoderProcess(self._command, self._limits.memory_bytes)
        with self._changed:
            if not self._is_closed:
                self._all.add(process)
                return process
        process.end()
        raise DecodersClosed


class _CannotStart(Exception):
    """A process could not be started; the message says why."""
