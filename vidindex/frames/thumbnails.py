"""Small pictures of a video: chosen while it is sampled, of however many samples there are."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from vidindex.embedding import THUMBNAIL_SIDE_PX, Thumbnail

JPEG_QUALITY = 75
# How many small pictures wait for each that is chosen in the end: the more, the more evenly these
# are spread, at 100 KB each.
KEPT_FOR_EACH = 4
# A large picture is brought to so many times the small one, pixels passed over, before it is
# averaged: that takes 1 ms in place of up to 9, and cannot be seen.
THINNED = 4
# What a header may claim of the shape of its pixels; beyond that it is taken for damaged.
MOST_OBLONG = 8


class Album:
    """Keeps small pictures of some of the samples of a video, evenly spread.

    The number of samples is not known before the last. So every sample is kept at first; when
    there are too many, every other one is dropped, and from then on only every second one is
    kept, then every fourth.
    """

    def __init__(self, count: int) -> None:
        """Keep pictures for so many thumbnails; 0 for none."""
        self._count = count
        self._kept: list[tuple[Fraction, NDArray[np.uint8]]] = []
        self._step = 1
        self._seen = 0

    @property
    def wants_next(self) -> bool:
        """Whether a small picture of the next sample can still be chosen."""
        return self._count > 0 and self._seen % self._step == 0

    def add(self, time_s: Fraction, small: NDArray[np.uint8] | None) -> None:
        """Take the next sample. small: see `shrink`; None if it is not wanted."""
        if small is not None:
            self._kept.append((time_s, small))
        self._seen += 1
        if self._count and len(self._kept) == KEPT_FOR_EACH * self._count:
            del self._kept[1::2]
            self._step *= 2

    def choose(self) -> tuple[Thumbnail, ...]:
        """Return thumbnails from the middle of equal parts of the samples; fewer of few samples."""
        count = min(self._count, self._seen)
        middles = (Fraction((2 * part + 1) * self._seen, 2 * count) for part in range(count))
        return tuple(_thumbnail(*self._kept[int(middle / self._step)]) for middle in middles)


def shrink(upright: NDArray[np.uint8], pixel_aspect: Fraction) -> NDArray[np.uint8]:
    """Return a picture so small that its longer side is THUMBNAIL_SIDE_PX; a smaller one as it is.

    upright: (height, width, 3) uint8. pixel_aspect: the width of a pixel by its height.
    Returns (height, width, 3) uint8 of square pixels.
    """
    width_px, height_px = small_size(upright.shape[1], upright.shape[0], pixel_aspect)
    between = THINNED * width_px, THINNED * height_px
    if between[0] < upright.shape[1] and between[1] < upright.shape[0]:
        upright = np.asarray(cv2.resize(upright, between), dtype=np.uint8)
    small = cv2.resize(upright, (width_px, height_px), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def small_size(width_px: int, height_px: int, pixel_aspect: Fraction) -> tuple[int, int]:
    """Return width and height of the small picture of one of these pixels.

    >>> small_size(1920, 1080, Fraction(1))
    (240, 135)
    """
    if not Fraction(1, MOST_OBLONG) <= pixel_aspect <= MOST_OBLONG:
        pixel_aspect = Fraction(1)
    # Pixels that are not square are stretched, as players do: no line is lost.
    width = width_px * max(Fraction(1), pixel_aspect)
    height = height_px * max(Fraction(1), 1 / pixel_aspect)
    scale = min(Fraction(1), THUMBNAIL_SIDE_PX / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _thumbnail(time_s: Fraction, small: NDArray[np.uint8]) -> Thumbnail:
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), options)
    return Thumbnail(float(time_s), small.shape[1], small.shape[0], encoded.tobytes())
