from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.exc import IntegrityError

from tests.databases import make
from tests.store.conftest import put_video
from vidindex.store import embeddings, files, recipes
from vidindex.store.embeddings import NewEmbedding, StoredFailure, StoredVector

RANDOM = np.random.default_rng(3)


def put_file(session, path, video_id):
    files.put_file(session, make.stat(Path(path), 1), video_id=video_id, checked_at_ns=1)


def put_vector(session, recipe, number, *paths):
    """Add a content with a vector, and files that hold it; return the vector."""
    vector = RANDOM.random(2048, dtype=np.float32)
    video_id = put_video(session, number)
    embedding = NewEmbedding(vector, number, "bf16", "tensorflow")
    embeddings.put_embedding(session, recipe, video_id, embedding, now=make.NOON)
    for path in paths:
        put_file(session, path, video_id)
    return vector


def mark_missing(session, path):
    file = files.find_file(session, Path(path))
    files.mark_missing(session, [file.id], since=make.NOON)


def hashes(matrix):
    return [blake3[0] for blake3 in matrix.hashes]


def test_the_matrix_has_a_row_for_each_content_sorted_by_hash(session, recipe):
    vectors = {
        number: put_vector(session, recipe, number, f"/{number}.mp4") for number in (9, 3, 5)
    }

    matrix = embeddings.load_matrix(session, recipe)

    assert hashes(matrix) == [3, 5, 9]
    assert matrix.video_ids == (2, 3, 1)
    np.testing.assert_array_equal(matrix.vectors, np.stack([vectors[3], vectors[5], vectors[9]]))


def test_a_content_in_two_files_has_one_row(session, recipe):
    put_vector(session, recipe, 1, "/a.mp4", "/b.mp4")

    assert len(embeddings.load_matrix(session, recipe).video_ids) == 1


def test_the_matrix_of_an_empty_library_has_no_rows(session, recipe):
    matrix = embeddings.load_matrix(session, recipe)

    assert matrix.vectors.shape == (0, 2048)
    assert matrix.video_ids == matrix.hashes == ()


def test_the_matrix_is_of_one_recipe(session, recipe):
    other = recipes.put_recipe(session, type(make.RECIPE)(bytes(32)), "untrained:0", now=make.NOON)
    put_vector(session, recipe, 1, "/a.mp4")
    put_vector(session, other, 2, "/b.mp4")

    assert hashes(embeddings.load_matrix(session, recipe)) == [1]
    assert hashes(embeddings.load_matrix(session, other)) == [2]


def test_a_content_none_of_whose_files_is_left_is_not_in_the_matrix(session, recipe):
    put_vector(session, recipe, 1, "/a.mp4", "/b.mp4")
    put_vector(session, recipe, 2, "/c.mp4")
    put_vector(session, recipe, 3)

    mark_missing(session, "/a.mp4")
    mark_missing(session, "/c.mp4")

    assert hashes(embeddings.load_matrix(session, recipe)) == [1]


def test_the_matrix_of_a_folder_holds_what_lies_at_or_below_it(session, recipe):
    put_vector(session, recipe, 1, "/in/a.mp4")
    put_vector(session, recipe, 2, "/in/deep/b.mp4", "/elsewhere/b.mp4")
    put_vector(session, recipe, 3, "/in-two/c.mp4")
    put_vector(session, recipe, 4, "/in0.mp4")
    put_vector(session, recipe, 5, "/elsewhere/in/d.mp4")
    put_vector(session, recipe, 6, "/in/gone.mp4", "/elsewhere/gone.mp4")
    mark_missing(session, "/in/gone.mp4")

    def of(folder):
        return hashes(embeddings.load_matrix(session, recipe, Path(folder)))

    assert of("/in") == [1, 2]
    assert of("/in/a.mp4") == [1]
    assert of("/") == [1, 2, 3, 4, 5, 6]
    assert of("/nowhere") == []


def test_a_vector_is_never_replaced(session, recipe):
    put_vector(session, recipe, 1, "/a.mp4")

    with pytest.raises(IntegrityError), session.begin_nested():
        put_vector(session, recipe, 1)


def test_the_vectors_of_a_content_tell_how_they_came_about(session, recipe):
    put_vector(session, recipe, 7, "/a.mp4")

    assert embeddings.list_vectors_of(session, 1) == [
        StoredVector(recipe, 7, "bf16", "tensorflow", None)
    ]
    assert embeddings.list_vectors_of(session, 2) == []


def put_failure(session, recipe, number, *paths, reason="no picture"):
    video_id = put_video(session, number)
    embeddings.put_failure(session, recipe, video_id, reason, now=make.NOON)
    for path in paths:
        put_file(session, path, video_id)


def test_a_failure_is_listed_for_each_file_that_holds_the_content(session, recipe):
    put_failure(session, recipe, 1, "/b.mp4", "/a.mp4")

    failures = embeddings.list_failures(session)

    assert failures == [
        StoredFailure(Path(path), b"\x01" * 32, recipe, "imagenet", "no picture", make.NOON)
        for path in ("/a.mp4", "/b.mp4")
    ]


def test_the_failure_of_a_content_that_is_gone_is_not_listed(session, recipe):
    put_failure(session, recipe, 1, "/a.mp4")
    mark_missing(session, "/a.mp4")

    assert embeddings.list_failures(session) == []


def test_a_failure_tells_its_newest_reason(session, recipe):
    put_failure(session, recipe, 1, "/a.mp4")
    put_failure(session, recipe, 1, reason="cut off")

    assert [failure.reason for failure in embeddings.list_failures(session)] == ["cut off"]


def test_a_vector_settles_an_earlier_failure(session, recipe):
    put_failure(session, recipe, 1, "/a.mp4")
    put_failure(session, recipe, 2, "/b.mp4")

    put_vector(session, recipe, 1)

    assert [failure.path for failure in embeddings.list_failures(session)] == [Path("/b.mp4")]


def test_a_failure_takes_no_vector_away(session, recipe):
    put_vector(session, recipe, 1, "/a.mp4")

    put_failure(session, recipe, 1)

    assert hashes(embeddings.load_matrix(session, recipe)) == [1]
