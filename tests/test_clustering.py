"""Clusterings of a real library: which videos, which partition, and what is kept of a run."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from tests.clips import X264, Style, picture, write_clip
from tests.conftest import LoadedNetwork, Recorder
from vidindex import Library, Settings, kmeans
from vidindex.errors import Refused, UsageError

COUNT = 18


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """one/, two/ and two and more/ with six clips each, of three kinds by and large."""
    folder = tmp_path_factory.mktemp("clips")
    for number in range(COUNT):
        drawn = np.roll(picture(number), number % 3, axis=2) >> (number % 2)
        path = folder / ("one", "two", "two and more")[number // 6] / f"{number:02}.mp4"
        path.parent.mkdir(exist_ok=True)
        write_clip(path, [drawn] * 2, Style(options=X264), fps=2)
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return folder


@pytest.fixture(scope="module")
def prepared(folder, network, tmp_path_factory):
    """The database of all clips, for copies to be made of."""
    path = tmp_path_factory.mktemp("prepared") / "library.db"
    Library(path, Settings(weights="untrained")).index([folder], source=LoadedNetwork(network))
    return path


@pytest.fixture
def indexed(prepared, library):
    """A library of all clips, its own for each test."""
    shutil.copyfile(prepared, library.path)
    return library


def with_settings(library, **settings):
    return Library(library.path, replace(library.settings, **settings))


def labels_by_hash(library, run=None):
    return {row.blake3.hex(): row.label for row in library.labels(run).rows}


def labels_in_order(library, run=None):
    """The labels in the order of the library's vectors."""
    labels = labels_by_hash(library, run)
    return [labels[blake3] for blake3 in library.vectors().hashes]


def overwrite_vector(library, row, value):
    """Damage the row-th vector as a failing disk might."""
    blake3 = bytes.fromhex(library.vectors().hashes[row])
    vector = np.full(2048, value, "<f4").tobytes()
    with sqlite3.connect(library.path) as database:
        of_video = "video_id = (SELECT id FROM videos WHERE blake3 = ?)"
        database.execute(f"UPDATE embeddings SET vector = ? WHERE {of_video}", (vector, blake3))
    database.close()
    return blake3.hex()


@pytest.mark.parametrize("k", [2, 3, 5, 9, COUNT])
def test_not_normalized_and_with_one_start_the_partition_is_that_of_plain_kmeans(indexed, k):
    plain = KMeans(k, random_state=42).fit(indexed.vectors().vectors)

    with_settings(indexed, normalize="none", n_init=1).cluster(k)

    assert adjusted_rand_score(plain.labels_, labels_in_order(indexed)) == 1


def test_a_run_keeps_its_parameters(indexed):
    given = with_settings(indexed, seed=7, normalize="none", n_init=3)

    indexed.cluster(3)
    given.cluster(4, scope=indexed.vectors().paths[0].parent)

    usual, special = indexed.runs()
    assert (usual.algorithm, usual.k, usual.seed, usual.n_init) == ("kmeans", 3, 42, 10)
    assert (usual.normalize, usual.scope, usual.video_count) == ("l2", None, COUNT)
    assert (special.k, special.seed, special.n_init, special.normalize) == (4, 7, 3, "none")
    assert (special.scope, special.video_count) == (indexed.vectors().paths[0].parent, 6)
    assert usual.software == special.software == kmeans.software()


def test_a_run_keeps_a_digest_of_just_the_vectors_that_it_grouped(indexed, folder):
    indexed.cluster(2)
    indexed.cluster(5)
    indexed.cluster(2, scope=folder / "two")
    for value in (np.nan, np.inf):
        overwrite_vector(indexed, 4, value)
        indexed.cluster(2)

    with sqlite3.connect(indexed.path) as database:
        rows = database.execute("SELECT input_digest FROM clusterings ORDER BY id").fetchall()
    database.close()
    everything, again, scoped, nan_left_out, inf_left_out = rows
    assert everything == again
    assert nan_left_out == inf_left_out
    assert len({everything, scoped, nan_left_out}) == 3


@pytest.mark.parametrize("settings", [{}, {"normalize": "none", "n_init": 1}, {"seed": 3}])
def test_what_is_stored_of_a_run_repeats_it(indexed, settings):
    with_settings(indexed, **settings).cluster(5)

    (run,) = indexed.runs()
    vectors = indexed.vectors(run.recipe_id).vectors
    again = kmeans.group_vectors(
        vectors, run.k, seed=run.seed, n_init=run.n_init, normalize=run.normalize
    )

    assert again.labels.tolist() == labels_in_order(indexed)
    assert again.inertia == pytest.approx(run.inertia)


def test_the_answer_is_what_the_labels_say(indexed):
    result = indexed.cluster(4)

    labels = labels_in_order(indexed, result.run)
    sizes = [cluster.size for cluster in result.clusters]
    assert (result.k, result.videos, result.left_out) == (4, COUNT, 0)
    assert [cluster.label for cluster in result.clusters] == [0, 1, 2, 3]
    assert sizes == np.bincount(labels).tolist()
    assert sizes == sorted(sizes, reverse=True)


def test_distances_are_to_the_mean_of_the_videos_own_cluster(indexed):
    result = indexed.cluster(4)

    vectors = indexed.vectors()
    points = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    point_of = dict(zip(vectors.hashes, points, strict=True))
    for label in range(4):
        rows = indexed.labels(label=label).rows
        members = np.stack([point_of[row.blake3.hex()] for row in rows])
        distances = np.linalg.norm(members - members.mean(axis=0), axis=1)
        np.testing.assert_allclose([row.distance for row in rows], distances, atol=1e-5)
    squares = sum(row.distance**2 for row in indexed.labels().rows)
    assert result.inertia == pytest.approx(squares)


def test_every_run_is_kept(indexed):
    first, second = indexed.cluster(2), indexed.cluster(3)

    assert [run.id for run in indexed.runs()] == [first.run, second.run]
    assert set(labels_in_order(indexed, first.run)) == {0, 1}
    assert set(labels_in_order(indexed, second.run)) == {0, 1, 2}


def test_the_same_library_gives_the_same_labels_again(indexed):
    runs = [indexed.cluster(5).run for _ in range(2)]

    assert labels_by_hash(indexed, runs[0]) == labels_by_hash(indexed, runs[1])


def test_the_order_in_which_videos_came_does_not_matter(indexed, folder, source, tmp_path):
    other = Library(tmp_path / "other.db", indexed.settings)
    for name in ("two and more", "two", "one"):
        for path in sorted((folder / name).iterdir(), reverse=True):
            other.index([path], source=source)

    for library in (indexed, other):
        library.cluster(5)

    assert labels_by_hash(other) == labels_by_hash(indexed)


def test_labels_do_not_change_when_files_are_moved(library, source, put, tmp_path):
    for clip in "abcdef":
        put(clip, tmp_path / f"in/{clip}.mp4")
    library.index([tmp_path / "in"], source=source)
    before = labels_by_hash(library, library.cluster(3).run)

    library.apply(tmp_path / "sorted")
    (tmp_path / "sorted/cluster_0").rename(tmp_path / "sorted/renamed by hand")
    library.index([tmp_path / "sorted"], source=source)

    assert labels_by_hash(library, library.cluster(3).run) == before


def test_no_video_is_opened(library, source, put, tmp_path):
    for clip in "abc":
        put(clip, tmp_path / f"in/{clip}.mp4")
    library.index([tmp_path / "in"], source=source)
    shutil.rmtree(tmp_path / "in")

    assert library.cluster(2).videos == 3


def test_videos_all_of_whose_files_are_gone_are_left_out(library, source, put, tmp_path):
    for clip in "abc":
        put(clip, tmp_path / f"in/{clip}.mp4")
    put("c", tmp_path / "in/copy of c.mp4")
    library.index([tmp_path / "in"], source=source)
    for name in ("a.mp4", "c.mp4"):
        (tmp_path / "in" / name).unlink()
    library.index([tmp_path / "in"], source=source)

    assert library.cluster(2).videos == 2
    assert {row.stat.path.name for row in library.labels().rows} == {"b.mp4", "copy of c.mp4"}


def test_copies_of_a_video_count_once(library, source, put, tmp_path):
    for name in ("1", "2", "3"):
        put("a", tmp_path / f"in/{name}.mp4")
    put("b", tmp_path / "in/b.mp4")
    library.index([tmp_path / "in"], source=source)

    assert library.cluster(2).videos == 2
    assert len(library.labels().rows) == 4


def test_a_scope_takes_only_videos_below_that_folder(indexed, folder):
    """ "two and more" begins like "two" but does not lie in it."""
    assert indexed.cluster(2, scope=folder / "two").videos == 6
    assert {row.stat.path.parent for row in indexed.labels().rows} == {folder / "two"}


def test_a_scope_may_be_a_single_file(indexed, folder):
    assert indexed.cluster(1, scope=folder / "one/00.mp4").videos == 1


def test_a_scope_without_videos_is_refused(indexed, tmp_path):
    with pytest.raises(Refused, match="no vectors to cluster in") as caught:
        indexed.cluster(2, scope=tmp_path)

    assert str(tmp_path) in caught.value.message
    assert "vidindex index" in caught.value.hint
    assert indexed.runs() == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_damaged_vector_is_left_out_and_told(indexed, value):
    damaged = overwrite_vector(indexed, 4, value)
    recorder = Recorder()

    result = indexed.cluster(3, reporter=recorder)

    assert (result.videos, result.left_out) == (COUNT - 1, 1)
    assert len(recorder.notices) == 1
    assert "damaged" in recorder.notices[0]
    assert labels_by_hash(indexed).keys() == {*indexed.vectors().hashes} - {damaged}


def test_the_others_are_grouped_as_if_a_damaged_vector_were_not_there(indexed):
    vectors = np.delete(indexed.vectors().vectors, 4, axis=0)
    damaged = overwrite_vector(indexed, 4, np.nan)

    indexed.cluster(3)

    alone = kmeans.group_vectors(vectors, 3, seed=42, n_init=10, normalize="l2")
    hashes = [blake3 for blake3 in indexed.vectors().hashes if blake3 != damaged]
    assert [labels_by_hash(indexed)[blake3] for blake3 in hashes] == alone.labels.tolist()


def test_a_damaged_vector_makes_the_exit_code_4(indexed):
    overwrite_vector(indexed, 4, np.nan)
    command = ["vidindex", "cluster", "-k", "3", "--db", str(indexed.path), "--json"]

    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False
    )

    assert done.returncode == 4
    assert json.loads(done.stdout)["data"]["left_out"] == 1
    assert "damaged" in done.stderr


def test_only_damaged_vectors_are_refused(indexed):
    for row in range(COUNT):
        overwrite_vector(indexed, row, np.nan)

    with pytest.raises(Refused, match="no vectors to cluster"):
        indexed.cluster(1)


def test_more_clusters_than_videos_are_refused_and_nothing_is_stored(indexed):
    with pytest.raises(Refused, match=f"cannot make 30 clusters of {COUNT} videos") as caught:
        indexed.cluster(30)

    assert caught.value.hint == f"choose a K of at most {COUNT}"
    assert indexed.runs() == []


@pytest.mark.parametrize("k", [0, -1])
def test_less_than_one_cluster_is_a_usage_error(indexed, k):
    with pytest.raises(UsageError, match="K must be at least 1") as caught:
        indexed.cluster(k)

    assert "vidindex cluster -k" in caught.value.hint


def test_a_library_of_failures_has_nothing_to_cluster(library, source, tmp_path):
    (tmp_path / "text.mp4").write_text("not a video\n" * 100)
    library.index([tmp_path / "text.mp4"], source=source)

    with pytest.raises(Refused, match="the library holds no vectors") as caught:
        library.cluster(1)

    assert "vidindex index" in caught.value.hint


@pytest.fixture
def two_recipes(indexed, folder, source):
    """Six of the clips have a second vector, by another interval."""
    with_settings(indexed, interval_s=5.0).index([folder / "one"], source=source)
    return indexed


def test_vectors_of_two_recipes_are_not_mixed(two_recipes):
    with pytest.raises(Refused, match="vectors of 2 recipes cannot be compared") as caught:
        two_recipes.cluster(2)

    assert "every 30 s" in caught.value.message
    assert "every 5 s" in caught.value.message
    assert caught.value.hint.endswith("--recipe 2")


@pytest.mark.parametrize(("recipe", "videos"), [(1, COUNT), (2, 6)])
def test_one_of_two_recipes_can_be_named(two_recipes, recipe, videos):
    assert two_recipes.cluster(2, recipe=recipe).videos == videos
    assert two_recipes.runs()[-1].recipe_id == recipe


def test_a_recipe_that_there_is_not_is_refused(indexed):
    with pytest.raises(Refused, match="there is no recipe 9") as caught:
        indexed.cluster(2, recipe=9)

    assert "vidindex status" in caught.value.hint
