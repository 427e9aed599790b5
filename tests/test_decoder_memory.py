"""What a video may need of the memory, and that the parent needs none of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from tests import clips
from tests.processes import children
from vidindex.decoders import Decoders, DecodingLimits
from vidindex.embedding import Sampling
from vidindex.errors import MediaError
from vidindex.frames import read_frames

LITTLE_BYTES, ENOUGH_BYTES = 450 << 20, 1000 << 20


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    with Decoders() as decoders:
        yield decoders


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of two pictures of 6000 x 4000 pixels."""
    path = tmp_path_factory.mktemp("large") / "clip.mkv"
    drawn = [clips.picture(number, 300, 200).repeat(20, 0).repeat(20, 1) for number in range(2)]
    return clips.write_clip(path, drawn, clips.Style("mjpeg", "matroska", "yuvj444p"), fps=1)


def write_bomb(path: Path, codec: str, container: str, options: dict[str, str]) -> Path:
    """One black picture of 15000 x 15000 pixels, 2 KB or 200 KB as a file."""
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=1, options=options)
        stream.width = stream.height = 15_000
        stream.pix_fmt = "gray"
        frame = av.VideoFrame.from_ndarray(np.zeros((15_000, 15_000), np.uint8), format="gray")
        file.mux([*stream.encode(frame), *stream.encode()])
    return path


def resident_mb(name: str) -> int:
    """VmRSS: the memory of this process now; VmHWM: at most since forget_peak()."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) >> 10


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


@pytest.mark.parametrize(
    ("codec", "container", "options"),
    [("ffv1", "matroska", {"level": "1", "coder": "rice"}), ("png", "mov", {"pred": "none"})],
)
def test_a_decompression_bomb_is_refused_and_the_parent_feels_nothing_of_it(
    codec: str, container: str, options: dict[str, str], decoders: Decoders, tmp_path: Path
) -> None:
    path = write_bomb(tmp_path / "bomb", codec, container, options)
    forget_peak()
    before_mb = resident_mb("VmRSS")

    with pytest.raises(MediaError) as caught:
        decoders(path, Sampling())

    assert caught.value.message == "needs more memory than allowed (15000 x 15000 pixels)"
    assert resident_mb("VmHWM") - before_mb < 20


def test_a_video_that_needs_more_memory_than_allowed_says_so(large: Path) -> None:
    with Decoders(DecodingLimits(memory_bytes=LITTLE_BYTES)) as decoders:
        with pytest.raises(MediaError) as caught:
            list(decoders(large, Sampling()).frames)

        assert children() == set()

    assert caught.value.message == "needs more memory than allowed"
    assert "decode_memory_mb" in caught.value.hint


def test_a_video_may_need_as_much_memory_as_is_allowed(large: Path) -> None:
    with Decoders(DecodingLimits(memory_bytes=ENOUGH_BYTES)) as decoders:
        frames = list(decoders(large, Sampling()).frames)

    assert np.array_equal(frames, list(read_frames(large, Sampling()).frames))


def test_a_video_that_needed_much_memory_leaves_the_next_one_as_much_as_it_had(
    large: Path,
) -> None:
    with Decoders(DecodingLimits(memory_bytes=ENOUGH_BYTES)) as decoders:
        for _ in range(3):
            list(decoders(large, Sampling()).frames)
            assert children() == set()
