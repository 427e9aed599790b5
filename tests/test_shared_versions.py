"""Versions of real clips of a dozen fixed cameras, coded anew by ffmpeg, are found as such.

The hard part are the other clips of the same camera, which last as long and look much the same.
"""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest

from tests.conftest import LoadedNetwork
from tests.test_shared_videos import FOLDER, MANIFEST
from vidindex import Library, Settings
from vidindex.inception import InceptionEmbedder

pytestmark = [
    pytest.mark.skipif(not MANIFEST.is_file(), reason="the shared videos are not at hand"),
    pytest.mark.slow,
    pytest.mark.timeout(1200),
]

EVEN = "scale=trunc(iw/2)*2:trunc(ih/2)*2"
HALF = "scale=trunc(iw/4)*2:trunc(ih/4)*2"
VERSIONS = {
    "half.mp4": ["-vf", HALF, "-c:v", "libx264", "-preset", "veryfast", "-crf", "34"],
    "vp9.webm": ["-vf", EVEN, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"],
    "hevc.mkv": ["-vf", EVEN, "-c:v", "libx265", "-preset", "ultrafast", "-crf", "28"],
    "mpeg4.avi": ["-vf", EVEN, "-c:v", "mpeg4", "-q:v", "6"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each clip, with a link to it and its versions."""
    folder = tmp_path_factory.mktemp("versions")
    clips = sorted(FOLDER.glob("labelled/cctv-*/*"))
    assert len(clips) == 74
    for number, clip in enumerate(clips):
        own = folder / f"{number:02}"
        own.mkdir()
        (own / f"original{clip.suffix}").write_bytes(clip.read_bytes())
        for name, options in VERSIONS.items():
            source = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(clip), "-an"]
            target = [*options, "-pix_fmt", "yuv420p", str(own / name)]
            subprocess.run([*source, *target], check=True, timeout=120, capture_output=True)
    return folder


@pytest.mark.parametrize("seed", [0, 1])
def test_versions_of_real_clips_are_found_whatever_the_untrained_weights(
    folder: Path, tmp_path: Path, network: InceptionEmbedder, seed: int
) -> None:
    """Measured: recall 1 at precision 1; of 154 clips and eight kinds of versions, too."""
    library = Library(tmp_path / "library.db", Settings(weights=f"untrained:{seed}"))
    library.index([folder], **({"source": LoadedNetwork(network)} if seed == 0 else {}))

    groups = library.duplicates().groups
    found = {
        frozenset(pair)
        for group in groups
        for pair in itertools.combinations([file.path for file in group.files], 2)
    }
    true = {
        frozenset(pair)
        for clip in folder.iterdir()
        for pair in itertools.combinations(sorted(clip.iterdir()), 2)
    }

    assert len(true) == 74 * 10
    assert len(true & found) / len(true) >= 0.95
    assert len(true & found) / len(found) >= 0.99
