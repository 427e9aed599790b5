"""Thumbnails as a witness: a picture coded anew is the same, another moment is not."""

import cv2
import numpy as np
import pytest

from tests.clips import picture, plain
from vidindex.glimpses import agree, collect, glimpse


def jpeg(pixels, width_px=None, height_px=None, quality=75):
    if width_px is not None:
        pixels = cv2.resize(pixels, (width_px, height_px), interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()


def seen(*pixels, step_s=30.0):
    return collect([(step_s * row, jpeg(each)) for row, each in enumerate(pixels)])


@pytest.mark.parametrize(("width_px", "height_px"), [(240, 180), (150, 112), (53, 40), (32, 24)])
def test_a_smaller_and_coarser_picture_is_the_same(width_px, height_px):
    large = picture(3, 640, 480)
    small = jpeg(large, width_px, height_px, quality=60)

    difference = np.abs(
        glimpse(small).astype(int) - glimpse(jpeg(large, 240, 180)).astype(int)
    ).max()

    assert difference <= 8
    assert agree(collect([(0.0, jpeg(large, 240, 180))]), collect([(0.0, small)])) is True


def test_a_picture_of_an_odd_height_is_cut_where_it_ends():
    """It is decoded at half its size, and half of 135 rows are 68 with the last one cut."""
    stripes = np.repeat(np.arange(12) % 2, 18)[:, np.newaxis] * 140 + 60
    stripes = np.repeat(stripes, 384, axis=1).astype(np.uint8)
    odd, even = (glimpse(jpeg(stripes, *size)).astype(int) for size in ((240, 135), (192, 108)))

    assert np.abs(odd - even).max() <= 10


def test_something_small_at_another_place_is_another_picture():
    before, after = picture(3).copy(), picture(3).copy()
    before[40:60, 20:32] = 255
    after[40:60, 90:102] = 255

    assert agree(seen(before), seen(after)) is False


def test_most_moments_decide():
    same, other = [picture(number) for number in range(3)], picture(50)

    assert agree(seen(*same), seen(same[0], other, same[2])) is True
    assert agree(seen(*same), seen(same[0], other, other)) is False


def test_other_moments_are_not_compared():
    one = collect([(0.0, jpeg(picture(1))), (30.0, jpeg(picture(2)))])
    shifted = collect([(1.0, jpeg(picture(1))), (30.04, jpeg(picture(2)))])

    assert agree(one, shifted) is True
    assert agree(one, collect([(1.0, jpeg(picture(1)))])) is None


def test_blank_pictures_tell_nothing():
    black = seen(plain((0, 0, 0)))

    assert agree(black, seen(plain((5, 5, 5)))) is None
    assert agree(black, seen(picture(1))) is False
    assert agree(black, collect([])) is None


@pytest.mark.parametrize(
    "damaged",
    [b"", b"\xff\xd8a", b"GIF89a", jpeg(picture(1))[:200], jpeg(picture(1, 1200, 40))],
    ids=["empty", "start only", "no jpeg", "cut", "too large"],
)
def test_a_damaged_thumbnail_is_no_witness(damaged):
    assert glimpse(damaged) is None
    assert agree(collect([(0.0, damaged)]), seen(picture(1))) is None
