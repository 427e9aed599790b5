"""Re-clustering a library: labels, names and folders stay with their clusters."""

import numpy as np
import pytest

from tests.conftest import read_tree
from tests.generated import add_videos, around, centers, named
from vidindex import Library, Settings

KINDS = "abcde"
EACH = 20


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "in"


@pytest.fixture
def library(tmp_path, folder):
    """Five kinds of twenty videos each: a000.mp4 to e019.mp4."""
    path = tmp_path / "library.db"
    add_videos(path, kinds(range(EACH)), folder, writes=True)
    return Library(path, Settings(weights="untrained", n_init=3))


def kinds(numbers, names=KINDS):
    """The vectors of some videos of each kind, by their file names."""
    found = {}
    for kind, center in zip("abcdef", centers(6), strict=True):
        if kind in names:
            vectors = around(center, max(numbers) + 1, seed=ord(kind))
            found |= {f"{kind}{number:03}.mp4": vectors[number] for number in numbers}
    return found


def labels_by_name(library, run=None):
    return {row.stat.path.name: row.label for row in library.labels(run).rows}


def label_of(library, kind):
    """The label of a kind whose videos share one."""
    labels = labels_by_name(library)
    (label,) = {label for name, label in labels.items() if name.startswith(kind)}
    return label


def test_the_same_clustering_again_changes_nothing(library):
    library.cluster(5)
    before = labels_by_name(library)

    again = library.cluster(5)

    assert labels_by_name(library) == before
    assert vars(again.churn) == {
        "stay": 100,
        "move": 0,
        "new_videos": 0,
        "new_clusters": 0,
        "gone_clusters": 0,
    }


def test_the_first_run_has_no_churn_and_labels_from_0(library):
    result = library.cluster(5)

    assert result.churn is None
    assert [each.label for each in result.clusters] == [0, 1, 2, 3, 4]


def test_labels_stay_when_the_library_grows_by_a_tenth(library, folder):
    library.cluster(5)
    before = labels_by_name(library)
    add_videos(library.path, kinds(range(EACH, EACH + 10), "a"), folder)  # a is the largest now

    result = library.cluster(5)

    assert {name: labels_by_name(library)[name] for name in before} == before
    assert (result.churn.stay, result.churn.move, result.churn.new_videos) == (100, 0, 10)


@pytest.mark.parametrize("other", [[6], [4], [3], [2, 8, 7], [1], [6, 7, 8, 9, 10]])
def test_labels_come_back_when_k_does(library, other):
    library.cluster(5)
    before = labels_by_name(library)
    for k in other:
        library.cluster(k)

    library.cluster(5)

    assert labels_by_name(library) == before


@pytest.mark.parametrize("other", [[6], [4], [2, 8, 7], [1]])
def test_names_come_back_when_k_does(library, other):
    library.cluster(5)
    names = {label_of(library, kind): f"all of {kind}" for kind in KINDS}
    for label, name in names.items():
        library.name(label, name)
    for k in other:
        library.cluster(k)

    library.cluster(5)

    assert {each.label: each.name for each in library.clusters().clusters} == names
    assert {each.name_source for each in library.clusters().clusters} == {"user"}


def test_one_cluster_more_leaves_the_others_and_their_names(library, folder):
    library.cluster(5)
    library.name(label_of(library, "c"), "Holidays")
    before = labels_by_name(library)
    add_videos(library.path, kinds(range(EACH), "f"), folder)

    result = library.cluster(6)

    assert labels_by_name(library) == before | {f"f{number:03}.mp4": 5 for number in range(EACH)}
    assert [each.name for each in result.clusters].count("Holidays") == 1
    assert result.clusters[label_of(library, "c")].name == "Holidays"
    assert (result.churn.new_clusters, result.churn.gone_clusters) == (1, 0)


def test_a_name_goes_with_its_cluster_not_with_its_number(library, folder):
    """The named cluster is gone from a part of the library; its number stays unused there."""
    add_videos(library.path, kinds(range(EACH), "f"), folder / "deep")
    library.cluster(5, scope=folder)
    for label in range(5):
        library.name(label, f"cluster {label}")

    result = library.cluster(2, scope=folder / "deep")

    labels = [each.label for each in result.clusters]
    for cluster in result.clusters:
        assert (cluster.name is None) == (cluster.label >= 5), labels


def test_apply_after_a_new_clustering_moves_only_the_files_that_moved(library, folder, tmp_path):
    library.cluster(5)
    library.apply(tmp_path / "sorted")
    before = read_tree(tmp_path / "sorted")

    library.cluster(6)
    moved = library.apply(tmp_path / "sorted")

    split = {row.stat.path.name for row in library.labels(label=5).rows}
    assert split
    assert {outcome.source.name for outcome in moved.outcomes} == split
    after = read_tree(tmp_path / "sorted")
    assert {path for path, content in before.items() if content} - set(after) == {
        path for path, content in before.items() if path.rpartition("/")[2] in split and content
    }


def test_a_run_of_another_recipe_is_not_gone_on_from(library, folder, tmp_path):
    from dataclasses import replace

    from tests.databases.make import RECIPE
    from vidindex.embedding import Sampling

    library.cluster(5)
    other = replace(RECIPE, sampling=Sampling(interval_s=5.0))
    add_videos(library.path, kinds(range(EACH)), folder, recipe=other)

    result = library.cluster(3, recipe=2)

    assert result.churn is None
    assert library.runs()[-1].previous_id is None


def test_a_run_tells_which_one_it_goes_on_from(library):
    library.cluster(5)
    library.cluster(4)
    library.use(1)
    library.cluster(6)

    assert [run.previous_id for run in library.runs()] == [None, 1, 1]


def test_a_revived_name_of_the_user_wins_over_an_automatic_one(library):
    """Names of a run are all different; the one that is the user's stays."""
    from vidindex.db.engine import Database
    from vidindex.store import clusterings
    from vidindex.store.clusterings import Name

    library.cluster(5)
    library.cluster(4)
    (left,) = {0, 1, 2, 3, 4} - {each.label for each in library.clusters().clusters}
    library.name(left, "beach", run=1)
    with Database(library.path) as database, database.writing() as session:
        label = clusterings.list_clusters(session, 2)[0].label
        clusterings.set_name(session, 2, label, Name("beach", "auto", 0.5))

    library.cluster(5)

    named_so = [each for each in library.clusters().clusters if each.name == "beach"]
    assert [(each.label, each.name_source) for each in named_so] == [(left, "user")]


def test_generated_kinds_are_really_apart():
    """The other tests rely on it."""
    vectors = np.stack(list(named({"a": around(centers(2)[0], 5)}).values()))
    assert np.linalg.norm(vectors - centers(2)[0], axis=1).max() < np.linalg.norm(
        centers(2)[0] - centers(2)[1]
    )
