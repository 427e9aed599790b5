"""Turns decoded frames into upright RGB pictures, bit for bit as ffmpeg does."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from vidindex.embedding import FRAME_SIZE_PX
from vidindex.errors import MediaError
from vidindex.frames.containers import Crop, reading
from vidindex.frames.thumbnails import shrink

# A picture is blank if no colour's standard deviation over the resized picture is above this many
# of the 255 levels: black and white leaders, the ends of fades, a screen of one colour, with the
# noise of coding. A line of white text on black has more than 8.
BLANK_MAX_DEVIATION = 4.0

# A filter of libav and its argument.
Turn = tuple[str, str]


@dataclass(frozen=True)
class Painted:
    """A frame as the network takes it, (299, 299, 3) uint8 RGB, and as a small picture, if asked.

    small: (height, width, 3) uint8 RGB, see `shrink`.
    """

    pixels: NDArray[np.uint8]
    small: NDArray[np.uint8] | None = None


class Painter:
    """Turns decoded frames into upright RGB pictures of the network's size.

    crop: what the container says to cut off. pixel_aspect: the width of a pixel by its height,
    before the picture is turned. size_px: width and height of the picture painted last, upright.
    Keeps the filter graph for as long as frames are alike; they may change within a stream.
    """

    def __init__(self, crop: Crop) -> None:
        self._crop = crop
        self.pixel_aspect = Fraction(1)
        self._kind: tuple[object, ...] = ()
        self._graph = Graph()
        self._painted: tuple[VideoFrame, Painted] | None = None
        self.size_px = (0, 0)

    def paint(self, frame: VideoFrame, *, shrinks: bool = False) -> Painted:
        """Return the frame as (299, 299, 3) uint8 RGB, aspect ignored.

        OpenCV's default filter (bilinear), as in the published recipe. shrinks: as a small
        picture, too.

        Raises:
            MediaError: libav cannot convert this kind of frame.
        """
        if self._painted is not None and self._painted[0] is frame:
            painted = self._painted[1]
            if painted.small is not None or not shrinks:
                return painted
        upright = self.to_rgb(frame)
        self.size_px = (upright.shape[1], upright.shape[0])
        resized = np.asarray(cv2.resize(upright, (FRAME_SIZE_PX, FRAME_SIZE_PX)), dtype=np.uint8)
        small = shrink(upright, self._upright_aspect(frame)) if shrinks else None
        self._painted = frame, Painted(resized, small)
        return self._painted[1]

    def to_rgb(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Return the frame in its own size: (height, width, 3) uint8 RGB.

        Raises:
            MediaError: libav cannot convert this kind of frame.
        """
        turns = (*_cuts(self._crop), *turns_upright(display_matrix(frame)))
        looks = frame.format.name, int(frame.colorspace), int(frame.color_range)
        kind = (frame.width, frame.height, *looks, *turns)
        with reading():
            if kind != self._kind:
                self._graph, self._kind = _conversion(frame, turns), kind
            self._graph.vpush(frame)
            return np.asarray(self._graph.vpull().to_ndarray(), dtype=np.uint8)

    def _upright_aspect(self, frame: VideoFrame) -> Fraction:
        turns = turns_upright(display_matrix(frame))
        is_on_its_side = any(name == "transpose" for name, _ in turns)
        return 1 / self.pixel_aspect if is_on_its_side else self.pixel_aspect


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a still image in its own size: (height, width, 3) uint8 RGB.

    Raises:
        MediaError: it is no picture that can be decoded.
    """
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise MediaError("not a picture")
    return np.asarray(pixels, dtype=np.uint8)


def is_blank(picture: NDArray[np.uint8]) -> bool:
    """Whether a picture is nearly uniform. picture: (height, width, 3) uint8."""
    _, deviations = cv2.meanStdDev(picture)
    return bool(np.max(deviations) <= BLANK_MAX_DEVIATION)


def _cuts(crop: Crop) -> tuple[Turn, ...]:
    if crop == Crop():
        return ()
    size = f"w=iw-{crop.left + crop.right}:h=ih-{crop.top + crop.bottom}"
    return (("crop", f"{size}:x={crop.left}:y={crop.top}"),)


def display_matrix(frame: VideoFrame) -> tuple[int, ...]:
    """Return the nine numbers that say how the picture is to be turned; () if it is upright."""
    try:
        matrix = frame.side_data["DISPLAYMATRIX"]  # type: ignore[typeddict-item]
    except KeyError:
        return ()
    except ValueError:
        # PyAV knows not all kinds of side data, and one that it does not know (EXIF, say) bars
        # the way to the others. It tells the angle still, though not whether it is mirrored.
        return _matrix_of_angle(-frame.rotation)
    return struct.unpack("=9i", bytes(matrix))


def _matrix_of_angle(clockwise_degrees: int) -> tuple[int, ...]:
    angle = math.radians(clockwise_degrees)
    cosine, sine = round(math.cos(angle) * (1 << 16)), round(math.sin(angle) * (1 << 16))
    return (cosine, sine, 0, -sine, cosine, 0, 0, 0, 1 << 30)


def turns_upright(matrix: tuple[int, ...]) -> tuple[Turn, ...]:
    """Return the filters that make a picture with this display matrix upright.

    The same as ffmpeg's (fftools/ffmpeg_filter.c, autorotate), in the same order, so that the
    pixels are the same, too: it turns before it converts the colours.
    """
    if not matrix:
        return ()
    angle = _clockwise_degrees(matrix)
    if abs(angle - 90) < 1:
        return (("transpose", "cclock_flip" if matrix[3] > 0 else "clock"),)
    if abs(angle - 180) < 1:
        flips = (("hflip", "", matrix[0]), ("vflip", "", matrix[4]))
        return tuple((name, argument) for name, argument, scale in flips if scale < 0)
    if abs(angle - 270) < 1:
        return (("transpose", "clock_flip" if matrix[3] < 0 else "cclock"),)
    if abs(angle) > 1:
        return (("rotate", f"{angle:f}*PI/180"),)
    return (("vflip", ""),) if matrix[4] < 0 else ()


def _clockwise_degrees(matrix: tuple[int, ...]) -> float:
    """Return the angle to turn by, from 0 to below 360; 0 where the matrix has no sense."""
    widths = math.hypot(matrix[0], matrix[3]), math.hypot(matrix[1], matrix[4])
    if 0 in widths:
        return 0.0
    radians = math.atan2(matrix[1] / widths[1], matrix[0] / widths[0])
    angle = float(math.floor(math.degrees(radians) + 0.5))
    return angle - 360 * math.floor(angle / 360 + 0.9 / 360)


def _conversion(frame: VideoFrame, turns: tuple[Turn, ...]) -> Graph:
    """Build the filters that turn frames like this one upright and into RGB."""
    graph = Graph()
    source = graph.add(
        "buffer",
        video_size=f"{frame.width}x{frame.height}",
        pix_fmt=frame.format.name,
        time_base="1/1000",
        colorspace=str(int(frame.colorspace)),
        range=str(int(frame.color_range)),
    )
    # A plain scale, without flags: libav's own default is what the ffmpeg program converts with.
    names = (*turns, ("scale", ""), ("format", "rgb24"), ("buffersink", ""))
    graph.link_nodes(source, *(graph.add(name, argument) for name, argument in names)).configure()
    return graph
