"""Videos decoded in processes of their own: the same frames, and nothing left behind."""

from __future__ import annotations

import errno
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests import clips, stand_in_decoder
from tests.processes import children, open_descriptors, wait_until
from vidindex import decoders as decoders_module
from vidindex.decoders import Decoders, DecodersClosed
from vidindex.embedding import SampledVideo, Sampling
from vidindex.errors import ChangedError, MediaError, SystemStopped, UnreadableError
from vidindex.frames import read_frames

EACH_SECOND = Sampling(interval_s=1, skip_blank=False)


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    with Decoders() as decoders:
        yield decoders


def same(ours: SampledVideo, theirs: SampledVideo) -> bool:
    pairs = zip(ours.frames, theirs.frames, strict=True)
    return ours.info == theirs.info and all(np.array_equal(*pair) for pair in pairs)


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx-vp9", "mpeg4"])
def test_frames_are_those_of_the_decoder_in_this_process(
    codec: str, decoders: Decoders, tmp_path: Path
) -> None:
    path = clips.make_in_container(tmp_path / "clip", codec, "matroska")

    assert same(decoders(path, EACH_SECOND), read_frames(path, EACH_SECOND))


@pytest.mark.parametrize(
    ("make", "sampling"),
    [
        (lambda path: path.write_bytes(b"hello, this is no video\n" * 40), Sampling()),
        (lambda path: path.write_bytes(b""), Sampling()),
        (clips.make_sound_only, Sampling(min_frames=2)),
    ],
)
def test_reasons_are_those_of_the_decoder_in_this_process(
    make: Callable[[Path], object], sampling: Sampling, decoders: Decoders, tmp_path: Path
) -> None:
    make(tmp_path / "clip.mp4")
    with pytest.raises(MediaError) as here:
        read_frames(tmp_path / "clip.mp4", sampling)

    with pytest.raises(MediaError) as there:
        decoders(tmp_path / "clip.mp4", sampling)

    assert (there.value.message, there.value.hint) == (here.value.message, here.value.hint)


def test_a_process_serves_many_videos_good_and_bad(
    decoders: Decoders, clip_pool: Path, tmp_path: Path
) -> None:
    list(decoders(clip_pool / "a.mp4", Sampling()).frames)
    (first,) = children()
    (tmp_path / "text.mp4").write_text("hello")

    with pytest.raises(MediaError):
        decoders(tmp_path / "text.mp4", Sampling())
    list(decoders(clip_pool / "b.mp4", Sampling()).frames)

    assert children() == {first}


def test_a_process_is_replaced_after_a_number_of_videos(
    decoders: Decoders, clip_pool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoders_module, "MAX_VIDEOS_PER_CHILD", 2)
    seen = []

    for _ in range(4):
        video = decoders(clip_pool / "a.mp4", Sampling())
        seen.extend(children())
        list(video.frames)

    assert seen[0] == seen[1] != seen[2] == seen[3]


def test_several_threads_have_their_videos_decoded_at_once(
    decoders: Decoders, clip_pool: Path
) -> None:
    paths = sorted(clip_pool.iterdir()) * 5
    sampling = Sampling(interval_s=0.3)
    expected = {path: list(read_frames(path, sampling).frames) for path in paths}

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda path: list(decoders(path, sampling).frames), paths))

    assert all(
        np.array_equal(frames, expected[path]) for path, frames in zip(paths, found, strict=True)
    )
    assert 1 < len(children()) <= 4


def test_a_process_outlives_the_thread_that_wanted_it_first(
    decoders: Decoders, clip_pool: Path
) -> None:
    first = threading.Thread(
        target=lambda: list(decoders(clip_pool / "a.mp4", Sampling()).frames), daemon=True
    )
    first.start()
    first.join()
    before = children()

    assert len(list(decoders(clip_pool / "b.mp4", Sampling()).frames)) == 1

    assert len(before) == 1
    assert children() == before


@pytest.mark.parametrize("ending", ["closed", "dropped", "dropped unread"])
def test_a_process_whose_frames_are_not_wanted_is_ended(
    ending: str, decoders: Decoders, tmp_path: Path
) -> None:
    path = clips.make_slow(tmp_path / "clip.mp4", 61)
    video = decoders(path, EACH_SECOND)
    if ending != "dropped unread":
        next(video.frames)

    if ending == "closed":
        video.frames.close()
        assert list(video.frames) == []
    del video
    gc.collect()

    assert children() == set()
    assert len(list(decoders(path, EACH_SECOND).frames)) == 61


def test_fifty_videos_leave_no_descriptor_and_no_process(clip_pool: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("hello")
    before = open_descriptors()

    with Decoders() as decoders:
        for number in range(50):
            path = clip_pool / f"{'abcdef'[number % 6]}.mp4"
            video = decoders(path, Sampling(interval_s=0.2))
            next(video.frames)
            if number % 10:
                list(video.frames)
            with pytest.raises(MediaError):
                decoders(tmp_path / "text.mp4", Sampling())
        del video

        assert open_descriptors() - before <= 1
        assert len(children()) == 1

    assert open_descriptors() == before
    assert children() == set()


def test_closing_ends_processes_and_whoever_waits_for_them(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_text("sleep")
    decoders = Decoders(command=stand_in_decoder.COMMAND)
    outcomes: list[BaseException] = []

    def wait() -> None:
        try:
            decoders(tmp_path / "clip.mp4", Sampling())
        except DecodersClosed as error:
            outcomes.append(error)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert wait_until(lambda: len(children()) == 3, within_s=10)

    decoders.close()

    for thread in threads:
        thread.join(2)
    assert len(outcomes) == 3
    assert children() == set()


def test_closing_twice_does_nothing_and_afterwards_nothing_is_decoded(clip_pool: Path) -> None:
    decoders = Decoders()
    decoders.close()
    decoders.close()

    with pytest.raises(DecodersClosed):
        decoders(clip_pool / "a.mp4", Sampling())


def test_frames_that_were_being_read_end_when_the_decoders_are_closed(tmp_path: Path) -> None:
    path = clips.make_slow(tmp_path / "clip.mp4", 61)
    before = open_descriptors()
    with Decoders() as decoders:
        frames = decoders(path, EACH_SECOND).frames
        next(frames)

    with pytest.raises(DecodersClosed):
        list(frames)

    assert open_descriptors() == before


@pytest.mark.parametrize("name", [b"new\nline.mp4", b"\xff\xfe.mp4", b"http:x.mp4", b"-i.mp4"])
def test_a_file_may_have_any_name(
    name: bytes, decoders: Decoders, clip_pool: Path, tmp_path: Path
) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes((clip_pool / "a.mp4").read_bytes())

    assert len(list(decoders(path, Sampling()).frames)) == 1


@pytest.mark.timeout(20)
def test_what_is_no_regular_file_is_not_waited_for(decoders: Decoders, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")

    with pytest.raises(UnreadableError, match="not a regular file"):
        decoders(tmp_path / "pipe.mp4", Sampling())
    with pytest.raises(ChangedError, match="vanished"):
        decoders(tmp_path / "none.mp4", Sampling())


def test_a_decoder_that_does_not_start_stops_the_run(clip_pool: Path) -> None:
    with (
        Decoders(command=["/bin/false"]) as decoders,
        pytest.raises(SystemStopped, match=r"the decoder does not start \(exit 1\)"),
    ):
        decoders(clip_pool / "a.mp4", Sampling())


def test_where_no_process_can_be_started_one_that_runs_is_waited_for(
    clip_pool: Path, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m vidindex.frames.child "$@"\n')
    program.chmod(0o755)
    with Decoders(command=[str(program)]) as decoders, ThreadPoolExecutor(1) as other_thread:
        held = decoders(clip_pool / "a.mp4", Sampling())
        program.unlink()

        waiting = other_thread.submit(decoders, clip_pool / "b.mp4", Sampling())
        assert not wait_until(waiting.done, within_s=0.3)
        list(held.frames)

        assert len(list(waiting.result(10).frames)) == 1
        os.kill(*children(), 9)
        with pytest.raises(SystemStopped, match=os.strerror(errno.ENOENT)):
            decoders(clip_pool / "a.mp4", Sampling())
