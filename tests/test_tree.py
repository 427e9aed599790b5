"""Nested folders of clusters that are alike."""

from pathlib import Path

import numpy as np
import pytest

from tests.generated import add_videos, around, centers, named
from vidindex import Library, Settings
from vidindex.errors import UsageError
from vidindex.tree import nest


def at(*places):
    """Centroids on a line."""
    return np.array([[place, 0.0] for place in places], dtype=np.float32)


def folders(labels, centroids, depth=1):
    nested = nest(np.array(labels), centroids, depth)
    return {label: str(folder) for label, folder in nested.items()}


def test_like_clusters_are_in_one_group():
    found = folders([0, 1, 2, 3], at(0, 100, 1, 101))

    assert found == {
        0: "group_0/cluster_0",
        2: "group_0/cluster_2",
        1: "group_1/cluster_1",
        3: "group_1/cluster_3",
    }


def test_the_order_of_the_centroids_does_not_matter():
    assert folders([3, 2, 1, 0], at(101, 1, 100, 0)) == folders([0, 1, 2, 3], at(0, 100, 1, 101))


def test_a_group_of_one_cluster_has_no_folder_of_its_own():
    assert folders([0, 4, 5, 7], at(0, 1, 2, 500))[7] == "cluster_7"


def test_groups_are_nested_as_deep_as_is_asked():
    places = [0, 1, 10, 11, 100, 101, 110, 111]

    assert folders(range(8), at(*places), depth=2) == {
        0: "group_0/group_0/cluster_0",
        1: "group_0/group_0/cluster_1",
        2: "group_0/group_1/cluster_2",
        3: "group_0/group_1/cluster_3",
        4: "group_1/group_0/cluster_4",
        5: "group_1/group_0/cluster_5",
        6: "group_1/group_1/cluster_6",
        7: "group_1/group_1/cluster_7",
    }


@pytest.mark.parametrize("k", [1, 2])
def test_one_or_two_clusters_need_no_groups(k):
    assert folders(range(k), at(*range(k))) == {label: f"cluster_{label}" for label in range(k)}


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
@pytest.mark.parametrize("k", [3, 5, 20, 61])
def test_every_cluster_has_one_folder_and_no_folder_is_the_only_one_in_its_group(k, depth):
    nested = nest(np.arange(k), centers(k, seed=depth), depth)

    assert sorted(folder.name for folder in nested.values()) == sorted(
        f"cluster_{label}" for label in range(k)
    )
    children = {}
    for folder in nested.values():
        for parent in folder.parents:
            if parent != folder.parents[-1]:
                children.setdefault(parent, set()).add(folder.relative_to(parent).parts[0])
    assert all(len(inside) > 1 for inside in children.values())
    assert all(len(folder.parts) <= depth + 1 for folder in nested.values())


@pytest.fixture
def library(tmp_path):
    """Four kinds of videos, two and two alike, in four clusters."""
    library = Library(tmp_path / "library.db", Settings())
    one, other, shift = centers(3)
    points = [one, one + shift / 4, other, other + shift / 4]
    add_videos(
        library.path,
        named({f"kind{row}_": around(point, 3, seed=row) for row, point in enumerate(points)}),
        tmp_path / "in",
        writes=True,
    )
    library.cluster(4)
    return library


def tree_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_apply_moves_into_the_nested_folders_and_undo_back(library, tmp_path):
    before = tree_of(tmp_path / "in")

    library.apply(tmp_path / "out", tree_depth=1)

    found = tree_of(tmp_path / "out")
    assert len(found) == 12
    group_of = {Path(path).name[:5]: Path(path).parts[0] for path in found}
    assert group_of["kind0"] == group_of["kind1"] != group_of["kind2"] == group_of["kind3"]
    assert {Path(path).parts[0] for path in found} == {"group_0", "group_1"}
    library.undo()
    assert tree_of(tmp_path / "in") == before
    assert not (tmp_path / "out").exists()


def test_apply_with_the_tree_again_finds_all_in_place(library, tmp_path):
    library.apply(tmp_path / "out", tree_depth=1)

    again = library.apply(tmp_path / "out", tree_depth=1)

    assert (again.batch, again.in_place) == (None, 12)


def test_a_tree_that_deep_is_refused(library, tmp_path):
    with pytest.raises(UsageError, match="1 to 5 levels, not 6"):
        library.apply(tmp_path / "out", tree_depth=6)
