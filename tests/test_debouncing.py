"""Changes are taken up when they are over."""

from pathlib import Path

import pytest

from vidindex.debouncing import Debouncer

A, B, C = Path("/v/a.mp4"), Path("/v/b.mp4"), Path("/v/deep/c.mp4")


@pytest.fixture
def debouncer():
    return Debouncer(settle_s=2, patience_s=30)


def test_nothing_is_due_where_nothing_happened(debouncer):
    assert debouncer.take_due(now_s=1000) == []


def test_a_change_is_due_when_nothing_has_happened_for_a_while(debouncer):
    debouncer.note(A, now_s=100)

    assert debouncer.take_due(now_s=101.9) == []
    assert debouncer.take_due(now_s=102) == [A]


def test_what_was_taken_is_not_due_again(debouncer):
    debouncer.note(A, now_s=100)
    debouncer.take_due(now_s=102)

    assert debouncer.take_due(now_s=1000) == []


def test_each_further_change_puts_a_path_off(debouncer):
    debouncer.note(A, now_s=100)
    debouncer.note(A, now_s=101)

    assert debouncer.take_due(now_s=102.9) == []
    assert debouncer.take_due(now_s=103) == [A]


def test_changes_in_a_row_are_taken_together_and_sorted(debouncer):
    debouncer.note(B, now_s=100)
    debouncer.note(A, now_s=101)

    assert debouncer.take_due(now_s=102.5) == []
    assert debouncer.take_due(now_s=103) == [A, B]


def test_a_path_that_goes_on_changing_holds_the_others_up_for_a_while_only(debouncer):
    debouncer.note(A, now_s=100)
    for now_s in range(100, 130):
        debouncer.note(B, now_s)
        assert debouncer.take_due(now_s) == []

    assert debouncer.take_due(now_s=130) == [A]


def test_a_path_that_goes_on_changing_is_left_until_it_is_quiet(debouncer):
    for now_s in range(100, 200):
        debouncer.note(A, now_s)
        assert debouncer.take_due(now_s + 0.5) == []

    assert debouncer.take_due(now_s=201) == [A]


def test_after_each_round_patience_begins_anew(debouncer):
    """Else a long copy would make a round of each file that arrives beside it."""
    debouncer.note(A, now_s=100)
    debouncer.note(C, now_s=129)
    assert debouncer.take_due(now_s=130) == [A]
    debouncer.note(B, now_s=131)
    debouncer.note(C, now_s=159)

    assert debouncer.take_due(now_s=159) == []
    assert debouncer.take_due(now_s=160) == [B]


def test_what_is_below_a_forgotten_folder_is_not_due(debouncer):
    for path in (A, C):
        debouncer.note(path, now_s=100)

    debouncer.forget(C.parent)

    assert debouncer.take_due(now_s=102) == [A]
