"""What the tests of prune share: six videos, of which some get lost."""

import pytest


@pytest.fixture
def index(library, source):
    """Index paths with the shared network."""
    return lambda *paths: library.index(paths, source=source)


@pytest.fixture
def folder(index, put, tmp_path):
    """in/ with a.mp4 … f.mp4, indexed."""
    for clip in "abcdef":
        put(clip, tmp_path / f"in/{clip}.mp4")
    index(tmp_path / "in")
    return tmp_path / "in"


@pytest.fixture
def lose(index, folder):
    """Remove files of in/, and let an index run miss them."""

    def lose(*names):
        for name in names:
            (folder / f"{name}.mp4").unlink()
        index(folder)

    return lose


def names(result):
    return [file.stat.path.name for file in result.files]


def vectors(library):
    return sum(recipe.vectors for recipe in library.status().recipes)
