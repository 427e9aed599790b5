"""Some 270 real and odd videos, where they are at hand: VIDINDEX_SHARED_VIDEOS names their folder.

Its MANIFEST.tsv says of each file how many frames a decoder got out of it. Nothing there is
written to.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from tests.conftest import LoadedNetwork
from vidindex import Library, Settings, kmeans
from vidindex.config import VIDEO_SUFFIXES
from vidindex.inception import InceptionEmbedder
from vidindex.indexing import IndexResult

BESIDE = Path(__file__).parents[2] / "shared" / "videos"
FOLDER = Path(os.environ.get("VIDINDEX_SHARED_VIDEOS") or BESIDE).resolve()
MANIFEST = FOLDER / "MANIFEST.tsv"

pytestmark = [
    pytest.mark.skipif(not MANIFEST.is_file(), reason="the shared videos are not at hand"),
    pytest.mark.slow,
]

NO_FRAME = "no frame could be decoded"
NO_HEADER = "damaged or truncated: the mp4 header cannot be read"
CUT_SHORT = "truncated before the first frame"
# Files without a vector, and what is said of them.
REASONS = {
    "audioonly-amrnb.3gp": "no video stream (audio only)",
    "audioonly-mp3.ts": "no video stream (audio only)",
    "subtitleonly-full_blocks.mkv": "no video stream (subtitles only)",
    "corrupt-chunk_out_of_range.mp4": NO_HEADER,
    "corrupt-malformed_free_box.mp4": NO_HEADER,
    "corrupt-fuzz_1185230.mp4": NO_FRAME,
    "corrupt-vp9_invalid_bitstream.webm": NO_FRAME,
    "initonly-hevc_no_samples.mp4": NO_FRAME,
    "truncated-claims_2669s_no_frames.mp4": CUT_SHORT,
    "truncated-header_only_claims_10s.mp4": CUT_SHORT,
    "truncated-invalid_userdata_231s.mp4": CUT_SHORT,
    "undecodable-animated_webp_windows95.webp": "a picture, not a video",
    # From here on the manifest's decoder did get frames.
    "audiobook-aac_with_mjpeg_cover.m4a": "no video stream (audio only)",  # a cover is no video
    "drm-cenc_decodes_garbage.mp4": "encrypted",  # its 864 frames are noise
}
LEFT_OUT_ON_PURPOSE = {
    "audiobook-aac_with_mjpeg_cover.m4a",
    "drm-cenc_decodes_garbage.mp4",
}


def manifest() -> Iterator[tuple[Path, int]]:
    """Each file and the number of its frames."""
    with MANIFEST.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            yield FOLDER / row["path"], int(row["frames_decoded"])


@pytest.fixture(scope="module")
def paths() -> list[Path]:
    """What is indexed: the folder, and by their names the files whose suffixes are not usual."""
    unusual = [path for path, _ in manifest() if path.suffix.lower() not in VIDEO_SUFFIXES]
    assert {path.suffix for path in unusual} == {".heic", ".jpeg", ".webp", ".m4a", ".rcv"}
    return [FOLDER, *unusual]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(tmp_path_factory.mktemp("shared") / "library.db", Settings(weights="untrained"))


@pytest.fixture(scope="module")
def result(library: Library, paths: list[Path], network: InceptionEmbedder) -> IndexResult:
    return library.index(paths, source=LoadedNetwork(network))


def test_whatever_has_frames_is_indexed_but_for_what_is_named_here(
    library: Library, result: IndexResult
) -> None:
    contents = library.vectors()
    indexed = {file.stat.path for blake3 in contents.hashes for file in library.show(blake3).files}

    with_frames = {path for path, frames in manifest() if frames > 0}
    assert {path.name for path in with_frames - indexed} == LEFT_OUT_ON_PURPOSE
    assert indexed <= with_frames


def test_whatever_is_not_indexed_is_listed_with_its_reason(result: IndexResult) -> None:
    assert {problem.path.name: problem.message for problem in result.problems} == REASONS
    assert {problem.code for problem in result.problems} == {"undecodable"}


def test_every_file_is_accounted_for(library: Library, result: IndexResult) -> None:
    assert result.indexed + result.relinked + result.failed == len(list(manifest()))
    assert library.status().present == len(list(manifest()))


def test_every_vector_is_sound(library: Library, result: IndexResult) -> None:
    vectors = library.vectors().vectors

    assert np.isfinite(vectors).all()
    assert (np.linalg.norm(vectors, axis=1) > 0).all()


def test_a_second_run_finds_nothing_new(
    library: Library, result: IndexResult, paths: list[Path]
) -> None:
    class NeverLoaded:
        key = name = "untrained:0"

        def load_classifier(self) -> None:
            return None

        def load(self) -> InceptionEmbedder:
            raise AssertionError

    again = library.index(paths, source=NeverLoaded())

    assert (again.indexed, again.failed, again.relinked, again.missing) == (0, 0, 0, 0)
    assert again.unchanged == result.indexed + result.relinked
    assert again.failed_before == result.failed


def test_by_default_scenes_come_apart_better_than_by_the_published_method(
    library: Library, result: IndexResult
) -> None:
    """Clips of a dozen cameras, a folder each, by a network that was never trained."""
    found = library.vectors()
    rows = [row for row, path in enumerate(found.paths) if path.parent.name.startswith("cctv-")]
    scenes = [found.paths[row].parent.name for row in rows]
    vectors, k = found.vectors[rows], len(set(scenes))

    published = KMeans(k, random_state=42).fit(vectors).labels_
    ours = kmeans.group_vectors(vectors, k, seed=42, n_init=10, normalize="l2").labels

    assert (len(scenes), k) == (74, 12)
    assert adjusted_rand_score(scenes, ours) > 0.9
    assert adjusted_rand_score(scenes, ours) > adjusted_rand_score(scenes, published)
