"""Small libraries whose files lie in in/: of generated vectors, and of real clips."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.generated import add_videos, around, centers, named
from vidindex import Library

OTHER_DISK = Path("/dev/shm")


@pytest.fixture
def sorted_library(tmp_path: Path) -> Library:
    """Three files a… and two b… in in/, clustered into two: the larger cluster is 0."""
    first, second = centers(2)
    vectors = named({"a": around(first, 3, 1), "b": around(second, 2, 2)})
    add_videos(tmp_path / "library.db", vectors, tmp_path / "in", writes=True)
    library = Library(tmp_path / "library.db")
    library.cluster(2)
    return library


@pytest.fixture
def clustered(library, source, put, tmp_path):
    """Four videos in in/, one of them deep, clustered into two."""
    for clip, name in {"a": "a.mp4", "b": "b.mp4", "c": "deep/c.mp4", "d": "d.mp4"}.items():
        put(clip, tmp_path / "in" / name)
    library.index([tmp_path / "in"], source=source)
    library.cluster(2)
    return library


@pytest.fixture
def other_disk(tmp_path):
    if not OTHER_DISK.is_dir() or OTHER_DISK.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    folder = OTHER_DISK / f"vidindex-test-{os.getpid()}-{tmp_path.name}"
    folder.mkdir()
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)
