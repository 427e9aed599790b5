"""A library of every released revision is opened, upgraded and used."""

import shutil

import numpy as np
import pytest

from tests.databases import make
from vidindex import Library
from vidindex.db import schema
from vidindex.store.embeddings import StoredVector

STORED = sorted(make.FOLDER.glob("*.db"))


@pytest.fixture(params=STORED, ids=lambda path: path.stem)
def stored_revision(request):
    return request.param.stem


@pytest.fixture
def stored(stored_revision, tmp_path):
    """A copy of a stored database, brought up to date."""
    source = make.FOLDER / f"{stored_revision}.db"
    library = Library(shutil.copyfile(source, tmp_path / "library.db"))
    assert library.upgrade() == (stored_revision, schema.HEAD)
    return library


def test_there_is_a_stored_database_of_the_newest_revision():
    assert schema.HEAD in {path.stem for path in STORED}


def test_a_stored_database_is_sound(stored):
    stored.check()


def test_the_labels_of_a_stored_database_are_read(stored):
    answer = stored.labels()

    assert [(row.stat.path, row.label, row.distance) for row in answer.rows] == [
        (make.SORTED_BEACH, 0, 0.125),
        (make.ODD_NAME, 0, 0.25),
        (make.CITY, 1, 0.0),
    ]
    assert [(cluster.label, cluster.size) for cluster in answer.clusters] == [(0, 2), (1, 1)]
    assert (answer.run.seed, answer.run.n_init, answer.run.normalize) == (42, 10, "l2")
    assert answer.run.scope == make.VIDEOS


def test_the_vectors_of_a_stored_database_are_bit_equal(stored):
    stored_vectors = stored.vectors()

    assert stored_vectors.hashes == tuple(blake3.hex() for blake3 in make.HASHES)
    assert stored_vectors.vectors.tobytes() == make.VECTORS.tobytes()


def test_a_video_of_a_stored_database_is_shown(stored, stored_revision):
    answer = stored.show(make.HASHES[1].hex()[:8])

    assert [file.stat for file in answer.files] == [make.stat(make.ODD_NAME, 1)]
    assert answer.vectors == (StoredVector(1, 3, "fp32", "tensorflow 2.21.0", None),)
    name = None if stored_revision < "0003" else "Holidays"
    assert answer.labels == ((1, 0, name, 0.25),)
    assert (answer.video.info.duration_s, answer.video.info.codec) == (61.5, "h264")
    assert answer.video.added_at == make.NOON


def test_the_run_of_a_stored_database_is_in_use(stored):
    (run,) = stored.runs()

    assert run.used_at == run.created_at


def test_the_status_of_a_stored_database_tells_all_that_is_in_it(stored):
    status = stored.status()

    assert (status.present, status.missing, status.runs) == (4, 0, 1)
    assert [recipe.recipe for recipe in status.recipes] == [make.RECIPE]
    assert [(failure.path, failure.reason) for failure in status.failures] == [
        (make.BROKEN, "no video stream")
    ]
    assert (status.batch.kind, status.batch.state, status.batch.counts) == (
        "apply",
        "finished",
        {"done": 1},
    )


def test_the_videos_of_a_stored_database_are_clustered_again(stored):
    result = stored.cluster(2)

    assert (result.run, result.videos, result.left_out) == (2, 3, 0)
    labels = {row.stat.path: row.label for row in stored.labels().rows}
    assert labels[make.SORTED_BEACH] == labels[make.ODD_NAME] != labels[make.CITY]


def test_a_stored_database_of_the_newest_revision_is_what_the_script_makes(tmp_path):
    """So that the script is not changed without anyone seeing what a stored database holds."""
    made, stored = (
        Library(path)
        for path in (make.make(tmp_path / "library.db"), make.FOLDER / f"{schema.HEAD}.db")
    )

    assert made.labels() == stored.labels()
    np.testing.assert_array_equal(made.vectors().vectors, stored.vectors().vectors)
