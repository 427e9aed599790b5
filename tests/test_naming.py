"""Scores of classes, and names for clusters, by vectors whose scenes are known."""

import numpy as np
import pytest

from tests import shown
from vidindex import naming
from vidindex.naming import Scorer, measure, name_clusters, summarize


@pytest.fixture(scope="module")
def vectors():
    return shown.vectors()


@pytest.fixture(scope="module")
def labels():
    return np.repeat(np.arange(4), shown.EACH)


@pytest.fixture(scope="module")
def summary(vectors, labels):
    return summarize([vectors], labels, wanted=range(4))


@pytest.fixture(scope="module")
def scorer(summary):
    return measure(shown.head().kernel, shown.CLASS_NAMES, summary)


def named(scorer, means, taken=()):
    return {label: name.text for label, name in name_clusters(scorer, means, taken).items()}


def scorer_of(class_names):
    """A scorer of which vector i means nothing but the i-th class, and the sum of two both."""
    count = len(class_names)
    return Scorer(
        np.eye(count, dtype=np.float32), np.zeros(count, np.float32), np.ones(count), class_names
    )


def test_a_score_is_the_lift_over_the_mean_logits_in_deviations(scorer, vectors):
    head = shown.head()
    logits = vectors.astype(np.float64) @ head.kernel + head.bias
    lifts = logits - logits.mean(axis=0)
    deviations = logits.std(axis=0)
    expected = lifts / np.maximum(deviations, np.median(deviations))

    np.testing.assert_allclose(scorer.score(vectors), expected, atol=1e-3)


def test_the_score_of_a_cluster_is_the_mean_of_its_videos_scores(scorer, summary, vectors, labels):
    of_mean = scorer.score(summary.means[2][np.newaxis])[0]
    mean_of = scorer.score(vectors[labels == 2]).mean(axis=0)

    np.testing.assert_allclose(of_mean, mean_of, atol=1e-4)


def test_some_classes_score_as_they_do_among_all(scorer, vectors):
    some, every = scorer.score(vectors, [5, 2]), scorer.score(vectors)

    np.testing.assert_allclose(some, every[:, [5, 2]], atol=1e-4)


def test_blocks_of_any_size_give_one_summary(summary, vectors, labels):
    parts = summarize([vectors[:5], vectors[5:6], vectors[6:]], labels, wanted=range(4))

    np.testing.assert_allclose(parts.center, summary.center, rtol=1e-6)
    np.testing.assert_array_equal(parts.sample, summary.sample)
    for label in range(4):
        np.testing.assert_allclose(parts.means[label], summary.means[label], rtol=1e-6)


def test_a_vector_that_is_not_finite_counts_for_nothing(vectors, labels):
    damaged = np.insert(vectors, 3, np.nan, axis=0)
    known = summarize([vectors], labels, wanted=range(4))

    summary = summarize([damaged], np.insert(labels, 3, 0), wanted=range(4))

    np.testing.assert_allclose(summary.center, known.center, rtol=1e-6)
    np.testing.assert_array_equal(summary.sample, known.sample)
    np.testing.assert_allclose(summary.means[0], known.means[0], rtol=1e-6)
    assert summarize([np.full((2, 9), np.nan, np.float32)], np.zeros(2, np.intp)) is None


def test_of_many_vectors_an_even_sample_serves(monkeypatch, vectors, labels):
    monkeypatch.setattr(naming, "SAMPLE", 4)

    sample = summarize([vectors[:10], vectors[10:]], labels).sample

    np.testing.assert_array_equal(sample, vectors[[0, 7, 15, 23]])


def test_clusters_are_called_what_they_show(scorer, summary):
    names = named(scorer, summary.means)

    assert names == {0: names[0], 1: "sports_car", 2: names[2], 3: "crane"}
    assert sorted(names[0].split("-")) == ["sandbar", "seashore"]
    assert names[2].split("-")[0] in {"tabby", "tiger_cat"}


def test_a_name_has_the_score_of_its_best_class(scorer, summary):
    scores = scorer.score(summary.means[1][np.newaxis])[0]

    assert name_clusters(scorer, summary.means)[1].score == pytest.approx(scores.max())


def test_a_second_class_joins_only_if_it_is_about_as_good():
    scorer = scorer_of(("beach", "sea", "dune"))
    close, far = np.array([2, 1.7, 0]), np.array([0, 1, 2])

    assert named(scorer, {0: close, 1: far}) == {0: "beach-sea", 1: "dune"}


def test_a_weak_cluster_gets_no_name():
    assert named(scorer_of(("beach", "sea")), {7: np.array([0.4, 0.3])}) == {}


def test_vectors_that_are_all_equal_get_no_name():
    vectors = np.repeat(shown.vectors()[:1], 9, axis=0)
    summary = summarize([vectors], np.arange(9) % 2, wanted=[0, 1])
    scorer = measure(shown.head().kernel, shown.CLASS_NAMES, summary)

    assert named(scorer, summary.means) == {}
    assert np.abs(scorer.score(vectors)).max() == 0


def test_names_of_different_clusters_differ():
    scorer = scorer_of(("beach", "sea", "dune"))
    means = {0: np.array([3, 0, 1]), 1: np.array([4, 0, 0]), 2: np.array([2, 1, 0])}

    assert named(scorer, means) == {1: "beach", 0: "beach-dune", 2: "beach-sea"}


def test_the_same_classes_in_another_order_are_no_other_name():
    scorer = scorer_of(("beach", "sea", "dune"))
    means = {0: np.array([3, 2.9, 0]), 1: np.array([2.8, 2.9, 0.6])}

    assert named(scorer, means) == {0: "beach-sea", 1: "sea-beach-dune"}


def test_a_cluster_without_a_class_of_its_own_gets_no_name():
    means = {0: np.array([3, 0]), 1: np.array([2, 0])}

    assert named(scorer_of(("beach", "sea")), means) == {0: "beach"}


def test_a_name_that_is_taken_is_not_given_again():
    scorer = scorer_of(("beach", "sea"))

    assert named(scorer, {0: np.array([3, 1])}, taken=["Beach"]) == {0: "beach-sea"}


def test_two_classes_of_one_name_are_named_once():
    assert named(scorer_of(("crane", "crane")), {0: np.array([3, 2.9])}) == {0: "crane"}


@pytest.mark.parametrize(
    ("class_name", "slug"),
    [
        ("German_shepherd", "german_shepherd"),
        ("black-and-tan coonhound", "black_and_tan_coonhound"),
        ("jack-o'-lantern", "jack_o_lantern"),
        ("../etc", "etc"),
        ("Küste", "küste"),
        ("…", ""),
    ],
)
def test_a_class_name_becomes_a_part_of_a_folders_name(class_name, slug):
    assert naming.slug(class_name) == slug


def test_the_same_library_gets_the_same_names(scorer, summary):
    assert name_clusters(scorer, summary.means) == name_clusters(scorer, summary.means)
