"""A run that is stored already is not made again, but only if it would come out the same."""

from pathlib import Path

import pytest

from tests.generated import add_videos, around, centers, named
from vidindex import Library, Settings
from vidindex.errors import Refused


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Twelve videos of three kinds, in run 1 of three clusters."""
    points = centers(3)
    vectors = {kind: around(points[row], 4, seed=row) for row, kind in enumerate("abc")}
    add_videos(tmp_path / "library.db", named(vectors), tmp_path, writes=True)
    library = Library(tmp_path / "library.db")
    library.cluster(3)
    return library


def test_an_equal_run_is_put_to_use_again(library):
    assert library.cluster_or_reuse(2) == 2
    assert library.cluster_or_reuse(3) == 1

    assert len(library.runs()) == 2
    assert library.overview().run.id == 1


def test_another_method_makes_another_run(library):
    other = Library(library.path, Settings(seed=7))

    assert other.cluster_or_reuse(3) == 2
    assert other.cluster_or_reuse(3) == 2


def test_a_run_of_other_videos_is_not_used_again(library, tmp_path):
    add_videos(library.path, named({"new": around(centers(3)[0], 1, seed=9)}), tmp_path)

    assert library.cluster_or_reuse(3) == 2


def test_a_run_in_which_a_later_wish_does_not_hold_is_not_used_again(library):
    library.cluster_or_reuse(2)
    wished = library.clusters(2).clusters[0].label
    before = next(each.label for each in library.clusters(1).clusters if each.label != wished)
    video = library.members(1, before).videos[0]
    library.pin(video.video.blake3.hex(), wished)

    assert library.cluster_or_reuse(3) == 3

    assert library.videos([video.video.id], 3)[video.video.id].label == wished


def test_too_many_clusters_are_refused_and_nothing_is_stored(library):
    with pytest.raises(Refused, match="cannot make 13 clusters"):
        library.cluster_or_reuse(13)

    assert len(library.runs()) == 1
