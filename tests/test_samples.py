"""The sample videos: which there are, what they show, and the files that are made of them."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from vidindex.embedding import Sampling
from vidindex.errors import Refused, SystemStopped
from vidindex.frames import read_frames, write_video
from vidindex.inception import InceptionEmbedder
from vidindex.samples import SampleVideo, render_samples, sample_videos
from vidindex.weights import locate_weights

KINDS = ["cartoon", "flower", "night city", "sea", "temple"]


def read_picture(path: Path) -> NDArray[np.uint8]:
    with av.open(path) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def clips_of(kind: str) -> list[SampleVideo]:
    clips = [clip for clip in sample_videos() if clip.kind == kind]
    return sorted(clips, key=lambda clip: clip.variant)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples") / "holiday"
    render_samples(folder, write=write_video, read_picture=read_picture)
    return folder


def test_there_are_sixteen_clips_of_five_kinds_and_three_or_more_of_each() -> None:
    counts = Counter(clip.kind for clip in sample_videos())
    assert sorted(counts) == KINDS
    assert sum(counts.values()) == 16
    assert min(counts.values()) == 3


def test_the_same_seed_gives_the_same_clips() -> None:
    assert sample_videos(3) == sample_videos(3)


def test_another_seed_gives_other_clips() -> None:
    kinds = [[clip.kind for clip in sample_videos(seed)] for seed in (0, 1)]
    assert kinds[0] != kinds[1]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_order_of_the_names_mixes_the_kinds(seed: int) -> None:
    clips = sample_videos(seed)
    assert [clip.name for clip in clips] == [f"clip_{n:04d}.mp4" for n in range(1, 17)]
    assert len(list(groupby(clip.kind for clip in clips))) > 2 * len(KINDS)


def test_one_clip_is_longer_than_the_sampling_interval() -> None:
    assert sorted(clip.duration_s for clip in sample_videos())[-2:] == [4, 36]


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_has_all_its_frames_in_one_size(kind: str) -> None:
    clip = clips_of(kind)[0]
    frames = list(clip.frames(read_picture))
    assert len(frames) == clip.duration_s * clip.fps
    assert {(frame.shape, frame.dtype.name) for frame in frames} == {((216, 384, 3), "uint8")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_is_drawn_alike_twice(kind: str) -> None:
    clip = clips_of(kind)[-1]
    first, second = (next(clip.frames(read_picture)) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_moves_from_frame_to_frame(kind: str) -> None:
    frames = clips_of(kind)[0].frames(read_picture)
    few = [next(frames) for _ in range(4)]
    assert all(not np.array_equal(first, second) for first, second in pairwise(few))


@pytest.mark.parametrize("kind", KINDS)
def test_the_clips_of_a_kind_differ_in_every_part_of_their_pictures(kind: str) -> None:
    pictures = [next(clip.frames(read_picture)).astype(int) for clip in clips_of(kind)]
    for first, second in pairwise(pictures):
        assert (first != second).any(axis=2).mean() > 0.5


@pytest.mark.parametrize("clip", sample_videos(), ids=lambda clip: f"{clip.kind} {clip.variant}")
def test_a_clip_begins_with_a_picture_that_is_not_blank(clip: SampleVideo) -> None:
    picture = next(clip.frames(read_picture))
    assert picture.reshape(-1, 3).std(axis=0).max() > 25


def test_only_a_photograph_is_read_from_a_file() -> None:
    read: list[str] = []

    def recording(path: Path) -> NDArray[np.uint8]:
        read.append(path.name)
        return read_picture(path)

    for kind in KINDS:
        next(clips_of(kind)[0].frames(recording))
    assert read == ["flower.jpg", "china.jpg"]


def test_the_files_are_those_of_the_list_and_no_others(rendered: Path) -> None:
    names = sorted(path.name for path in rendered.iterdir())
    assert names == [clip.name for clip in sample_videos()]


def test_every_file_decodes_to_the_frames_that_were_drawn(rendered: Path) -> None:
    for clip in sample_videos():
        with av.open(rendered / clip.name) as container:
            pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            assert container.streams.video[0].average_rate == clip.fps
        assert len(pictures) == clip.duration_s * clip.fps
        drawn = next(clip.frames(read_picture)).astype(int)
        assert np.abs(pictures[0] - drawn).mean() < 8


def test_the_files_take_less_than_three_megabytes(rendered: Path) -> None:
    assert 300_000 < sum(path.stat().st_size for path in rendered.iterdir()) < 3_000_000


def test_rendering_returns_the_paths_in_order_of_their_names(tmp_path: Path) -> None:
    written: list[Path] = []

    def write(path: Path, frames: object, *, fps: int) -> None:
        written.append(path)

    paths = render_samples(tmp_path, write=write, read_picture=read_picture)
    assert paths == written == [tmp_path / clip.name for clip in sample_videos()]


def test_a_file_that_is_there_already_stops_the_rendering_before_it_writes(tmp_path: Path) -> None:
    mine = tmp_path / "clip_0016.mp4"
    mine.write_bytes(b"my own film")
    with pytest.raises(Refused, match=r"clip_0016\.mp4' exists already"):
        render_samples(tmp_path, write=write_video, read_picture=read_picture)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"my own film"]


def test_a_dangling_link_counts_as_a_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "clip_0003.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    with pytest.raises(Refused):
        render_samples(tmp_path, write=write_video, read_picture=read_picture)
    assert [path.name for path in tmp_path.iterdir()] == ["clip_0003.mp4"]


def test_a_file_in_the_folders_place_is_reported(tmp_path: Path) -> None:
    (tmp_path / "samples").write_bytes(b"")
    with pytest.raises(SystemStopped, match=r"cannot make .*samples"):
        render_samples(tmp_path / "samples", write=write_video, read_picture=read_picture)


def test_missing_photographs_stop_the_rendering_before_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidindex.samples.find_spec", lambda _name: None)
    with pytest.raises(Refused, match=r"photograph china\.jpg of scikit-learn"):
        render_samples(tmp_path / "new", write=write_video, read_picture=read_picture)
    assert list(tmp_path.iterdir()) == []


def test_an_untrained_network_and_k_means_tell_the_kinds_apart(rendered: Path) -> None:
    embedder = InceptionEmbedder(locate_weights("untrained"))
    vectors = []
    for clip in sample_videos():
        frames = np.stack(list(read_frames(rendered / clip.name, Sampling()).frames))
        vector = embedder.embed(frames).mean(axis=0)
        vectors.append(vector / np.linalg.norm(vector))
    labels = KMeans(n_clusters=len(KINDS), n_init=10, random_state=42).fit_predict(vectors)
    pairs = {(clip.kind, label) for clip, label in zip(sample_videos(), labels, strict=True)}
    assert len(pairs) == len(set(labels)) == len(KINDS)
