"""The other ways to cluster, and the spaces to cluster in, with real libraries."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from tests.generated import add_videos, around, centers, named
from vidindex import Library, Settings, algorithms, gathering, kmeans
from vidindex.errors import Refused, UsageError

SIZES = {"beach": 12, "city": 9, "party": 7}
LONERS = 3
ALONE = Path("/alone")


@pytest.fixture
def path(tmp_path):
    """A library of three dense kinds of videos, and a few unlike all others."""
    spots = centers(len(SIZES))
    kinds = {
        kind: around(spots[row], size, seed=row) for row, (kind, size) in enumerate(SIZES.items())
    }
    add_videos(tmp_path / "library.db", named(kinds))
    loners = np.repeat(np.eye(LONERS, dtype=np.float32), 600, axis=1)  # each with its own numbers
    loners = np.pad(loners, ((0, 0), (0, 2048 - loners.shape[1])))
    add_videos(tmp_path / "library.db", named({"loner": loners}), ALONE)
    return tmp_path / "library.db"


def cluster(path, k, **settings):
    library = Library(path, Settings(**settings))
    return library, library.cluster(k)


def kinds_by_label(library):
    found = {}
    for row in library.labels().rows:
        found.setdefault(row.label, set()).add(row.stat.path.stem.rstrip("0123456789"))
    return found


@pytest.mark.parametrize("algorithm", ["bisecting", "agglomerative"])
def test_other_algorithms_find_kinds_that_are_plain(path, algorithm):
    library = Library(path, Settings(algorithm=algorithm))

    result = library.cluster(3, scope="/videos")

    assert [each.size for each in result.clusters] == [12, 9, 7]
    assert kinds_by_label(library) == {row: {kind} for row, kind in enumerate(SIZES)}
    assert library.runs()[-1].algorithm == result.algorithm == algorithm


def test_hdbscan_finds_the_number_itself_and_leaves_loners_unsorted(path):
    library, result = cluster(path, None, algorithm="hdbscan")

    assert (result.k, result.unsorted, result.videos) == (3, LONERS, 28 + LONERS)
    kinds = kinds_by_label(library)
    assert kinds.pop(None) == {"loner"}
    assert kinds == {0: {"beach"}, 1: {"city"}, 2: {"party"}}
    in_clusters = [row.distance**2 for row in library.labels().rows if row.label is not None]
    assert result.inertia == pytest.approx(sum(in_clusters))
    loners = [row.distance for row in library.labels().rows if row.label is None]
    assert 1 < min(loners) < max(loners) < 1.1  # unlike all others, they still have a nearest


def test_labels_go_on_from_one_algorithm_to_the_next(path):
    library, _ = cluster(path, 6)
    before = kinds_by_label(library)

    _, result = cluster(path, None, algorithm="hdbscan")

    after = kinds_by_label(library)
    assert {label: after[label] for label in range(3)} == {
        label: before[label] for label in range(3)
    }
    assert result.churn.stay == 28


def test_where_nothing_is_dense_hdbscan_refuses(tmp_path):
    add_videos(tmp_path / "l.db", named({"loner": centers(8)}))

    with pytest.raises(Refused, match="finds no cluster of 5 or more among 8 videos") as caught:
        cluster(tmp_path / "l.db", None, algorithm="hdbscan")

    assert "-k" in caught.value.hint
    assert Library(tmp_path / "l.db").runs() == []


@pytest.mark.parametrize("algorithm", ["agglomerative", "hdbscan"])
def test_what_compares_all_pairs_refuses_too_many_videos(path, monkeypatch, algorithm):
    monkeypatch.setitem(algorithms.MOST_POINTS, algorithm, 30)

    with pytest.raises(Refused, match=f"{algorithm} is for 30 videos at most, not 31") as caught:
        cluster(path, None if algorithm == "hdbscan" else 3, algorithm=algorithm)

    assert "--algorithm kmeans" in caught.value.hint


def test_k_is_given_just_where_it_is_needed(path):
    with pytest.raises(UsageError, match="finds the number of clusters itself"):
        cluster(path, 3, algorithm="hdbscan")
    with pytest.raises(UsageError, match="how many clusters"):
        cluster(path, None)


@pytest.mark.parametrize("algorithm", ["bisecting", "agglomerative"])
def test_more_clusters_than_distinct_vectors_are_refused(tmp_path, algorithm):
    add_videos(tmp_path / "l.db", named({"same": np.repeat(centers(3), 4, axis=0)}))

    with pytest.raises(Refused, match="4 clusters of 12 videos with 3 distinct") as caught:
        cluster(tmp_path / "l.db", 4, algorithm=algorithm)

    assert caught.value.hint == "choose a K of at most 3"


@pytest.mark.parametrize("algorithm", ["bisecting", "agglomerative", "hdbscan"])
def test_in_few_dimensions_the_same_is_found(path, monkeypatch, algorithm):
    k = None if algorithm == "hdbscan" else 6
    _, exact = cluster(path, k, algorithm=algorithm)
    monkeypatch.setattr(kmeans, "FEW", 1)

    _, quick = cluster(path, k, algorithm=algorithm)

    assert quick.inertia == pytest.approx(exact.inertia, rel=1e-5)
    assert quick.churn.move == 0


def test_standardized_every_number_counts_as_much(path):
    """The first number is a thousand times as large: as it is, it would decide alone."""
    library = Library(path)
    vectors = library.vectors().vectors
    with sqlite3.connect(path) as database:
        for video, raw in database.execute("SELECT video_id, vector FROM embeddings").fetchall():
            vector = np.frombuffer(raw, "<f4").copy()
            vector[0] = 1000 * (video % 5)
            database.execute(
                "UPDATE embeddings SET vector = ? WHERE video_id = ?", (vector.tobytes(), video)
            )
    database.close()
    plain, _ = cluster(path, 6, normalize="none")
    assert kinds_by_label(plain)[0] != {"beach"}

    standard, result = cluster(path, 6, normalize="standard")

    assert sorted(each.size for each in result.clusters) == [1, 1, 1, 7, 9, 12]
    changed = standard.vectors().vectors
    points = (changed - changed.mean(axis=0)) / changed.std(axis=0)
    squares = np.square(points - points.mean(axis=0)).sum()
    assert 0 < result.inertia < squares
    assert vectors.shape == changed.shape


def test_a_number_that_all_vectors_share_does_not_hinder_standardizing(tmp_path):
    vectors = np.vstack([around(spot, 5, seed=row) for row, spot in enumerate(centers(2))])
    vectors[:, 7] = 0.1
    add_videos(tmp_path / "l.db", named({"v": vectors}))

    _, result = cluster(tmp_path / "l.db", 2, normalize="standard")

    assert np.isfinite(result.inertia)
    assert [each.size for each in result.clusters] == [5, 5]


@pytest.mark.parametrize("normalize", ["l2", "none", "standard"])
def test_too_many_vectors_for_the_memory_give_the_same_run(path, monkeypatch, normalize):
    monkeypatch.setattr(kmeans, "FEW", 1)
    _, whole = cluster(path, 6, normalize=normalize)
    monkeypatch.setattr(gathering, "MOST_IN_MEMORY", 1)

    _, streamed = cluster(path, 6, normalize=normalize)

    assert streamed.churn.move == 0
    assert streamed.inertia == whole.inertia
    with sqlite3.connect(path) as database:
        digests = database.execute("SELECT input_digest FROM clusterings").fetchall()
    database.close()
    assert digests[0] == digests[1]
