"""Reads the sampled frames of a video file.

What a sample is: the frame on screen at its time, upright, converted to RGB as ffmpeg does, and
resized by OpenCV with its default (bilinear) filter, aspect ignored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from vidindex.embedding import SampledVideo, Sampling, Thumbnail, VideoInfo
from vidindex.errors import MediaError
from vidindex.frames.completeness import why_incomplete
from vidindex.frames.containers import MAX_PIXELS, NeedsMoreMemory, crop_px
from vidindex.frames.pictures import Painted, Painter, is_blank
from vidindex.frames.sample_times import SampleTime, sample_times
from vidindex.frames.thumbnails import Album
from vidindex.frames.timeline import Timeline
from vidindex.frames.video_files import VideoFile, open_descriptor

# After so many samples in a row for which no stand-in was found, the guard rests until a sample
# is not blank: a film that is black for hours is not searched to the end.
MAX_VAIN_BLANK_SEARCHES = 3


def read_frames(path: Path, sampling: Sampling, thumbnails: int = 0) -> SampledVideo:
    """Open a video and prepare its sampled frames; the first is decoded before this returns.

    The file stays open until the frames are used up, dropped, or closed (`frames.close()`).
    thumbnails: how many are made on the way, at most.

    Raises:
        MediaError: it is no video that can be decoded.
        UnreadableError: it cannot be opened or read.
    """
    return read_open_frames(open_descriptor(path), sampling, thumbnails)


def read_open_frames(descriptor: int, sampling: Sampling, thumbnails: int = 0) -> SampledVideo:
    """Do as read_frames with a regular file that is open already; takes the descriptor over.

    Raises:
        MediaError: it is no video that can be decoded. The descriptor is closed then.
        UnreadableError: the system failed to read it. The descriptor is closed then.
    """
    video = VideoFile(descriptor)
    try:
        frames = SampledFrames(video, sampling, thumbnails)
    except BaseException:
        video.close()
        raise
    return SampledVideo(frames.info, frames, frames.why_incomplete, frames.choose_thumbnails)


class SampledFrames(Iterator[NDArray[np.uint8]]):
    """The sampled frames of an open video: (299, 299, 3) uint8 RGB each, in order of time.

    Decodes as it is read and holds one frame at a time. Owns the video: it is closed at the end,
    at an error, by close(), and when this object is dropped.
    """

    def __init__(self, video: VideoFile, sampling: Sampling, thumbnails: int) -> None:
        self._open = contextlib.ExitStack()
        self._open.callback(video.close)
        self._video = video
        self._is_closed = False
        self._incomplete: str | None = None
        self._claimed_s, self._pictures_s = _durations_s(video, sampling)
        is_asked_once = sampling.min_frames == 1 and self._claimed_s <= sampling.interval_s
        self._timeline = timeline = Timeline(video, sampling.mode, is_asked_once=is_asked_once)
        painter = Painter(crop_px(video.container, video.stream))
        self._album = Album(thumbnails)
        times = sample_times(self._claimed_s, sampling, pictures_s=self._pictures_s)
        self._frames = _sample(timeline, times, painter, self._album, sampling.skip_blank)
        self._open.callback(self._frames.close)
        first = timeline.frame_at(Fraction(0))
        if first is None:
            raise _nothing_decodable(video, timeline)
        painter.pixel_aspect = video.pixel_aspect  # which some streams tell in their pictures only
        painter.paint(first, shrinks=self._album.wants_next)
        width_px, height_px = painter.size_px
        duration_s = float(self._pictures_s) if self._pictures_s else None
        self.info = VideoInfo(duration_s, width_px, height_px, video.codec)

    def __next__(self) -> NDArray[np.uint8]:
        try:
            pixels = next(self._frames, None)
            if pixels is None and not self._is_closed:
                self._incomplete = self._find_gaps()
        except BaseException:
            self.close()
            raise
        if pixels is None:
            self.close()
            raise StopIteration
        return pixels

    def why_incomplete(self) -> str | None:
        """Return why frames are missing; None if none are, or while they are not used up."""
        return self._incomplete

    def choose_thumbnails(self) -> tuple[Thumbnail, ...]:
        """Return thumbnails of the samples that were taken, evenly spread."""
        return self._album.choose()

    def close(self) -> None:
        """Close the file; no further frames come. Closing twice does nothing."""
        self._is_closed = True
        self._open.close()

    def __del__(self) -> None:
        self.close()

    def _find_gaps(self) -> str | None:
        return why_incomplete(
            self._video, self._claimed_s, self._pictures_s, met_damage=self._timeline.met_damage
        )


def _durations_s(video: VideoFile, sampling: Sampling) -> tuple[Fraction, Fraction]:
    """Return the duration that the container claims, and that for which there are pictures.

    The same, unless the claim is a lie: the pictures end more than one interval before it.
    """
    claimed_s = video.claimed_duration_s
    if claimed_s and claimed_s <= sampling.interval_s and sampling.min_frames == 1:
        return claimed_s, claimed_s
    pictures_s = video.end_s
    if not claimed_s or not pictures_s:
        only_s = claimed_s or pictures_s or Fraction(0)
        return only_s, only_s
    is_lie = claimed_s - pictures_s > sampling.interval_s
    return claimed_s, pictures_s if is_lie else claimed_s


def _nothing_decodable(video: VideoFile, timeline: Timeline) -> MediaError:
    if timeline.met_encrypted or video.is_encrypted:
        return MediaError("encrypted", "index a copy without copy protection")
    if video.is_cut_before_first:
        return MediaError("truncated before the first frame", "copy or download it again")
    width_px, height_px = video.declared_size_px
    if width_px * height_px > MAX_PIXELS:
        return NeedsMoreMemory(f"({width_px} x {height_px} pixels)")
    return MediaError("no frame could be decoded", "copy or download it again; it may be damaged")


def _sample(
    timeline: Timeline,
    times: Iterator[SampleTime],
    painter: Painter,
    album: Album,
    skip_blank: bool,
) -> Generator[NDArray[np.uint8], None, None]:
    vain_searches = 0
    is_past_end = False  # once: the last picture stands in where the sound goes on a little longer
    for sample in times:
        frame = timeline.frame_at(sample.time_s)
        if frame is None or is_past_end:
            return
        is_past_end = timeline.has_ended_before(sample.time_s)
        shown_s, painted = sample.time_s, painter.paint(frame, shrinks=album.wants_next)
        if not skip_blank or not is_blank(painted.pixels):
            vain_searches = 0
        elif vain_searches < MAX_VAIN_BLANK_SEARCHES:
            found = _find_not_blank(timeline, sample, painter, album.wants_next)
            vain_searches += found is None
            shown_s, painted = found or (shown_s, painted)
        album.add(shown_s, painted.small if album.wants_next else None)
        yield painted.pixels


def _find_not_blank(
    timeline: Timeline, sample: SampleTime, painter: Painter, shrinks: bool
) -> tuple[Fraction, Painted] | None:
    """Return a stand-in for a blank sample, and when it is on screen."""
    last: VideoFrame | None = None
    for time_s in sample.looks_s:
        frame = timeline.frame_at(time_s)
        if frame is None or timeline.has_ended_before(time_s):
            return None
        if frame is not last:
            painted = painter.paint(frame, shrinks=shrinks)
            if not is_blank(painted.pixels):
                return time_s, painted
        last = frame
    return None
