from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from tests.databases import make
from tests.store.conftest import INFO, put_video
from vidindex.db.models import Cluster, Clustering
from vidindex.store import clusterings, files
from vidindex.store.clusterings import LabelledFile, NewClustering, StoredCluster, StoredRun

CENTROIDS = np.random.default_rng(4).random((2, 2048), dtype=np.float32)


@pytest.fixture
def new(session, recipe):
    """A run over three contents that have four files: /a1 and /a2, /b, /c."""
    ids = tuple(put_video(session, number) for number in (1, 2, 3))
    places = {"/a2": ids[0], "/a1": ids[0], "/b": ids[1], "/c": ids[2]}
    for inode, (path, video_id) in enumerate(places.items()):
        files.put_file(session, make.stat(Path(path), inode), video_id=video_id, checked_at_ns=1)
    return NewClustering(
        recipe_id=recipe,
        k=2,
        seed=42,
        n_init=10,
        normalize="l2",
        scope=Path("/"),
        input_digest=b"\x05" * 32,
        inertia=1 / 3,
        software="scikit-learn 1.9",
        video_ids=ids,
        labels=np.array([0, 0, 1]),
        distances=np.array([0.2, 0.1, 0.0]),
        cluster_labels=np.array([0, 1]),
        centroids=CENTROIDS,
    )


def put(session, new):
    return clusterings.put_clustering(session, new, now=make.NOON)


def labelled(session, run, **keywords):
    rows = clusterings.list_labelled_files(session, run, **keywords)
    return [(str(row.stat.path), row.label, row.distance) for row in rows]


def test_a_run_is_listed_with_all_that_repeats_it(session, new, recipe):
    run = put(session, new)

    assert clusterings.list_runs(session) == [
        StoredRun(
            id=run,
            recipe_id=recipe,
            algorithm="kmeans",
            k=2,
            seed=42,
            n_init=10,
            normalize="l2",
            scope=Path("/"),
            video_count=3,
            inertia=1 / 3,
            software="scikit-learn 1.9",
            created_at=make.NOON,
            silhouette=None,
            stability=None,
            previous_id=None,
            used_at=make.NOON,
        )
    ]
    assert session.scalar(select(Clustering.input_digest)) == b"\x05" * 32


def test_runs_are_listed_the_oldest_first(session, new):
    runs = [put(session, new) for _ in range(3)]

    assert [run.id for run in clusterings.list_runs(session)] == runs == sorted(runs)


def test_the_clusters_of_a_run_have_their_sizes_and_no_names_yet(session, new):
    run = put(session, new)

    assert clusterings.list_clusters(session, run) == [
        StoredCluster(0, None, 2),
        StoredCluster(1, None, 1),
    ]


def test_the_centroids_of_a_run_are_read_back_bit_equal(session, new):
    put(session, new)

    stored = session.scalars(select(Cluster.centroid).order_by(Cluster.label)).all()
    assert np.stack(stored).tobytes() == CENTROIDS.tobytes()


def test_a_run_with_an_empty_cluster_is_not_stored(session, new):
    hollow = NewClustering(**{**vars(new), "labels": np.array([0, 0, 0])})

    with pytest.raises(IntegrityError, match="clusters_size"), session.begin_nested():
        put(session, hollow)

    assert clusterings.list_runs(session) == []


def test_the_files_of_a_run_are_sorted_by_label_then_distance_then_path(session, new):
    run = put(session, new)

    assert labelled(session, run) == [
        ("/b", 0, 0.1),
        ("/a1", 0, 0.2),
        ("/a2", 0, 0.2),
        ("/c", 1, 0.0),
    ]


def test_a_file_of_a_run_tells_its_content_its_stat_and_its_cluster(session, new):
    run = put(session, new)
    session.execute(
        update(Cluster).where(Cluster.label == 1).values(name="city", name_source="user")
    )

    assert clusterings.list_labelled_files(session, run, label=1) == [
        LabelledFile(make.stat(Path("/c"), 3), b"\x03" * 32, 1, "city", 0.0, info=INFO)
    ]


def test_the_files_of_a_run_are_narrowed_to_a_label_or_a_folder(session, new):
    run = put(session, new)

    assert labelled(session, run, label=1) == [("/c", 1, 0.0)]
    assert labelled(session, run, folder=Path("/b")) == [("/b", 0, 0.1)]
    assert labelled(session, run, label=1, folder=Path("/b")) == []


def test_a_missing_file_is_not_among_the_files_of_a_run(session, new):
    run = put(session, new)
    files.mark_missing(session, [files.find_file(session, Path("/a1")).id], since=make.NOON)

    assert [path for path, _, _ in labelled(session, run)] == ["/b", "/a2", "/c"]


def test_a_file_that_came_after_a_run_has_the_label_of_its_content(session, new):
    run = put(session, new)
    copy = make.stat(Path("/copy-of-c"), 9)
    files.put_file(session, copy, video_id=new.video_ids[2], checked_at_ns=1)

    assert labelled(session, run, label=1) == [("/c", 1, 0.0), ("/copy-of-c", 1, 0.0)]


def test_each_run_keeps_its_own_labels(session, new):
    first = put(session, new)
    second = put(session, NewClustering(**{**vars(new), "labels": np.array([1, 0, 0])}))

    assert clusterings.list_labels_of(session, new.video_ids[0]) == [
        (first, 0, None, 0.2),
        (second, 1, None, 0.2),
    ]
    assert [label for _, label, _ in labelled(session, first)] == [0, 0, 0, 1]
    assert [label for _, label, _ in labelled(session, second)] == [0, 0, 1, 1]


def test_a_content_that_no_run_has_seen_has_no_labels(session, new):
    put(session, new)

    assert clusterings.list_labels_of(session, put_video(session, 4)) == []
