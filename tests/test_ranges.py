"""Which K? A range of them is tried, and one is recommended."""

import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import Recorder
from tests.generated import add_videos, around, centers, named
from vidindex import Library, Settings
from vidindex.errors import DatabaseUnusable, Refused, UsageError

KINDS = 5


@pytest.fixture
def library(tmp_path):
    """Five plain kinds of eight videos each."""
    kinds = {f"kind{row}": around(spot, 8, seed=row) for row, spot in enumerate(centers(KINDS))}
    add_videos(tmp_path / "library.db", named(kinds))
    return Library(tmp_path / "library.db", Settings())


def test_the_k_of_the_plain_kinds_is_recommended_and_in_use(library):
    result = library.cluster_range(range(2, 9))

    assert result.recommended.k == KINDS
    assert len({row.stat.path.stem[:5] for row in library.labels(label=0).rows}) == 1
    assert library.labels().run.id == result.recommended.run
    assert "silhouette" in result.why


def test_every_k_is_kept_as_a_run_with_its_scores(library):
    result = library.cluster_range(range(2, 9))

    runs = library.runs()
    assert [run.k for run in runs] == list(range(2, 9))
    assert [run.id for run in runs if run.used_at] == [result.recommended.run]
    assert [(run.id, run.silhouette, run.stability) for run in runs] == [
        (each.run, each.silhouette, each.stability) for each in result.runs
    ]
    for each in result.runs:
        labels = [row.label for row in library.labels(each.run).rows]
        sizes = np.bincount(labels)
        assert (each.smallest, each.largest) == (sizes.min(), sizes.max())
    inertias = [each.inertia for each in result.runs]
    assert inertias == sorted(inertias, reverse=True)


def test_each_run_is_repeated_by_its_parameters(library):
    tried = library.cluster_range(range(4, 7)).runs[1]

    (run,) = [run for run in library.runs() if run.id == tried.run]
    settings = replace(library.settings, n_init=run.n_init, seed=run.seed)
    again = Library(library.path, settings).cluster(run.k)

    assert again.inertia == tried.inertia
    assert again.churn.move == 0


def test_all_runs_of_a_range_are_matched_to_the_run_in_use_before(library):
    first = library.cluster(KINDS)

    result = library.cluster_range(range(2, 9))

    assert {run.previous_id for run in library.runs()[1:]} == {first.run}
    assert result.recommended.churn.stay == 8 * KINDS
    assert result.recommended.churn.move == 0


def test_k_above_the_number_of_distinct_vectors_are_left_out_with_a_notice(tmp_path):
    twice = named({"copy": np.repeat(centers(4), 2, axis=0)})
    add_videos(tmp_path / "l.db", twice)
    recorder = Recorder()

    result = Library(tmp_path / "l.db").cluster_range(range(2, 9), reporter=recorder)

    assert [run.k for run in result.runs] == [2, 3, 4]
    (notice,) = recorder.notices
    assert "K from 5 to 8 were left out" in notice
    assert "8 videos with 4 distinct vectors" in notice


def test_a_range_wholly_above_them_is_refused_and_nothing_is_stored(library):
    with pytest.raises(Refused, match="cannot make 50 clusters of 40 videos") as caught:
        library.cluster_range(range(50, 60))

    assert caught.value.hint == "choose a K of at most 40"
    assert library.runs() == []


def test_identical_vectors_make_one_cluster_and_no_more(tmp_path):
    add_videos(tmp_path / "l.db", named({"same": np.repeat(centers(1), 6, axis=0)}))
    library = Library(tmp_path / "l.db")

    result = library.cluster_range(range(1, 4))

    assert [(run.k, run.silhouette) for run in result.runs] == [(1, None)]
    assert result.recommended.inertia < 1e-10
    with pytest.raises(Refused, match="6 videos with 1 distinct vectors"):
        library.cluster(2)


def test_hdbscan_takes_no_range(library):
    with pytest.raises(UsageError, match="finds the number of clusters itself"):
        Library(library.path, Settings(algorithm="hdbscan")).cluster_range(range(2, 4))


def test_without_starts_to_compare_there_is_no_stability(library):
    settings = replace(library.settings, algorithm="agglomerative")

    result = Library(library.path, settings).cluster_range(range(4, 7))

    assert result.recommended.k == KINDS
    assert {run.stability for run in result.runs} == {None}


def test_a_damaged_vector_is_left_out_of_every_run_and_found_by_a_check(library):
    with sqlite3.connect(library.path) as database:
        vector = np.full(2048, np.nan, "<f4").tobytes()
        database.execute("UPDATE embeddings SET vector = ? WHERE video_id = 3", (vector,))
    database.close()
    recorder = Recorder()

    result = library.cluster_range(range(4, 7), reporter=recorder)

    assert (result.recommended.videos, result.recommended.left_out) == (39, 1)
    assert "1 of 40 videos are left out" in recorder.notices[0]
    with pytest.raises(DatabaseUnusable, match=r"vector of /videos/kind0002\.mp4 by recipe 1 is"):
        library.check()
