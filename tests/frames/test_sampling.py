"""Sampled frames against those of the ffmpeg program itself, bit for bit."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from tests import clips
from vidindex.embedding import Sampling
from vidindex.errors import Refused, SystemStopped
from vidindex.frames import read_frames, write_video

RIGHT = 1 << 16  # 1 in the fixed point numbers of a display matrix


# The reference: what the ffmpeg program gives for every frame, and the plain rule for a sample.


@dataclass(frozen=True)
class Decoded:
    """All frames of a video: when each is shown, in seconds, and its upright RGB pixels."""

    duration_s: Fraction | None
    times_s: list[Fraction]
    pixels: list[NDArray[np.uint8]]


def decode_with_ffmpeg(path: Path, *before_input: str) -> Decoded:
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-hide_banner", "-nostdin", "-threads", "1", *before_input, "-i", str(path)),
        *("-an", "-sn", "-dn", "-fps_mode", "passthrough", "-noautoscale"),
        *("-vf", "showinfo=checksum=0", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"),
    ]
    done = subprocess.run(command, capture_output=True, check=False)
    log = done.stderr.decode(errors="replace")
    base = Fraction(0)
    times_s, pixels, at = [], [], 0
    for found in re.finditer(
        r"config in time_base: (\d+)/(\d+)|n: *\d+ pts: *(-?\d+) .*? s:(\d+)x(\d+) ", log
    ):
        numerator, denominator, tick, width, height = found.groups()
        if numerator:
            base = Fraction(int(numerator), int(denominator))
            continue
        size = int(width) * int(height) * 3
        whole = np.frombuffer(done.stdout, np.uint8, size, at)
        times_s.append(int(tick) * base)
        pixels.append(whole.reshape(int(height), int(width), 3))
        at += size
    assert at == len(done.stdout)
    length = re.search(r"Duration: (\d+):(\d+):(\d+\.\d+)", log)
    seconds = length and 3600 * int(length[1]) + 60 * int(length[2]) + Fraction(length[3])
    return Decoded(seconds, times_s, pixels)


def on_screen(decoded: Decoded, time_s: Fraction) -> NDArray[np.uint8]:
    """The last frame that is shown at time_s or before; the first before that."""
    numbers = [number for number, shown in enumerate(decoded.times_s) if shown <= time_s]
    return cv2.resize(decoded.pixels[max(numbers, default=0)], (299, 299))


def reference(path: Path, interval_s: str, *before_input: str) -> list[NDArray[np.uint8]]:
    decoded = decode_with_ffmpeg(path, *before_input)
    end_s = decoded.duration_s or decoded.times_s[-1] + Fraction(1, 1000)
    step_s, number, samples = Fraction(interval_s), 0, []
    while number * step_s < end_s:
        samples.append(on_screen(decoded, number * step_s))
        number += 1
    return samples


def sampled(path: Path, interval_s: str, **settings: object) -> list[NDArray[np.uint8]]:
    sampling = Sampling(interval_s=float(interval_s), skip_blank=False, **settings)
    return list(read_frames(path, sampling).frames)


def assert_same(ours: list[NDArray[np.uint8]], theirs: list[NDArray[np.uint8]]) -> None:
    assert len(ours) == len(theirs)
    assert [np.array_equal(*pair) for pair in zip(ours, theirs, strict=True)] == [True] * len(ours)


def matrix(a: int, b: int, c: int, d: int) -> tuple[int, ...]:
    return (a * RIGHT, b * RIGHT, 0, c * RIGHT, d * RIGHT, 0, 0, 0, 1 << 30)


Make = Callable[[Path], Path]


def in_container(codec: str, container: str, bframes: int = 0) -> Make:
    return lambda path: clips.make_in_container(path, codec, container, bframes=bframes)


def in_format(codec: str, pix_fmt: str, **settings: object) -> Make:
    return lambda path: clips.make_in_format(path, codec, pix_fmt, **settings)


def turned(*corner: int) -> Make:
    return lambda path: clips.make_turned(path, matrix(*corner))


INTERLACED = {"flags": "+ildct+ilme"}
# Each: a name, how to make it, the seconds between samples.
KINDS: dict[str, tuple[Make, str]] = {
    "long gop, pyramid of b-frames": (clips.make_long_gop, "1.3"),
    "open gop, mp4": (clips.make_open_gop, "2.3"),
    "open gop, matroska": (lambda path: clips.make_open_gop(path, "matroska"), "2.3"),
    "open gop, mpegts": (lambda path: clips.make_open_gop(path, "mpegts"), "2.3"),
    "intra refresh, mp4": (clips.make_intra_refresh, "2.3"),
    "intra refresh, mpegts": (lambda path: clips.make_intra_refresh(path, "mpegts"), "2.3"),
    "h264, avi (no presentation times)": (in_container("libx264", "avi", 3), "2.3"),
    "h264, flv": (in_container("libx264", "flv", 3), "2.3"),
    "h264, asf": (in_container("libx264", "asf", 3), "2.3"),
    "h264, raw stream": (in_container("libx264", "h264", 3), "2.3"),
    "hevc, mp4": (in_container("libx265", "mp4"), "2.3"),
    "hevc, raw stream": (in_container("libx265", "hevc"), "2.3"),
    "mpeg4, avi": (in_container("mpeg4", "avi", 2), "2.3"),
    "mpeg2, mpegts": (in_container("mpeg2video", "mpegts", 2), "2.3"),
    "mpeg2, program stream": (in_container("mpeg2video", "mpeg", 2), "2.3"),
    "mpeg2, raw stream": (in_container("mpeg2video", "mpeg2video", 2), "2.3"),
    "mpeg1": (in_container("mpeg1video", "mpeg"), "2.3"),
    "vp8": (in_container("libvpx", "webm"), "2.3"),
    "vp9": (in_container("libvpx-vp9", "webm"), "2.3"),
    "vp9, ivf": (in_container("libvpx-vp9", "ivf"), "2.3"),
    "wmv2": (in_container("wmv2", "asf"), "2.3"),
    "mjpeg, a single picture": (lambda path: clips.make_picture(path, "mjpeg"), "1"),
    "mjpeg, avi": (in_container("mjpeg", "avi"), "2.3"),
    "prores": (in_container("prores", "mov"), "2.3"),
    "gif": (in_container("gif", "gif"), "2.3"),
    "variable frame rate": (clips.make_variable_rate, "0.9"),
    "first picture late, mp4": (lambda path: clips.make_late_start(path, "mp4"), "1.3"),
    "first picture late, mpegts": (lambda path: clips.make_late_start(path, "mpegts"), "1.3"),
    "picture after sound, mp4": (
        lambda path: clips.make_late_start(path, "mp4", sound_s=7),
        "1.3",
    ),
    "picture after sound, mpegts": (
        lambda path: clips.make_late_start(path, "mpegts", sound_s=4),
        "5",
    ),
    "size changes midway": (clips.make_resized_midway, "0.9"),
    "30.0 s": (lambda path: clips.make_slow(path, 30), "30"),
    "30.5 s": (lambda path: clips.make_slow(path, 30.5), "30"),
    "sound a little longer": (lambda path: clips.make_slow(path, 29.5, sound_s=30.2), "30"),
    "turned by 90": (turned(0, 1, -1, 0), "1"),
    "turned by 180": (turned(-1, 0, 0, -1), "1"),
    "turned by 270": (turned(0, -1, 1, 0), "1"),
    "mirrored left to right": (turned(-1, 0, 0, 1), "1"),
    "mirrored top to bottom": (turned(1, 0, 0, -1), "1"),
    "turned by 90 and mirrored": (turned(0, 1, 1, 0), "1"),
    "turned by 270 and mirrored": (turned(0, -1, -1, 0), "1"),
    "turned by an odd angle": (
        lambda path: clips.make_turned(path, (56756, 32768, 0, -32768, 56756, 0, 0, 0, 1 << 30)),
        "1",
    ),
    "turned by EXIF data": (clips.make_with_exif, "1"),
    "clean aperture": (lambda path: clips.make_cropped(path, (8, 20, 4, 14)), "1"),
    "bt709": (lambda path: clips.make_coloured(path, colorspace=1, color_range=1), "1"),
    "bt709, full range": (lambda path: clips.make_coloured(path, colorspace=1, color_range=2), "1"),
    "bt2020": (lambda path: clips.make_coloured(path, colorspace=9, color_range=1), "1"),
    "10 bit": (in_format("libx264", "yuv420p10le"), "1"),
    "10 bit hevc": (in_format("libx265", "yuv420p10le"), "1"),
    "12 bit 444": (in_format("libx265", "yuv444p12le"), "1"),
    "16 bit": (in_format("ffv1", "rgb48le"), "1"),
    "444": (in_format("libx264", "yuv444p"), "1"),
    "gbr": (in_format("libx265", "gbrp"), "1"),
    "grey": (in_format("ffv1", "gray"), "1"),
    "alpha": (in_format("libvpx-vp9", "yuva420p"), "1"),
    "bgra": (in_format("ffv1", "bgra"), "1"),
    "161 x 121": (in_format("libvpx-vp9", "yuv420p", size=(161, 121)), "1"),
    "161 x 121, 422, 10 bit": (in_format("ffv1", "yuv422p10le", size=(161, 121)), "1"),
    "1 x 1": (in_format("ffv1", "yuv420p", size=(1, 1)), "1"),
    "2 x 2": (in_format("ffv1", "yuv420p", size=(2, 2)), "1"),
    "interlaced h264": (in_format("libx264", "yuv420p", options=clips.X264 | INTERLACED), "1"),
    "interlaced mpeg2": (
        in_format("mpeg2video", "yuv420p", container="mpegts", options=INTERLACED),
        "1",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_sampled_frames_equal_those_of_ffmpeg_bit_for_bit(kind: str, tmp_path: Path) -> None:
    make, interval_s = KINDS[kind]
    path = make(tmp_path / "clip")

    assert_same(sampled(path, interval_s), reference(path, interval_s))


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts", "avi"])
def test_keyframe_mode_takes_the_keyframe_on_screen(container: str, tmp_path: Path) -> None:
    path = clips.make_in_container(tmp_path / "clip", "libx264", container)

    assert_same(
        sampled(path, "3.3", mode="keyframe"), reference(path, "3.3", "-skip_frame", "nokey")
    )


def test_keyframe_mode_takes_keyframes_where_the_decoder_cannot_pass_over_others(
    tmp_path: Path,
) -> None:
    path = clips.make_in_container(tmp_path / "clip", "libvpx-vp9", "webm")
    whole = decode_with_ffmpeg(path)

    shown = [on_screen(whole, Fraction(time_s)) for time_s in (0, 2, 6)]
    assert_same(sampled(path, "3.3", mode="keyframe"), shown)


def test_damage_between_samples_harms_none_of_them(tmp_path: Path) -> None:
    path = clips.make_slow(tmp_path / "clip.mp4", 61)
    whole = sampled(path, "30")
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    end = content.index(b"moov")
    third = (end - start) // 6
    content[start + third : start + 2 * third] = bytes(third)
    path.write_bytes(content)

    assert_same(sampled(path, "30"), whole)


def test_a_video_too_short_for_min_frames_is_sampled_at_even_times(tmp_path: Path) -> None:
    path = clips.make_slow(tmp_path / "clip.mp4", 20)
    decoded = decode_with_ffmpeg(path)

    ours = sampled(path, "30", min_frames=4)

    assert_same(ours, [on_screen(decoded, Fraction(time_s)) for time_s in (0, 5, 10, 15)])


def test_min_frames_changes_nothing_for_a_video_that_is_long_enough(tmp_path: Path) -> None:
    path = clips.make_slow(tmp_path / "clip.mp4", 20)

    assert_same(sampled(path, "5", min_frames=4), sampled(path, "5"))


def test_a_blank_sample_is_replaced_by_a_later_frame_of_its_interval(tmp_path: Path) -> None:
    path = clips.make_with_blanks(tmp_path / "clip.mp4", [True] * 6 + [False] * 54)
    decoded = decode_with_ffmpeg(path)

    (ours,) = read_frames(path, Sampling()).frames

    assert np.array_equal(ours, on_screen(decoded, Fraction(30, 8)))


def test_a_blank_sample_stays_without_the_guard(tmp_path: Path) -> None:
    path = clips.make_with_blanks(tmp_path / "clip.mp4", [True] * 6 + [False] * 54)

    (ours,) = sampled(path, "30")

    assert ours.max() < 5


def test_the_blank_guard_does_not_look_into_the_next_interval(tmp_path: Path) -> None:
    path = clips.make_with_blanks(tmp_path / "clip.mp4", [True] * 20 + [False] * 20)

    ours = list(read_frames(path, Sampling(interval_s=10)).frames)

    assert [bool(frame.max() < 5) for frame in ours] == [True, False]


def test_a_black_video_keeps_its_black_frames(tmp_path: Path) -> None:
    path = clips.make_with_blanks(tmp_path / "clip.mp4", [True] * 40)

    ours = list(read_frames(path, Sampling(interval_s=4)).frames)

    assert [int(frame.max()) < 5 for frame in ours] == [True] * 5


def test_the_last_frame_stands_in_once_where_the_sound_goes_on(tmp_path: Path) -> None:
    path = clips.make_slow(tmp_path / "clip.mp4", 10, sound_s=41)
    decoded = decode_with_ffmpeg(path)

    ours = sampled(path, "10")

    assert_same(ours, [on_screen(decoded, Fraction(0)), on_screen(decoded, Fraction(10))])


def test_a_truncated_file_gives_the_frames_that_it_holds(tmp_path: Path) -> None:
    path = clips.make_truncated(tmp_path / "clip.mp4", 0.5)
    decoded = decode_with_ffmpeg(path)
    end_s = decoded.times_s[-1]

    video = read_frames(path, Sampling(interval_s=3, skip_blank=False))
    ours = list(video.frames)

    there = [on_screen(decoded, Fraction(3 * number)) for number in range(int(end_s / 3) + 1)]
    assert_same(ours[: len(there)], there)
    assert len(ours) - len(there) <= 1
    assert video.info.duration_s == pytest.approx(float(end_s), abs=1.0)


def test_the_header_is_told_upright(tmp_path: Path) -> None:
    path = clips.make_turned(tmp_path / "clip.mp4", matrix(0, 1, -1, 0))

    info = read_frames(path, Sampling()).info

    assert (info.width_px, info.height_px, info.codec, info.duration_s) == (120, 160, "h264", 2.0)


def test_the_duration_of_a_raw_stream_is_counted(tmp_path: Path) -> None:
    path = clips.make_in_container(tmp_path / "clip", "libx264", "h264")

    assert read_frames(path, Sampling()).info.duration_s == pytest.approx(8.0, abs=0.2)


def test_a_written_video_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new.mp4"

    write_video(path, clips.pictures(8), fps=4)

    decoded = decode_with_ffmpeg(path)
    assert len(decoded.pixels) == 8
    drawn = clips.picture(7).astype(int)
    assert np.abs(decoded.pixels[7].astype(int) - drawn).mean() < 12


def test_write_video_refuses_to_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "mine.mp4"
    path.write_bytes(b"mine")

    with pytest.raises(Refused):
        write_video(path, clips.pictures(2), fps=4)

    assert path.read_bytes() == b"mine"


def test_write_video_leaves_nothing_behind_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "new.mp4"

    with pytest.raises(ValueError, match="one even size"):
        write_video(path, [clips.picture(0), clips.picture(0, 80, 60)], fps=4)

    assert list(tmp_path.iterdir()) == []


def test_write_video_says_where_it_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(SystemStopped, match="No such file"):
        write_video(tmp_path / "none" / "new.mp4", clips.pictures(2), fps=4)
