"""The pictures of an open video by their time: which frame is on screen at t."""

from __future__ import annotations

import itertools
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from vidindex.embedding import SamplingMode
from vidindex.frames.containers import MAX_PIXELS, reading
from vidindex.frames.video_files import VideoFile

# A broken stream must end. The longest run seen in a usable file: a recording that starts in the
# middle of a group of pictures, up to ten seconds without a keyframe.
MAX_CONSECUTIVE_ERRORS = 1000
# Below this gap it is quicker to decode on than to seek.
SEEK_GAP_S = Fraction(1)
# Pictures on which no other builds are passed over up to so many before the wanted time.
SKIP_MARGIN_FRAMES = 3
# How far before the wanted time the next try seeks, when the last one landed too late.
SEEK_BACK_S = (0, 2, 6, 14, 30, 62, 126, 254, 510)
# A seek that lands no further than the frame at hand was in vain (one group of pictures longer
# than the interval, no index, ...). After so many the rest of the file is decoded in one go.
MAX_VAIN_SEEKS = 3
# Codecs whose keyframe flags are kept by writers and honoured by decoders. Others are decoded from
# the start: in a GIF, for instance, each frame is flagged as a keyframe and builds on the last.
SEEKABLE_CODECS = frozenset(
    (
        *("h264", "hevc", "vvc", "av1", "vp8", "vp9", "mpeg1video", "mpeg2video", "mpeg4"),
        *("h263", "flv1", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "wmv3", "vc1"),
        *("theora", "mjpeg", "prores", "dnxhd", "ffv1"),
    )
)
# One: videos are decoded side by side instead, which is as quick on the whole. What comes of a
# damaged stream then depends on no machine's number of cores, and no frame is lost at a cut end
# (with more, PyAV cannot fetch those that are still on their way when the last packet fails).
DECODER_THREADS = 1


@dataclass(frozen=True)
class Moment:
    """A decoded frame and the tick of the stream's time base from which on it is on screen.

    is_damaged: it is, or pictures between the frame before it and itself are.
    """

    frame: VideoFrame
    tick: int
    is_damaged: bool


class Timeline:
    """Finds the frame on screen at rising times, with as little decoding as is safe.

    mode "exact": the last frame whose time is not after t. mode "keyframe": the last keyframe
    that the decoder gives and whose time is not after t. Before the first frame: the first.
    Encrypted pictures are left out, as they would decode to noise; met_encrypted tells of them.
    met_damage tells whether there were damaged pictures after a whole one.

    Keyframes are decoded alone where that is safe: without those after them that a decoder takes
    in before it gives the first. In exact mode that is done with the first picture, if
    is_asked_once: no other is wanted, as a rule.
    """

    def __init__(self, video: VideoFile, mode: SamplingMode, *, is_asked_once: bool) -> None:
        self._video = video
        self._mode = mode
        self._may_skip = video.codec in SEEKABLE_CODECS and not video.is_raw_stream
        self._may_decode_alone = self._may_skip and (is_asked_once or mode == "keyframe")
        self._is_untouched = True
        self._alone: Moment | None = None
        self._alone_until = video.start
        self._skip_before = video.start
        self._start = video.start
        self._vain_seeks = 0
        self.met_encrypted = False
        self.met_damage = False
        self._begin()

    def frame_at(self, time_s: Fraction) -> VideoFrame | None:
        """Return the frame on screen at time_s, which must not be below the last one asked for.

        The last frame stays on screen for good; None if nothing can be decoded at all.

        Raises:
            MediaError: libav cannot go on.
            UnreadableError: the system failed to read the file.
        """
        wanted = self._start + math.floor(time_s / self._video.time_base)
        with reading():
            self._skip_before = wanted - SKIP_MARGIN_FRAMES * self._video.ticks_of_a_frame
            if self._may_decode_alone:
                self._alone = self._find_alone(wanted)
                if self._alone is not None:
                    return self._alone.frame
                self._seek(wanted)
            elif self._is_seek_worthwhile(wanted):
                self._seek(wanted)
            self._advance(wanted)
            if self._has_skipped_what_is_shown:
                self._may_skip = False
                self._seek(wanted)
                self._advance(wanted)
            if self._mode == "keyframe" and not self._on_screen:
                self._mode = "exact"
                self._restart()
                self._advance(wanted)
        return self._on_screen.frame if self._on_screen else None

    def has_ended_before(self, time_s: Fraction) -> bool:
        """Whether the last frame's own time on screen was over at time_s.

        True only once frame_at has met the end of the stream.
        """
        if not self._ended or self._shown is None:
            return False
        end = self._shown.tick + (self._shown.frame.duration or self._video.ticks_of_a_frame)
        is_over = time_s >= (end - self._start) * self._video.time_base
        # The packets may tell of more: some formats have empty ones for a repeated frame.
        return is_over and time_s >= (self._video.end_s or 0)

    @property
    def _on_screen(self) -> Moment | None:
        return self._shown or self._next

    @property
    def _has_skipped_what_is_shown(self) -> bool:
        """Whether a picture that was passed over would still be on screen: none came for long."""
        if self._last_skipped is None:
            return False
        return self._on_screen is None or self._on_screen.tick < self._last_skipped

    def _begin(self) -> None:
        """Take the decoder's frames from where the file stands."""
        self._last_skipped: int | None = None
        self._moments = self._decode(self._packets())
        self._shown: Moment | None = None
        self._next: Moment | None = None
        self._ended = False

    def _find_alone(self, wanted: int) -> Moment | None:
        """Return the picture on screen, decoded alone; None if that is not safe.

        The file and its decoder are left where only a seek brings order.
        """
        if self._alone is not None and self._alone.tick <= wanted < self._alone_until:
            return self._alone
        is_first, self._is_untouched = self._is_untouched, False
        if self._mode == "keyframe":
            found = self._last_keyframe(wanted, is_first)
        else:
            found = self._first_keyframe(wanted) if is_first else None
        if found is None:
            self._may_decode_alone = self._mode == "keyframe"
            return None
        packet, self._alone_until = found
        if self._alone is not None and self._alone.tick == packet.pts:
            return self._alone
        moment = self._decode_alone(packet)
        self._may_decode_alone = moment is not None
        return moment

    def _first_keyframe(self, wanted: int) -> tuple[Packet[VideoStream], int] | None:
        """Return the first packet if its picture is on screen from the wanted tick on."""
        first = next(self._packets(), None)
        if first is None or not first.is_keyframe or first.pts != wanted:
            return None
        return first, wanted + 1

    def _last_keyframe(
        self, wanted: int, is_untouched: bool
    ) -> tuple[Packet[VideoStream], int] | None:
        """Return the packet of the last keyframe up to the wanted tick.

        And the tick up to which no other follows: that of a packet which is decoded later.
        """
        if not is_untouched:
            try:
                self._video.container.seek(wanted, stream=self._video.stream)
            except FFmpegError:
                return None
        key: Packet[VideoStream] | None = None
        for packet in self._packets():
            if packet.pts is None or packet.dts is None:
                return None
            if packet.dts > wanted:
                return None if key is None else (key, packet.dts)
            if packet.is_keyframe and packet.pts <= wanted:
                key = packet
        return None

    def _decode_alone(self, packet: Packet[VideoStream]) -> Moment | None:
        """Decode one packet, if it is a whole picture that builds on no other.

        One field of two, or a recovery point, is not; nor is a picture whose time is unclear.
        """
        stream = self._video.stream
        self._open_decoder()
        self._choose_what_to_skip(None)
        try:
            frames = [*stream.decode(packet), *stream.decode(None)]
        except av.error.MemoryError:
            raise
        except FFmpegError:
            return None
        if len(frames) != 1 or packet.pts is None or frames[0].pts != packet.pts:
            return None
        (frame,) = frames
        is_whole = frame.pict_type == PictureType.I and not frame.interlaced_frame
        return Moment(frame, packet.pts, False) if is_whole and not frame.is_corrupt else None

    def _open_decoder(self) -> None:
        context = self._video.stream.codec_context
        if not context.is_open:
            context.thread_count = DECODER_THREADS
            context.options = {"max_pixels": str(MAX_PIXELS)}

    def _choose_what_to_skip(self, packet: Packet[VideoStream] | None) -> None:
        context = self._video.stream.codec_context
        if self._mode == "keyframe":
            context.skip_frame = "NONKEY"
        elif self._may_skip and packet is not None and self._is_long_before(packet):
            context.skip_frame = "NONREF"
            self._last_skipped = max(packet.pts or 0, self._last_skipped or packet.pts or 0)
        else:
            context.skip_frame = "DEFAULT"

    def _is_long_before(self, packet: Packet[VideoStream]) -> bool:
        return packet.pts is not None and packet.pts < self._skip_before

    def _restart(self) -> None:
        self._moments.close()
        self._video.rewind()
        self._begin()

    def _advance(self, wanted: int) -> None:
        """Decode on until the frame after the wanted tick is known, or the end."""
        while not self._ended and (self._next is None or self._next.tick <= wanted):
            self._shown = self._next or self._shown
            self._next = next(self._moments, None)
            self._ended = self._next is None
            self.met_damage |= self._next is not None and self._next.is_damaged

    def _is_seek_worthwhile(self, wanted: int) -> bool:
        if self._shown is None or self._next is None or self._next.tick > wanted:
            return False
        if self._vain_seeks >= MAX_VAIN_SEEKS or self._video.is_raw_stream:
            return False
        if self._video.codec not in SEEKABLE_CODECS:
            return False
        if (wanted - self._next.tick) * self._video.time_base < SEEK_GAP_S:
            return False
        index = self._video.stream.index_entries
        if len(index) and index[-1].timestamp >= wanted:
            keyframe = index.search_timestamp(wanted)
            return keyframe >= 0 and bool(index[keyframe].timestamp > self._next.tick)
        return True

    def _seek(self, wanted: int) -> None:
        """Go on from a keyframe at or before the wanted tick, or else from the beginning."""
        position = self._shown.tick if self._shown else self._start
        end_s = self._video.end_s
        last = wanted if end_s is None else self._start + int(end_s / self._video.time_base)
        for back_s in SEEK_BACK_S:
            tick = min(wanted, last) - int(back_s / self._video.time_base)
            if tick <= self._start:
                break
            if self._land(tick, wanted):
                self._vain_seeks += self._on_screen is None or self._on_screen.tick <= position
                return
        self._vain_seeks += 1
        self._restart()

    def _land(self, tick: int, wanted: int) -> bool:
        """Seek to the tick; returns whether decoding from there shows what is on at wanted.

        Frames before the first keyframe are left out, since what they build on is missing: both
        those before it in the file and those that follow it but are shown before it.
        """
        self._moments.close()
        try:
            self._video.container.seek(tick, stream=self._video.stream)
        except FFmpegError:
            return False
        self._begin()
        packets = self._packets()
        key = next((packet for packet in packets if packet.is_keyframe), None)
        key_tick = None if key is None else _first_known(key.pts, key.dts)
        if key is None or key_tick is None or key_tick > wanted:
            return False
        moments = self._decode(itertools.chain([key], packets))
        first = next((moment for moment in moments if moment.tick >= key_tick), None)
        if first is None or first.tick > wanted or first.frame.is_corrupt:
            return False
        if first.frame.pict_type != PictureType.I:
            # A recovery point of H.264, from which on pictures only get better.
            return False
        self._moments, self._next = moments, first
        return True

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        """Yield the stream's packets from where the file stands; an error in reading is its end."""
        try:
            for packet in self._video.container.demux(self._video.stream):
                if packet.has_sidedata("encryption_info"):
                    self.met_encrypted = True
                elif packet.size:
                    # An empty one stands for a repeated frame; to the decoder it would be the end.
                    yield packet
        except av.error.MemoryError:
            raise
        except FFmpegError:
            return

    def _decode(self, packets: Iterator[Packet[VideoStream]]) -> Generator[Moment, None, None]:
        stream = self._video.stream
        self._open_decoder()
        clock = _Clock(self._video)
        errors = 0
        is_first = True  # what comes before it builds on pictures that were never in the file
        for packet in itertools.chain(packets, [None]):
            self._choose_what_to_skip(packet)
            try:
                frames = stream.decode(packet)
            except av.error.MemoryError:
                raise
            except FFmpegError:
                errors += 1
                if errors > MAX_CONSECUTIVE_ERRORS:
                    break
                continue
            for frame in frames:
                is_damaged = frame.is_corrupt or (errors > 0 and not is_first)
                errors, is_first = 0, False
                yield Moment(frame, clock.tick_of(frame), is_damaged)
        self.met_damage |= errors > 0 and not is_first


class _Clock:
    """Gives each decoded frame a tick, by libav's own rule where the stream is unclear.

    That rule (libavcodec/decode.c, guess_correct_pts): the presentation time, unless it went
    backwards more often than the decoding time did. Without either, and in a raw stream: one frame
    after another.
    """

    def __init__(self, video: VideoFile) -> None:
        self._are_times_known = not video.is_raw_stream
        self._ticks_of_a_frame = video.ticks_of_a_frame
        self._upcoming = video.start
        self._last_pts: int | None = None
        self._last_dts: int | None = None
        self._faulty_pts = 0
        self._faulty_dts = 0

    def tick_of(self, frame: VideoFrame) -> int:
        pts, dts = (frame.pts, frame.dts) if self._are_times_known else (None, None)
        if dts is not None and self._last_dts is not None:
            self._faulty_dts += dts <= self._last_dts
        if pts is not None and self._last_pts is not None:
            self._faulty_pts += pts <= self._last_pts
        self._last_dts = _first_known(dts, pts, self._last_dts)
        self._last_pts = _first_known(pts, dts, self._last_pts)
        trusted = (pts, dts) if self._faulty_pts <= self._faulty_dts else (dts, pts)
        tick = _first_known(*trusted)
        tick = self._upcoming if tick is None else tick
        self._upcoming = tick + (frame.duration or self._ticks_of_a_frame)
        return tick


def _first_known(*ticks: int | None) -> int | None:
    return next((tick for tick in ticks if tick is not None), None)
