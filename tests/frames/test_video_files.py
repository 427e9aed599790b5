"""Opening and closing: odd names, no descriptor left open, no word on the terminal."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from tests import clips
from vidindex.embedding import Sampling
from vidindex.errors import MediaError
from vidindex.frames import read_frames


@pytest.mark.parametrize(
    "name",
    [b"new\nline.mp4", b'it\'s "so".mp4', b"\xff\xfe.mp4", b"%02d.mp4", b"http:x.mp4", b"-i.mp4"],
)
def test_a_file_may_have_any_name(
    name: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips.make_slow(tmp_path / "clip.mp4", 2).rename(tmp_path / os.fsdecode(name))
    monkeypatch.chdir(tmp_path)

    assert len(list(read_frames(Path(os.fsdecode(name)), Sampling()).frames)) == 1


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("ending", ["used up", "closed", "dropped", "dropped unread"])
def test_the_file_is_closed_however_reading_ends(ending: str, tmp_path: Path) -> None:
    path = clips.make_slow(tmp_path / "clip.mp4", 61)
    before = open_descriptors()
    frames = read_frames(path, Sampling(interval_s=10)).frames
    assert open_descriptors() > before

    if ending != "dropped unread":
        next(frames)
    if ending == "used up":
        list(frames)
    elif ending == "closed":
        frames.close()
    else:
        del frames
        gc.collect()

    assert open_descriptors() == before


def test_the_file_is_closed_when_it_is_no_video(tmp_path: Path) -> None:
    path = clips.make_sound_only(tmp_path / "clip.mp4")
    before = open_descriptors()

    with pytest.raises(MediaError):
        read_frames(path, Sampling())

    assert open_descriptors() == before


def test_a_damaged_video_leaves_no_word_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = clips.make_slow(tmp_path / "clip.mp4", 61)
    content = bytearray(path.read_bytes())
    content[2000:-8000:97] = bytes(len(content[2000:-8000:97]))
    path.write_bytes(content)
    capfd.readouterr()

    list(read_frames(path, Sampling(interval_s=5)).frames)

    assert capfd.readouterr() == ("", "")
