"""A video file that is open: its stream of pictures, and its time from beginning to end."""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from vidindex.errors import UnreadableError
from vidindex.frames.containers import (
    main_stream,
    matroska_end_bytes,
    open_container,
    reading,
)

# Flags of libav's formats (AVFMT_...): no times in it (a raw stream); times that may jump.
NO_TIMES = 0x0080
TIMES_JUMP = 0x0200


class VideoFile:
    """A video file that is open, with the stream of pictures that is looked at.

    container and stream change when it is rewound. start: the time, in ticks of the stream's
    time base, that is second 0. Owns the descriptor.
    """

    container: InputContainer
    stream: VideoStream

    def __init__(self, descriptor: int) -> None:
        """Take over the descriptor of a regular file, and read the header.

        Raises:
            MediaError: it holds no video. The descriptor is closed then.
            UnreadableError: the system failed to read it. The descriptor is closed then.
        """
        self._descriptor = descriptor
        self._size_bytes = os.fstat(descriptor).st_size
        try:
            self.container = open_container(descriptor)
            self.stream = main_stream(self.container)
        except BaseException:
            self.close()
            raise

    def rewind(self) -> None:
        """Begin anew, with fresh decoders; works where seeking does not."""
        self.container.close()
        self.container = open_container(self._descriptor)
        self.stream = main_stream(self.container)

    def close(self) -> None:
        """Close the file. Closing twice does nothing."""
        if self._descriptor >= 0:
            if hasattr(self, "container"):
                self.container.close()
            os.close(self._descriptor)
            self._descriptor = -1

    @property
    def is_raw_stream(self) -> bool:
        """Whether there is no container around the stream, and hence neither times nor duration.

        What libav tells for one is a guess from its bit rate.
        """
        return bool(self.container.format.flags & NO_TIMES)

    @property
    def codec(self) -> str:
        """Name of the codec, the same whichever decoder is used."""
        return self.stream.codec_context.codec.canonical_name

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick."""
        return Fraction(self.stream.time_base or Fraction(1, 1_000_000))

    @property
    def start(self) -> int:
        """The tick at which ffmpeg lets time begin.

        The start of the file, be it that of its sound; in formats whose clock may jump (MPEG-TS
        and the like) the start of the pictures, as in ffmpeg when only these are decoded.
        """
        if self.container.format.flags & TIMES_JUMP and self.stream.start_time is not None:
            return self.stream.start_time
        start_us: int | None = self.container.start_time
        return rounded(Fraction(start_us or 0, 1_000_000) / self.time_base)

    @property
    def ticks_of_a_frame(self) -> int:
        """How long a frame is on screen on average; 1 where that is unknown."""
        rate = self.stream.average_rate or self.stream.guessed_rate
        return max(1, rounded(1 / (rate * self.time_base))) if rate else 1

    @functools.cached_property
    def end_s(self) -> Fraction | None:
        """When the pictures end, found out without decoding; None if there are no packets.

        Looks near the claimed end first, then ever further before it. A second reader on the
        same descriptor does this, so that the decoder's stays at the beginning.

        Raises:
            UnreadableError: the system failed to read the file.
        """
        claimed_s, back_s = self.claimed_duration_s or Fraction(0), 1
        end: int | None = None
        with open_container(self._descriptor) as container, reading():
            stream = main_stream(container)
            while end is None and back_s < claimed_s:
                tick = self.start + int((claimed_s - back_s) / self.time_base)
                with contextlib.suppress(FFmpegError):
                    container.seek(tick, stream=stream)
                    end = self._end_of_packets(container, stream)
                back_s *= 3
        if end is None:
            with open_container(self._descriptor) as container, reading():
                end = self._end_of_packets(container, main_stream(container))
        if end is None:
            return None
        return (max(end, self._end_of_index()) - self.start) * self.time_base

    def _end_of_packets(self, container: InputContainer, stream: VideoStream) -> int | None:
        """Read on, and return the tick at which the last packet's frame ends."""
        end: int | None = None
        with contextlib.suppress(FFmpegError):
            for packet in container.demux(stream):
                if packet.size:
                    ticks = (end,) if self.is_raw_stream else (packet.pts, packet.dts, end)
                    known = (tick for tick in ticks if tick is not None)
                    tick = next(known, self.start)
                    end = max(end or tick, tick + (packet.duration or self.ticks_of_a_frame))
        return end

    def _end_of_index(self) -> int:
        """Return when the index's last entry begins: a repeated frame in it makes no packet."""
        index = self.stream.index_entries
        if len(index) == 0 or index[-1].pos + index[-1].size > self._size_bytes:
            return self.start
        return index[-1].timestamp

    @property
    def claimed_duration_s(self) -> Fraction | None:
        """The container's duration as ffmpeg prints it, to a hundredth of a second."""
        if not self.container.duration or self.is_raw_stream:
            return None
        return Fraction((self.container.duration + 5000) // 10_000, 100)

    @property
    def declared_size_px(self) -> tuple[int, int]:
        """Width and height as the header tells them, of pictures too large to decode as well."""
        with open_container(self._descriptor, decodes=False) as container:
            stream = main_stream(container)
            return stream.width, stream.height

    @property
    def pixel_aspect(self) -> Fraction:
        """The width of a pixel by its height, before the picture is turned; 1 if nothing tells."""
        told = self.stream.sample_aspect_ratio or self.stream.codec_context.sample_aspect_ratio
        return Fraction(told) if told and told > 0 else Fraction(1)

    @property
    def is_cut_before_first(self) -> bool:
        """Whether the index tells of a first picture that lies behind the end of the file."""
        index = self.stream.index_entries
        return len(index) > 0 and index[0].pos + index[0].size > self._size_bytes

    @property
    def is_cut_before_last(self) -> bool:
        """Whether the index tells of a last picture that lies behind the end of the file."""
        index = self.stream.index_entries
        return len(index) > 0 and index[-1].pos + index[-1].size > self._size_bytes

    @property
    def is_shorter_than_told(self) -> bool:
        """Whether the header tells of more bytes, of whatever, than there are."""
        return matroska_end_bytes(self._descriptor) > self._size_bytes

    def has_anything_after(self, time_s: Fraction) -> bool:
        """Whether sound or subtitles go on at a time at which there are no pictures any more."""
        start_s, end_s = self.start * self.time_base, self.end_s or Fraction(0)
        with (
            open_container(self._descriptor) as container,
            reading(),
            contextlib.suppress(FFmpegError),
        ):
            container.seek(int((start_s + end_s) * 1_000_000))
            for packet in container.demux():
                tick = packet.dts if packet.pts is None else packet.pts
                if tick is not None and tick * packet.time_base - start_s >= time_s:
                    return True
        return False

    @property
    def is_encrypted(self) -> bool:
        """Whether the header says that the pictures are encrypted."""
        with contextlib.suppress(UnicodeDecodeError):  # PyAV takes every tag for ASCII
            if self.stream.codec_tag in ("encv", "drmi"):
                return True
        return "enc_key_id" in self.stream.metadata


def rounded(value: Fraction) -> int:
    """Return the nearest whole number, a half away from zero, as libav rounds."""
    return int(abs(value) + Fraction(1, 2)) * (-1 if value < 0 else 1)


def open_descriptor(path: Path) -> int:
    """Open a regular file for reading; returns the descriptor, which the caller must close.

    Raises:
        UnreadableError: it is not there, not a regular file, or may not be read.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise UnreadableError(f"cannot open {str(path)!r}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError(f"cannot read {str(path)!r}: not a regular file")
    return descriptor
