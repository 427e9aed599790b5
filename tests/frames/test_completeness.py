"""A video of which a part is missing says so; one that is whole never does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests import clips
from tests.clips import X264, Style, picture, pictures, write_clip
from vidindex.embedding import Sampling
from vidindex.frames import read_frames
from vidindex.frames.timeline import MAX_CONSECUTIVE_ERRORS

Make = Callable[[Path], Path]


def why_incomplete(path: Path, sampling: Sampling) -> str | None:
    video = read_frames(path, sampling)
    assert list(video.frames)
    return video.why_incomplete()


def in_container(container: str, seconds: int, **settings: float) -> Make:
    style = Style(container=container, options=X264 | {"g": "4"})
    return lambda path: write_clip(path, pictures(2 * seconds), style, fps=2, **settings)


def cut(make: Make, share: float) -> Make:
    def make_cut(path: Path) -> Path:
        content = make(path).read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        return path

    return make_cut


@pytest.mark.parametrize(
    ("make", "interval_s"),
    [
        (lambda path: clips.make_truncated(path, 0.5), 3),
        (lambda path: clips.make_truncated(path, 0.5), 60),
        (cut(in_container("matroska", 40), 0.5), 3),
        (cut(in_container("matroska", 40), 0.5), 60),
        (cut(in_container("flv", 40), 0.5), 3),
    ],
)
def test_a_truncated_video_says_how_much_of_it_is_left(
    make: Make, interval_s: float, tmp_path: Path
) -> None:
    said = why_incomplete(make(tmp_path / "clip"), Sampling(interval_s=interval_s))

    found = re.fullmatch(r"only the first (\d+) s of 4[01] s could be decoded", said or "")
    assert found is not None, said
    assert 10 <= int(found[1]) <= 30


def test_a_truncated_video_whose_length_is_not_known_says_that_its_end_is_missing(
    tmp_path: Path,
) -> None:
    path = cut(in_container("avi", 40), 0.5)(tmp_path / "clip")

    assert why_incomplete(path, Sampling(interval_s=3)) == "the end of the file is missing"


def test_a_video_that_lacks_only_what_follows_its_pictures_is_whole(tmp_path: Path) -> None:
    path = in_container("matroska", 40)(tmp_path / "clip")
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"\x1c\x53\xbb\x6b")])  # the index

    assert why_incomplete(path, Sampling(interval_s=3)) is None


def damage_middle(path: Path) -> Path:
    content = bytearray(clips.make_slow(path, 30).read_bytes())
    start, end = content.index(b"mdat") + 4, content.index(b"moov")
    for at in range(start + (end - start) // 4, start + (end - start) // 2, 50):
        content[at : at + 25] = bytes(25)
    path.write_bytes(content)
    return path


def test_damaged_pictures_are_told_of(tmp_path: Path) -> None:
    path = damage_middle(tmp_path / "clip")

    assert why_incomplete(path, Sampling(interval_s=2)) == "damaged pictures were passed over"


WHOLE: dict[str, Make] = {
    "open gop, mp4": clips.make_open_gop,
    "open gop, matroska": lambda path: clips.make_open_gop(path, "matroska"),
    "open gop, mpegts": lambda path: clips.make_open_gop(path, "mpegts"),
    "intra refresh, mp4": clips.make_intra_refresh,
    "intra refresh, mpegts": lambda path: clips.make_intra_refresh(path, "mpegts"),
    "long gop": clips.make_long_gop,
    "variable rate": clips.make_variable_rate,
    "late start": lambda path: clips.make_late_start(path, "mp4", sound_s=7),
    "size changes midway": clips.make_resized_midway,
    "matroska": in_container("matroska", 20),
    "matroska with longer sound": in_container("matroska", 5, sound_s=40),
    "mp4 with longer sound": in_container("mp4", 5, sound_s=40),
    "flv": in_container("flv", 20),
    "avi": in_container("avi", 20),
    "asf": in_container("asf", 20),
    "mpegts": in_container("mpegts", 20),
    "raw stream": in_container("h264", 20),
    "hevc": lambda path: clips.make_in_container(path, "libx265", "mp4"),
    "vp9": lambda path: clips.make_in_container(path, "libvpx-vp9", "webm"),
    "gif": lambda path: clips.make_in_container(path, "gif", "gif"),
    "program stream": lambda path: clips.make_in_container(path, "mpeg2video", "mpeg", bframes=2),
}


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("sampling", [Sampling(interval_s=2.3), Sampling(mode="keyframe")])
def test_a_whole_video_is_not_called_incomplete(
    kind: str, sampling: Sampling, tmp_path: Path
) -> None:
    assert why_incomplete(WHOLE[kind](tmp_path / "clip"), sampling) is None


def test_what_is_missing_is_not_known_before_the_frames_are_used_up(tmp_path: Path) -> None:
    video = read_frames(clips.make_truncated(tmp_path / "clip", 0.5), Sampling(interval_s=3))
    next(video.frames)

    assert video.why_incomplete() is None


def with_broken_pictures(path: Path, broken: int) -> Path:
    """PNG pictures in MOV, 10 a second: 5 whole ones, some broken, and 5 whole ones."""
    style = Style("png", "mov", "rgb24")
    write_clip(path, (picture(n, 16, 16) for n in range(broken + 10)), style, fps=10)
    content = bytearray(path.read_bytes())
    starts, at = [], content.index(b"mdat")
    while (at := content.find(b"\x89PNG", at + 1)) > 0:
        starts.append(at)
    for start in starts[5 : 5 + broken]:
        content[start : start + 4] = b"junk"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("broken", "is_reached"),
    [(MAX_CONSECUTIVE_ERRORS, True), (MAX_CONSECUTIVE_ERRORS + 1, False)],
)
def test_a_named_number_of_broken_pictures_in_a_row_ends_a_video(
    broken: int, is_reached: bool, tmp_path: Path
) -> None:
    path = with_broken_pictures(tmp_path / "clip", broken)
    last_s = (broken + 8) / 10

    video = read_frames(path, Sampling(interval_s=last_s, skip_blank=False))
    first, last = video.frames

    shown = broken + 8 if is_reached else 4
    assert np.array_equal(first, cv2.resize(picture(0, 16, 16), (299, 299)))
    assert np.array_equal(last, cv2.resize(picture(shown, 16, 16), (299, 299)))
    assert video.why_incomplete() == "damaged pictures were passed over"
