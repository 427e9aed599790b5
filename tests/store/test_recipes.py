from dataclasses import replace

import pytest

from tests.databases import make
from tests.store.conftest import put_video
from vidindex.embedding import Sampling
from vidindex.store import embeddings, recipes
from vidindex.store.embeddings import NewEmbedding

OTHER = replace(make.RECIPE, sampling=Sampling(2.5, 4, "keyframe", skip_blank=False))


def put(session, recipe, name="imagenet"):
    return recipes.put_recipe(session, recipe, name, now=make.NOON)


def test_a_recipe_is_listed_as_it_was_put(session):
    number = put(session, OTHER, "untrained:7")

    (stored,) = recipes.list_recipes(session)
    assert (stored.id, stored.recipe, stored.weights_name) == (number, OTHER, "untrained:7")


def test_a_recipe_is_put_once_whatever_its_weights_are_called(session):
    first = put(session, make.RECIPE, "imagenet")

    assert put(session, make.RECIPE, "weights.h5") == first
    assert [stored.weights_name for stored in recipes.list_recipes(session)] == ["imagenet"]


@pytest.mark.parametrize(
    "other",
    [
        replace(make.RECIPE, weights_digest=bytes(32)),
        replace(make.RECIPE, version=2),
        OTHER,
    ],
)
def test_a_recipe_that_differs_is_another(session, other):
    first, second = put(session, make.RECIPE), put(session, other)

    assert first != second
    assert recipes.find_recipe(session, make.RECIPE) == first
    assert recipes.find_recipe(session, other) == second
    assert [stored.recipe for stored in recipes.list_recipes(session)] == [make.RECIPE, other]


def test_a_recipe_that_was_never_put_is_not_found(session):
    assert recipes.find_recipe(session, make.RECIPE) is None


def test_a_recipe_counts_its_vectors_and_its_failures(session):
    first, second = put(session, make.RECIPE), put(session, OTHER)
    embedding = NewEmbedding(make.VECTORS[0], 1, "fp32", "tensorflow")
    for number in (1, 2):
        embeddings.put_embedding(
            session, first, put_video(session, number), embedding, now=make.NOON
        )
    embeddings.put_failure(session, second, put_video(session, 3), "cut", now=make.NOON)

    counts = [(row.id, row.vectors, row.failures) for row in recipes.list_recipes(session)]
    assert counts == [(first, 2, 0), (second, 0, 1)]


def test_a_recipe_is_described_in_a_few_words(session):
    put(session, make.RECIPE)
    put(session, OTHER, "untrained:7")

    assert [stored.description for stored in recipes.list_recipes(session)] == [
        "imagenet weights, a frame every 30 s",
        "untrained:7 weights, a frame every 2.5 s, at least 4 frames, keyframes only, "
        "blank frames too",
    ]


def test_the_digest_of_a_weights_source_is_remembered(session):
    assert recipes.find_weights_digest(session, "imagenet") is None

    recipes.put_weights_digest(session, "imagenet", b"\x01" * 32)
    recipes.put_weights_digest(session, "untrained:0", b"\x02" * 32)

    assert recipes.find_weights_digest(session, "imagenet") == b"\x01" * 32
    assert recipes.find_weights_digest(session, "untrained:0") == b"\x02" * 32


def test_the_digest_of_a_weights_source_never_changes(session):
    """A source names the very values: its key changes when they do."""
    recipes.put_weights_digest(session, "imagenet", b"\x01" * 32)
    recipes.put_weights_digest(session, "imagenet", b"\x02" * 32)

    assert recipes.find_weights_digest(session, "imagenet") == b"\x01" * 32
