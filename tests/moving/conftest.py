"""A small library of generated vectors whose files lie in in/."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generated import add_videos, around, centers, named
from vidindex import Library


@pytest.fixture
def sorted_library(tmp_path: Path) -> Library:
    """Three files a… and two b… in in/, clustered into two: the larger cluster is 0."""
    first, second = centers(2)
    vectors = named({"a": around(first, 3, 1), "b": around(second, 2, 2)})
    add_videos(tmp_path / "library.db", vectors, tmp_path / "in", writes=True)
    library = Library(tmp_path / "library.db")
    library.cluster(2)
    return library
