"""Thumbnails come from the decoder process, which may send anything.

A stand-in takes the decoder's place: tests/stand_in_decoder.py does what the file says.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import clips, stand_in_decoder
from tests.processes import children
from vidindex.decoder_messages import MAX_JPEG_BYTES
from vidindex.decoders import Decoders
from vidindex.embedding import SampledVideo, Sampling, Thumbnail
from vidindex.errors import MediaError
from vidindex.frames import read_frames

SOUND = {"thumbnails", "largest thumbnail"}


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    with Decoders(thumbnails=2, command=stand_in_decoder.COMMAND) as decoders:
        yield decoders


def decode(decoders: Decoders, folder: Path, wanted: str) -> SampledVideo:
    path = folder / "clip.mp4"
    path.write_text(wanted)
    video = decoders(path, Sampling())
    assert len(list(video.frames)) == 1
    return video


def test_thumbnails_are_there_when_the_frames_are_used_up(
    decoders: Decoders, tmp_path: Path
) -> None:
    jpeg = b"\xff\xd8\xff picture \xff\xd9"

    video = decode(decoders, tmp_path, "thumbnails")

    assert video.thumbnails() == (Thumbnail(0.0, 240, 135, jpeg), Thumbnail(0.5, 1, 240, jpeg))
    assert video.why_incomplete() is None


def test_a_thumbnail_may_be_as_large_as_is_allowed(decoders: Decoders, tmp_path: Path) -> None:
    (found,) = decode(decoders, tmp_path, "largest thumbnail").thumbnails()

    assert len(found.jpeg) == MAX_JPEG_BYTES


def test_a_decoder_may_send_no_thumbnails(decoders: Decoders, tmp_path: Path) -> None:
    assert decode(decoders, tmp_path, "good").thumbnails() == ()


@pytest.mark.parametrize("wanted", sorted(stand_in_decoder.THUMBNAILS.keys() - SOUND))
def test_a_bad_thumbnail_costs_one_video_and_its_process(
    wanted: str, decoders: Decoders, tmp_path: Path
) -> None:
    with pytest.raises(MediaError) as caught:
        decode(decoders, tmp_path, wanted)

    assert caught.value.message == "the decoder gave a bad answer"
    assert children() == set()
    assert len(decode(decoders, tmp_path, "thumbnails").thumbnails()) == 2


def test_a_thumbnail_that_was_not_asked_for_is_a_bad_answer(tmp_path: Path) -> None:
    with (
        Decoders(command=stand_in_decoder.COMMAND) as decoders,
        pytest.raises(MediaError, match="bad answer"),
    ):
        decode(decoders, tmp_path, "thumbnails")


def test_thumbnails_are_those_of_the_decoder_in_this_process(tmp_path: Path) -> None:
    path = clips.make_slow(tmp_path / "clip.mp4", 61)
    sampling = Sampling(interval_s=1)
    here = read_frames(path, sampling, 9)
    list(here.frames)

    with Decoders(thumbnails=9) as decoders:
        there = decoders(path, sampling)
        assert there.thumbnails() == ()
        list(there.frames)

    assert there.thumbnails() == here.thumbnails()
    assert len(there.thumbnails()) == 9
