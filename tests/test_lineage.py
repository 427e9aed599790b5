"""How clusters go on from run to run: which keep their label, and what became of the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidindex.lineage import NO_LABEL, Change, Churn, compare, continue_labels, count_churn, match


def of(*counts):
    """Labels: each of the (label, count) in its turn."""
    return np.repeat([label for label, _ in counts], [count for _, count in counts])


def test_a_cluster_keeps_the_label_of_the_one_with_which_it_shares_most():
    before = of((0, 10), (1, 10), (2, 10))
    after = of((2, 9), (1, 1), (0, 10), (1, 10))

    assert match(before, after, 3).tolist() == [1, 2, 0]


def test_as_many_videos_as_possible_keep_their_label():
    """Each cluster taking what it shares most with would leave one of them without a label."""
    before = of((0, 10), (1, 6))
    after = of((0, 6), (1, 4), (0, 6))

    assert match(before, after, 2).tolist() == [1, 0]


def test_a_new_cluster_gets_the_lowest_label_that_no_video_had():
    before = of((0, 5), (3, 5), (NO_LABEL, 5))
    after = of((1, 5), (2, 5), (0, 5))

    assert match(before, after, 3).tolist() == [1, 0, 3]


@pytest.mark.parametrize(("shared", "label"), [(5, 7), (4, 0)])
def test_a_cluster_goes_on_if_it_shares_half_of_the_smaller(shared, label):
    before = of((7, shared), (NO_LABEL, 10 - shared), (7, 95))
    after = of((0, 10), (NO_LABEL, 95))

    assert match(before, after, 1).tolist() == [label]


def test_a_pair_that_shares_too_little_takes_nothing_from_one_that_shares_enough():
    """New 0 shares more with old 0, but less than half of either; old 1 is in it as a whole."""
    before = of((0, 30), (0, 70), (1, 20), (NO_LABEL, 20))
    after = of((0, 30), (NO_LABEL, 70), (0, 20), (0, 20))

    assert match(before, after, 1).tolist() == [1]


def test_what_a_new_cluster_shares_is_seen_against_all_of_its_videos():
    """98 new videos and two of an old hundred are not that old cluster."""
    before = of((0, 100), (NO_LABEL, 98))
    after = of((0, 98), (1, 2), (1, 98))

    assert match(before, after, 2).tolist() == [0, 1]


def test_barred_labels_and_given_ones_are_not_given_again():
    labels = np.array([4, NO_LABEL, NO_LABEL])
    before = of((4, 5), (5, 5), (6, 5))

    continue_labels(labels, before, of((0, 5), (1, 5), (2, 5)), barred=[6])

    assert labels.tolist() == [4, 5, NO_LABEL]


def test_without_a_run_before_the_labels_count_from_0():
    assert match(np.full(4, NO_LABEL), of((0, 2), (1, 2)), 2).tolist() == [0, 1]


def test_a_merged_cluster_that_comes_apart_leaves_its_label_to_those_that_had_it_first():
    before = of((0, 20))
    first = of((0, 8), (1, 12))
    labels = np.full(2, NO_LABEL)

    continue_labels(labels, before, of((1, 8), (0, 12)), origins=[first])

    assert labels.tolist() == [NO_LABEL, 0]


@given(
    st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 4)), min_size=1, max_size=60),
)
def test_labels_are_always_different_and_matching_again_changes_nothing(pairs):
    before, after = np.array(pairs).T

    labels = match(before, after, 5)
    renamed = np.where(after == NO_LABEL, NO_LABEL, labels[after])

    assert len(set(labels.tolist())) == 5
    assert labels.min() >= 0
    present = np.unique(after[after != NO_LABEL])
    assert match(renamed, after, 5)[present].tolist() == labels[present].tolist()


def test_churn_counts_videos_and_clusters():
    before = np.array([0, 0, 1, 1, NO_LABEL, NO_LABEL, NO_LABEL])
    after = np.array([0, 3, 1, NO_LABEL, 3, NO_LABEL, 0])
    is_new = np.array([False, False, False, False, False, False, True])

    churn = count_churn(before, after, is_new=is_new, old_labels=[0, 1, 2], new_labels=[0, 1, 3, 4])

    assert churn == Churn(stay=3, move=3, new_videos=1, new_clusters=2, gone_clusters=1)


def test_comparing_finds_what_stayed_split_merged_appeared_and_vanished():
    before = of((0, 10), (1, 10), (2, 6), (3, 4), (4, 5), (NO_LABEL, 7))
    after = of((8, 10), (1, 5), (5, 5), (6, 10), (NO_LABEL, 5), (7, 7))

    assert compare(before, after) == [
        Change("stayed", (0,), (8,), 10),
        Change("split", (1,), (1, 5), 10),
        Change("merged", (2, 3), (6,), 10),
        Change("vanished", (4,), (), 5),
        Change("appeared", (), (7,), 7),
    ]


def test_clusters_that_exchange_halves_are_one_mixed_change():
    before = of((0, 10), (1, 10))
    after = of((0, 5), (1, 5), (0, 5), (1, 5))

    assert compare(before, after) == [Change("mixed", (0, 1), (0, 1), 20)]


def test_a_few_strays_do_not_make_a_split():
    before = of((0, 20), (1, 20))
    after = of((0, 18), (1, 2), (1, 20))

    assert [change.kind for change in compare(before, after)] == ["stayed", "stayed"]
