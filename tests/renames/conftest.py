"""A small disk with one file to move, and a folder on another."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.renames.moves import CONTENT


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Holds "in/clip.mp4" and "out/foreign.mp4"."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in/clip.mp4").write_bytes(CONTENT)
    (tmp_path / "out/foreign.mp4").write_bytes(b"foreign")
    return tmp_path


@pytest.fixture
def source(disk: Path) -> Path:
    return disk / "in/clip.mp4"


@pytest.fixture
def out(disk: Path) -> Path:
    return disk / "out"


@pytest.fixture
def other_disk(disk: Path) -> Iterator[Path]:
    """A folder on a real other file system, holding "foreign.mp4"."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == disk.stat().st_dev:
        pytest.skip("there is no second file system (/dev/shm) here")
    with tempfile.TemporaryDirectory(dir=memory) as name:
        (Path(name) / "foreign.mp4").write_bytes(b"foreign")
        yield Path(name)
