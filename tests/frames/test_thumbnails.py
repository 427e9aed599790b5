"""Small pictures of a video: upright, in its true aspect, evenly spread, made on the way."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests import clips
from vidindex.embedding import SampledVideo, Sampling, Thumbnail
from vidindex.frames import read_frames
from vidindex.frames.thumbnails import Album, shrink, small_size

RIGHT = 1 << 16  # 1 in the fixed point numbers of a display matrix
ON_ITS_SIDE = (0, RIGHT, 0, -RIGHT, 0, 0, 0, 0, 1 << 30)
UPSIDE_DOWN = (-RIGHT, 0, 0, 0, -RIGHT, 0, 0, 0, 1 << 30)
DOT = np.zeros((1, 1, 3), np.uint8)


def taken(path: Path, interval_s: float = 0.5, count: int = 9) -> tuple[SampledVideo, list]:
    """Sample a video; return it and its frames."""
    video = read_frames(path, Sampling(interval_s), count)
    return video, list(video.frames)


def pixels(thumbnail: Thumbnail) -> NDArray[np.uint8]:
    decoded = cv2.imdecode(np.frombuffer(thumbnail.jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert decoded.shape == (thumbnail.height_px, thumbnail.width_px, 3)
    return decoded


def differ(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return by how many of 255 levels two pictures differ on average, at the size of the first."""
    resized = cv2.resize(other, one.shape[1::-1], interpolation=cv2.INTER_AREA)
    return float(np.abs(one.astype(int) - resized).mean())


@pytest.mark.parametrize("matrix", [(), ON_ITS_SIDE, UPSIDE_DOWN])
def test_a_thumbnail_is_as_upright_as_the_frame(matrix: tuple[int, ...], tmp_path: Path) -> None:
    path = clips.make_turned(tmp_path / "clip.mp4", matrix)

    video, frames = taken(path)

    first = video.thumbnails()[0]
    assert (first.width_px, first.height_px) == (video.info.width_px, video.info.height_px)
    assert differ(pixels(first), frames[0]) < 8
    assert differ(pixels(first), frames[0][::-1, ::-1]) > 30


@pytest.mark.parametrize(
    ("container", "aspect", "matrix", "size"),
    [
        ("mp4", Fraction(2), (), (240, 90)),
        ("mp4", Fraction(1, 2), (), (160, 240)),
        ("mp4", Fraction(2), ON_ITS_SIDE, (90, 240)),
        ("matroska", Fraction(2), (), (240, 90)),
        ("mpegts", Fraction(2), (), (240, 90)),
        ("avi", Fraction(2), (), (240, 90)),
        ("h264", Fraction(2), (), (240, 90)),
        ("mp4", Fraction(100), (), (160, 120)),
    ],
)
def test_pixels_that_are_not_square_are_made_so(
    container: str,
    aspect: Fraction,
    matrix: tuple[int, ...],
    size: tuple[int, int],
    tmp_path: Path,
) -> None:
    style = clips.Style(
        container=container,
        options=clips.X264,
        matrix=matrix,
        colours={"sample_aspect_ratio": aspect},
    )
    path = clips.write_clip(tmp_path / "clip", clips.pictures(8), style, fps=4)

    video, frames = taken(path)

    for thumbnail in video.thumbnails():
        assert (thumbnail.width_px, thumbnail.height_px) == size
    assert differ(pixels(video.thumbnails()[0]), frames[0]) < 8


def test_thumbnails_show_the_samples_of_their_times(tmp_path: Path) -> None:
    video, frames = taken(clips.make_slow(tmp_path / "clip.mp4", 61), interval_s=1)

    times_s = [thumbnail.time_s for thumbnail in video.thumbnails()]
    assert len(times_s) == 9
    assert {round(gap_s) for gap_s in np.diff(times_s)} <= {6, 7, 8}
    assert times_s[0] < 7
    assert times_s[-1] > 54
    for thumbnail in video.thumbnails():
        assert differ(pixels(thumbnail), frames[round(thumbnail.time_s)]) < 8


def test_the_frames_are_the_same_with_and_without_thumbnails(tmp_path: Path) -> None:
    path = clips.make_with_blanks(tmp_path / "clip.mp4", [True, False, True, True, False] * 4)

    with_them, without = taken(path)[1], taken(path, count=0)

    assert without[0].thumbnails() == ()
    np.testing.assert_array_equal(with_them, without[1])


def test_a_video_of_one_sample_has_one_thumbnail(tmp_path: Path) -> None:
    video, frames = taken(clips.make_slow(tmp_path / "clip.mp4", 3), interval_s=30)

    assert len(frames) == 1
    assert [thumbnail.time_s for thumbnail in video.thumbnails()] == [0.0]


def test_what_stands_in_for_a_blank_sample_is_shown(tmp_path: Path) -> None:
    path = clips.make_with_blanks(tmp_path / "clip.mp4", [True] * 3 + [False] * 5)

    video, frames = taken(path, interval_s=4)

    (only,) = video.thumbnails()
    assert only.time_s == 2.0
    assert pixels(only).std() > 20
    assert differ(pixels(only), frames[0]) < 8


def test_a_video_that_is_black_has_black_thumbnails(tmp_path: Path) -> None:
    video, frames = taken(clips.make_with_blanks(tmp_path / "clip.mp4", [True] * 20))

    assert len(frames) == 20
    assert len(video.thumbnails()) == 9
    assert max(pixels(thumbnail).max() for thumbnail in video.thumbnails()) < 20


def test_a_truncated_video_has_thumbnails_of_what_there_is(tmp_path: Path) -> None:
    video, frames = taken(clips.make_truncated(tmp_path / "clip.mp4", 0.5), interval_s=1)

    assert video.why_incomplete() is not None
    assert video.thumbnails()[-1].time_s < len(frames) < 39


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_thumbnails_are_evenly_spread_over_any_number_of_samples(count: int) -> None:
    for samples in [*range(1, 200), 1000, 4097]:
        album, wanted = Album(count), 0
        for number in range(samples):
            wanted += album.wants_next
            album.add(Fraction(number), DOT if album.wants_next else None)

        times_s = [thumbnail.time_s for thumbnail in album.choose()]

        assert len(times_s) == min(count, samples)
        middles_s = (np.arange(len(times_s)) + 0.5) * samples / len(times_s)
        assert np.abs(np.array(times_s) + 0.5 - middles_s).max() <= max(0.5, samples / count / 2)
        assert wanted <= 4 * count + 2 * count * np.log2(samples)


def test_an_album_of_none_wants_nothing() -> None:
    album = Album(0)

    assert not album.wants_next
    album.add(Fraction(0), None)
    assert album.choose() == ()


@pytest.mark.parametrize(
    ("size", "aspect", "small"),
    [
        ((1920, 1080), 1, (240, 135)),
        ((1080, 1920), 1, (135, 240)),
        ((160, 120), 1, (160, 120)),
        ((720, 576), Fraction(16, 15), (240, 180)),
        ((720, 576), Fraction(64, 45), (240, 135)),
        ((1440, 1080), Fraction(4, 3), (240, 135)),
        ((15_000, 1), 1, (240, 1)),
        ((1, 8192), 8, (1, 240)),
        ((160, 120), Fraction(1, 1000), (160, 120)),
    ],
)
def test_a_thumbnail_has_the_shape_of_what_is_on_screen(
    size: tuple[int, int], aspect: Fraction, small: tuple[int, int]
) -> None:
    assert small_size(*size, Fraction(aspect)) == small


def test_a_large_picture_is_thinned_out_and_looks_as_if_it_were_averaged() -> None:
    large = clips.picture(3, 1918, 1080)

    small = shrink(large, Fraction(1))

    assert small.shape == (135, 240, 3)
    assert differ(small, large) < 1
