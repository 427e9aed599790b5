"""What the library answers when it is asked: labels, one video, its state, the vectors."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from blake3 import blake3

from tests.conftest import LoadedNetwork
from vidindex import Library, Settings
from vidindex.errors import Refused, UnreadableError, UsageError
from vidindex.frames import read_frames
from vidindex.store.embeddings import StoredVector

CLIPS = "abcde"


@pytest.fixture(scope="module")
def folder(clip_pool, tmp_path_factory):
    """Five videos, a copy of the first, and a text that is called a video."""
    folder = tmp_path_factory.mktemp("in")
    for clip in CLIPS:
        shutil.copyfile(clip_pool / f"{clip}.mp4", folder / f"{clip}.mp4")
    shutil.copyfile(folder / "a.mp4", folder / "copy of a.mp4")
    (folder / "text.mp4").write_text("not a video\n" * 100)
    for path in folder.iterdir():
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return folder


@pytest.fixture(scope="module")
def asked(folder, network, tmp_path_factory):
    """A library of that folder with two clusterings; the tests here only ask it."""
    path = tmp_path_factory.mktemp("asked") / "library.db"
    library = Library(path, Settings(weights="untrained"))
    library.index([folder], source=LoadedNetwork(network))
    library.cluster(2)
    library.cluster(3)
    return library


def digest(path):
    return blake3(path.read_bytes()).hexdigest()


def names(rows):
    return sorted(row.stat.path.name for row in rows)


def test_labels_are_those_of_the_newest_run(asked):
    answer = asked.labels()

    assert (answer.run.id, answer.run.k) == (2, 3)
    assert names(answer.rows) == sorted(["copy of a.mp4", *(f"{clip}.mp4" for clip in CLIPS)])


def test_labels_of_an_older_run_can_be_asked_for(asked):
    answer = asked.labels(1)

    assert (answer.run.id, answer.run.k) == (1, 2)
    assert {row.label for row in answer.rows} == {0, 1}


def test_labels_of_one_cluster_are_those_of_all_with_this_label(asked):
    everything = asked.labels()

    for label in range(3):
        some = asked.labels(label=label)
        assert some.rows == tuple(row for row in everything.rows if row.label == label)
        assert some.clusters == everything.clusters


def test_labels_come_by_label_and_the_most_typical_first(asked):
    order = [(row.label, row.distance, row.stat.path) for row in asked.labels(1).rows]

    assert order == sorted(order)
    assert order != sorted(order, key=lambda row: (row[0], row[2]))


def test_copies_have_the_label_of_their_content(asked):
    labels = {row.stat.path.name: row.label for row in asked.labels().rows}

    assert labels["copy of a.mp4"] == labels["a.mp4"]


def test_clusters_are_counted_by_contents(asked):
    assert sum(cluster.size for cluster in asked.labels().clusters) == len(CLIPS)


def test_an_unknown_run_is_refused(asked):
    with pytest.raises(Refused, match="there is no run 7") as caught:
        asked.labels(7)

    assert "vidindex runs" in caught.value.hint


@pytest.mark.parametrize("label", [3, -1])
def test_an_unknown_label_is_refused(asked, label):
    with pytest.raises(Refused, match=f"run 2 has no label {label}") as caught:
        asked.labels(label=label)

    assert caught.value.hint == "vidindex name lists its labels"


def test_labels_before_any_run_are_refused(library, source, folder):
    library.index([folder / "a.mp4"], source=source)

    assert library.runs() == []
    with pytest.raises(Refused, match="nothing is clustered yet") as caught:
        library.labels()

    assert "vidindex cluster" in caught.value.hint


def test_files_that_are_gone_have_no_row(library, source, put, tmp_path):
    for clip in "ab":
        put(clip, tmp_path / f"in/{clip}.mp4")
    library.index([tmp_path / "in"], source=source)
    library.cluster(2)
    (tmp_path / "in/a.mp4").unlink()
    library.index([tmp_path / "in"], source=source)

    assert names(library.labels().rows) == ["b.mp4"]


def test_runs_are_listed_from_the_oldest(asked):
    runs = asked.runs()

    assert [(run.id, run.k, run.video_count) for run in runs] == [(1, 2, 5), (2, 3, 5)]
    assert runs[0].created_at <= runs[1].created_at <= datetime.now(UTC)


def test_a_video_is_shown_by_the_path_of_any_of_its_files(asked, folder):
    answer = asked.show(str(folder / "copy of a.mp4"))

    assert answer.video.blake3.hex() == digest(folder / "a.mp4")
    assert answer.video.size_bytes == (folder / "a.mp4").stat().st_size
    assert [file.stat.path.name for file in answer.files] == ["a.mp4", "copy of a.mp4"]


def test_all_that_is_known_of_a_video_is_shown(asked, folder, network):
    answer = asked.show(str(folder / "b.mp4"))

    assert (answer.video.info.width_px, answer.video.info.height_px) == (160, 120)
    assert (answer.video.info.codec, answer.video.info.duration_s) == ("h264", 1.2)
    assert answer.vectors == (StoredVector(1, 1, "fp32", network.software, None),)
    assert answer.failures == ()
    assert [(run, name) for run, _, name, _ in answer.labels] == [(1, None), (2, None)]
    for run, label, _, distance in answer.labels:
        rows = {row.stat.path.name: row for row in asked.labels(run).rows}
        assert (label, distance) == (rows["b.mp4"].label, rows["b.mp4"].distance)


def test_a_video_that_could_not_be_decoded_is_shown_with_the_reason(asked, folder):
    answer = asked.show(str(folder / "text.mp4"))

    assert answer.video.info is None
    assert [failure.reason for failure in answer.failures] == ["not a video (text)"]
    assert (answer.vectors, answer.labels) == ((), ())


@pytest.mark.parametrize("digits", [64, 63, 12, 4])
def test_a_video_is_shown_by_the_start_of_its_hash(asked, folder, digits):
    wanted = digest(folder / "c.mp4")

    assert asked.show(wanted[:digits]).video.blake3.hex() == wanted
    assert asked.show(wanted[:digits].upper()).video.blake3.hex() == wanted


def test_a_relative_path_is_one_of_the_current_folder(asked, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)

    assert asked.show(f"{folder.name}/../{folder.name}/c.mp4").files[0].stat.path.name == "c.mp4"


def test_a_missing_file_can_still_be_shown(library, source, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")
    put("b", tmp_path / "in/b.mp4")
    library.index([tmp_path / "in"], source=source)
    (tmp_path / "in/a.mp4").unlink()
    library.index([tmp_path / "in"], source=source)

    (file,) = library.show(str(tmp_path / "in/a.mp4")).files

    assert datetime.now(UTC) - file.missing_since < timedelta(minutes=5)


@pytest.mark.parametrize("unknown", ["none.mp4", "abc", "/", "0" * 64, "0" * 65, "%", "a' OR 1"])
def test_what_the_library_does_not_know_is_refused(asked, unknown):
    with pytest.raises(Refused, match="the library does not know") as caught:
        asked.show(unknown)

    assert unknown in caught.value.message
    assert "4 or more digits" in caught.value.hint


def test_nothing_at_all_is_a_usage_error(asked):
    with pytest.raises(UsageError, match="empty"):
        asked.show("")


@pytest.fixture
def twins(tmp_path):
    """Two texts whose hashes begin with the same four digits, found by trying."""
    (tmp_path / "twins").mkdir()
    seen = {}
    for number in range(10_000):
        text = f"text {number}"
        start = blake3(text.encode()).hexdigest()[:4]
        if start in seen:
            (tmp_path / "twins/1.mp4").write_text(seen[start])
            (tmp_path / "twins/2.mp4").write_text(text)
            return tmp_path / "twins"
        seen[start] = text
    raise AssertionError


def test_a_start_that_two_hashes_share_is_refused_and_more_of_it_taken(library, source, twins):
    library.index([twins], source=source)
    first, second = digest(twins / "1.mp4"), digest(twins / "2.mp4")

    with pytest.raises(Refused, match=f"2 contents begin with {first[:4]}") as caught:
        library.show(first[:4])

    assert caught.value.hint == "give more of the hash"
    assert library.show(first[:12]).video.blake3.hex() == first
    assert library.show(second[:12]).video.blake3.hex() == second


def test_a_file_of_the_current_folder_comes_before_a_hash(
    library, source, put, tmp_path, monkeypatch
):
    start = digest(put("a", tmp_path / "in/a.mp4"))[:8]
    put("b", tmp_path / "in" / start)
    library.index([tmp_path / "in", tmp_path / "in" / start], source=source)

    assert library.show(start).files[0].stat.path.name == "a.mp4"
    monkeypatch.chdir(tmp_path / "in")
    assert library.show(start).files[0].stat.path.name == start


def test_the_status_counts_what_there_is(asked):
    status = asked.status()

    assert status.library == asked.path
    assert (status.present, status.missing, status.unreadable) == (7, 0, ())
    assert (status.runs, status.batch) == (2, None)


def test_the_status_names_recipes_and_failures(asked, folder):
    status = asked.status()

    ((recipe,), (failure,)) = status.recipes, status.failures
    assert (recipe.weights_name, recipe.vectors, recipe.failures) == ("untrained:0", 5, 1)
    assert recipe.description == "untrained:0 weights, a frame every 30 s"
    assert (failure.path, failure.reason) == (folder / "text.mp4", "not a video (text)")


def test_a_file_that_could_not_be_read_is_in_the_status_and_is_explained(
    library, source, put, tmp_path
):
    bad = put("a", tmp_path / "in/a.mp4")
    put("b", tmp_path / "in/b.mp4")

    def failing(path, sampling):
        if path == bad:
            raise UnreadableError("the file cannot be read: Input/output error")
        return read_frames(path, sampling)

    library.index([tmp_path / "in"], source=source, read_frames=failing)

    status = library.status()
    assert (status.present, status.missing) == (1, 0)
    assert [(file.stat.path, file.read_error) for file in status.unreadable] == [
        (bad, "the file cannot be read: Input/output error")
    ]
    with pytest.raises(Refused, match="could not be read: the file cannot be read") as caught:
        library.show(str(bad))
    assert caught.value.hint


def test_the_status_tells_the_last_move(library, source, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")
    library.index([tmp_path / "in"], source=source)
    library.cluster(1)

    library.apply(tmp_path / "sorted")
    batch = library.status().batch
    library.undo()

    assert (batch.kind, batch.state, batch.counts) == ("apply", "finished", {"done": 1})
    assert batch.destination == tmp_path / "sorted"
    assert library.status().batch.kind == "undo"


def test_vectors_come_by_hash_with_one_path_of_each_video(asked, folder):
    found = asked.vectors()

    assert list(found.hashes) == sorted(digest(folder / f"{clip}.mp4") for clip in CLIPS)
    assert [digest(path) for path in found.paths] == list(found.hashes)
    assert folder / "a.mp4" in found.paths
    assert (found.vectors.shape, found.vectors.dtype) == ((5, 2048), np.float32)


def test_vectors_are_the_same_bits_whenever_they_are_read(asked):
    assert asked.vectors().vectors.tobytes() == Library(asked.path).vectors().vectors.tobytes()


def test_vectors_of_a_recipe_can_be_asked_for(library, source, folder):
    library.index([folder / "a.mp4"], source=source)
    other = Library(library.path, Settings(weights="untrained", interval_s=0.25))
    other.index([folder / "a.mp4"], source=source)

    with pytest.raises(Refused, match="2 recipes"):
        library.vectors()
    assert not np.array_equal(library.vectors(1).vectors, library.vectors(2).vectors)


@pytest.mark.parametrize(
    "ask",
    [
        Library.vectors,
        Library.labels,
        Library.runs,
        Library.status,
        lambda library: library.show(library.vectors().hashes[0]),
    ],
)
def test_a_question_changes_no_byte_and_leaves_nothing_beside(asked, ask, tmp_path):
    copy = Library(shutil.copyfile(asked.path, tmp_path / "copy.db"))
    before = copy.path.read_bytes()

    ask(copy)

    assert copy.path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [Path(copy.path)]
