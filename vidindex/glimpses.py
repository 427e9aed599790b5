"""Compare videos by their thumbnails: the second witness of whether two are the same.

A network's vector says what a video shows and hardly where: a street with a car on the left is
much like the same street with a car on the right. A *glimpse* is the opposite: a picture in
16 x 16 grey levels. Coding a video anew changes a few levels everywhere, and another moment before
the same camera many levels somewhere; so what counts is the greatest change, not the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 16
# Measured on clips of fixed cameras, in other sizes, codecs and bitrates: 8 levels at most between
# versions of a clip, 15 at least between clips of a camera, of an empty corridor.
MOST_DIFFERENCE = 12
LEAST_CONTRAST = 2 * MOST_DIFFERENCE  # a picture of less would be like any other such one
SAME_TIME_S = 0.1
DECODED_SIDE_PX = 4 * SIDE
MOST_SIDE_PX = 1024  # a thumbnail that claims to be larger is none of ours


@dataclass(frozen=True, eq=False)
class Glimpses:
    """The thumbnails of a video in short.

    times_s: (n,), ascending. levels: (n, 256) uint8 grey levels, 0 to 255.
    """

    times_s: NDArray[np.float64]
    levels: NDArray[np.uint8]


def glimpse(jpeg: bytes) -> NDArray[np.uint8] | None:
    """Return a JPEG file as (256,) uint8 grey levels of 16 x 16 parts; None if it is damaged."""
    try:
        with Image.open(BytesIO(jpeg), formats=["JPEG"]) as picture:
            width_px, height_px = picture.size
            if max(picture.size) > MOST_SIDE_PX:
                return None
            picture.draft("L", (DECODED_SIDE_PX, DECODED_SIDE_PX))  # decodes it small: quicker
            levels = np.asarray(picture.convert("L"), dtype=np.float32)
    except OSError:
        return None  # no witness; what it would say is told without it
    rows, columns = levels.shape
    means = _shares(rows, height_px) @ levels @ _shares(columns, width_px).T
    return np.rint(means).astype(np.uint8).ravel()


@cache
def _shares(count: int, size_px: int) -> NDArray[np.float32]:
    """Return how much each pixel of a row counts in the mean of each part, (16, count).

    count: of the pixels that were decoded, small, of size_px. Half of an odd number is rounded up:
    the last one then shows less than the others, and is not the edge of the picture.

    A pixel on the border of two parts counts in both, by what lies in each: filters that take it
    for one of them shift small pictures by half a part.
    """
    true_count = size_px / round(size_px / count)
    edges = np.minimum(np.arange(count + 1), true_count) * (SIDE / true_count)
    parts = np.arange(SIDE)[:, np.newaxis]
    inside = np.minimum(edges[1:], parts + 1) - np.maximum(edges[:-1], parts)
    shares: NDArray[np.float32] = np.maximum(inside, 0).astype(np.float32)
    return shares


def collect(pictures: Sequence[tuple[float, bytes]]) -> Glimpses:
    """Make glimpses of the thumbnails of a video: the time in seconds and the JPEG file of each."""
    seen = [(time_s, levels) for time_s, jpeg in pictures if (levels := glimpse(jpeg)) is not None]
    return Glimpses(
        np.array([time_s for time_s, _ in seen]),
        np.array([levels for _, levels in seen], np.uint8).reshape(-1, SIDE * SIDE),
    )


def agree(one: Glimpses, other: Glimpses) -> bool | None:
    """Whether most pictures of the same moments are the same; None if there are none to tell by."""
    first, second = _same_moments(one.times_s, other.times_s)
    a, b = one.levels[first].astype(np.int16), other.levels[second].astype(np.int16)
    tells = np.maximum(np.ptp(a, axis=1), np.ptp(b, axis=1)) >= LEAST_CONTRAST
    if not tells.any():
        return None
    differences = np.abs(a - b).max(axis=1)[tells]
    return bool(2 * np.count_nonzero(differences <= MOST_DIFFERENCE) > len(differences))


def _same_moments(
    one_s: NDArray[np.float64], other_s: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    first, second = np.nonzero(np.abs(one_s[:, np.newaxis] - other_s[np.newaxis]) <= SAME_TIME_S)
    return first, second
