"""Each decision on a file: what the scan found against what the library knows."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.decisions import (
    HASH,
    OF_ANOTHER_RECIPE,
    OTHER_HASH,
    ROOT,
    WITH_FAILURE,
    WITH_VECTOR,
    WRITTEN_NS,
    YESTERDAY,
    decide,
    row_of,
    stat_of,
)
from vidindex.reconciling import RESTLESS_NS, Reading
from vidindex.scanning import CLOCK_STEP_NS, Skipped
from vidindex.store.videos import KnownContent


def test_a_new_file_is_to_be_read():
    assert decide([stat_of("a.mp4")]) == {"to_read": [Reading(stat_of("a.mp4"), None)]}


def test_a_file_as_it_was_with_a_vector_is_unchanged():
    row = row_of("a.mp4")

    assert decide([row.stat], [row]) == {"unchanged": [row]}


def test_a_file_as_it_was_whose_content_failed_is_not_tried_again():
    row = row_of("a.mp4")

    assert decide([row.stat], [row], contents=WITH_FAILURE) == {"failed_before": [row]}


def test_a_file_as_it_was_without_a_vector_by_this_recipe_is_read_but_not_hashed():
    row = row_of("a.mp4")

    decided = decide([row.stat], [row], contents=OF_ANOTHER_RECIPE)

    assert decided == {"to_read": [Reading(row.stat, HASH)]}


@pytest.mark.parametrize(
    "change", ["size_bytes", "mtime_ns", "device", "inode"], ids=lambda name: name
)
def test_a_file_of_which_anything_is_different_is_hashed_again(change):
    row = row_of("a.mp4")
    found = replace(row.stat, **{change: getattr(row.stat, change) - 1})

    assert decide([found], [row]) == {"to_read": [Reading(found, None)]}


@pytest.mark.parametrize(
    ("age_ns", "is_trusted"), [(CLOCK_STEP_NS + 1, True), (CLOCK_STEP_NS, False), (-1, False)]
)
def test_a_file_read_within_a_step_of_the_clock_after_it_was_written_is_not_trusted(
    age_ns, is_trusted
):
    row = row_of("a.mp4", checked_at_ns=WRITTEN_NS + age_ns)

    expected = {"unchanged": [row]} if is_trusted else {"to_read": [Reading(row.stat, None)]}
    assert decide([row.stat], [row]) == expected


def test_a_file_that_could_not_be_read_is_tried_again():
    row = row_of("a.mp4", video_id=None, blake3=None, read_error="Permission denied")

    assert decide([row.stat], [row]) == {"to_read": [Reading(row.stat, None)]}


def test_a_file_with_a_vector_that_could_not_be_read_last_time_is_tried_again():
    row = row_of("a.mp4", read_error="Input/output error")

    assert decide([row.stat], [row]) == {"to_read": [Reading(row.stat, None)]}


def test_a_missing_file_that_is_back_as_it_was_is_not_read():
    row = row_of("a.mp4", missing_since=YESTERDAY)

    assert decide([row.stat], [row]) == {"unchanged": [row], "returned": [row]}


def test_a_missing_file_that_is_back_with_another_content_is_read():
    row = row_of("a.mp4", missing_since=YESTERDAY)
    found = replace(row.stat, size_bytes=2000)

    assert decide([found], [row]) == {"to_read": [Reading(found, None)]}


def test_a_known_file_that_is_gone_is_missing():
    kept, gone = row_of("a.mp4"), row_of("b.mp4", id=2)

    assert decide([kept.stat], [kept, gone]) == {"unchanged": [kept], "missing": [gone]}


def test_a_file_that_is_missing_already_is_not_counted_again():
    kept, gone = row_of("a.mp4"), row_of("b.mp4", id=2, missing_since=YESTERDAY)

    assert decide([kept.stat], [kept, gone]) == {"unchanged": [kept]}


def test_a_renamed_file_is_read_at_its_new_place_and_missing_at_its_old_one():
    old = row_of("a.mp4")
    new = replace(old.stat, path=ROOT / "new.mp4")

    assert decide([new], [old]) == {"to_read": [Reading(new, None)], "missing": [old]}


def test_a_file_outside_the_roots_is_never_missing():
    kept = row_of("a.mp4")
    elsewhere = row_of("b.mp4", id=2)
    elsewhere = replace(elsewhere, stat=replace(elsewhere.stat, path=Path(f"{ROOT} 2/b.mp4")))

    assert decide([kept.stat], [kept, elsewhere]) == {"unchanged": [kept]}


def test_a_file_that_is_there_but_was_not_looked_for_is_not_missing(tmp_path):
    """Its suffix is no longer in the settings, say."""
    (tmp_path / "b.xyz").touch()
    kept, other = (
        replace(row_of("a.mp4", id=number), stat=stat_of("", path=tmp_path / name))
        for number, name in enumerate(["a.mp4", "b.xyz"])
    )

    assert decide([kept.stat], [kept, other], roots=[tmp_path]) == {"unchanged": [kept]}


def test_what_lies_in_a_folder_that_cannot_be_read_is_not_missing():
    kept, hidden = row_of("a.mp4"), row_of("locked/b.mp4", id=2)
    skipped = [Skipped(ROOT / "locked", "cannot read the folder: Permission denied", hides=True)]

    assert decide([kept.stat], [kept, hidden], skipped=skipped) == {"unchanged": [kept]}


def test_a_file_that_a_link_took_the_place_of_is_missing(tmp_path):
    (tmp_path / "b.mp4").symlink_to("elsewhere.mp4")
    kept, gone = (
        row_of("", id=number, stat=stat_of("", path=tmp_path / name, inode=number))
        for number, name in enumerate(["a.mp4", "b.mp4"])
    )
    skipped = [Skipped(tmp_path / "b.mp4", "a symbolic link, not followed", hides=False)]

    decided = decide([kept.stat], [kept, gone], skipped=skipped, roots=[tmp_path])

    assert decided == {"unchanged": [kept], "missing": [gone]}


def test_two_files_of_one_content_are_each_decided_on_their_own():
    first, second = row_of("a.mp4"), row_of("b.mp4", id=2)
    changed = replace(second.stat, mtime_ns=WRITTEN_NS + 1)
    contents = WITH_VECTOR | {OTHER_HASH: KnownContent(2)}

    decided = decide([first.stat, changed], [first, second], contents=contents)

    assert decided == {"unchanged": [first], "to_read": [Reading(changed, None)]}


def test_a_file_renamed_but_for_the_case_of_its_letters_is_another_path():
    old = row_of("a.mp4")
    new = replace(old.stat, path=ROOT / "A.MP4")

    assert decide([new], [old]) == {"to_read": [Reading(new, None)], "missing": [old]}


def test_two_files_that_swapped_their_names_are_both_read():
    first, second = row_of("a.mp4"), row_of("b.mp4", id=2, stat=stat_of("b.mp4", inode=78))
    swapped = [
        replace(second.stat, path=first.stat.path),
        replace(first.stat, path=second.stat.path),
    ]

    assert decide(swapped, [first, second]) == {
        "to_read": [Reading(stat, None) for stat in swapped]
    }


def test_hard_links_of_one_file_are_each_unchanged():
    first, second = row_of("a.mp4"), row_of("b.mp4", id=2)

    assert decide([first.stat, second.stat], [first, second]) == {"unchanged": [first, second]}


def test_a_hard_link_that_is_gone_is_missing_although_the_file_has_another_name():
    kept, gone = row_of("a.mp4"), row_of("b.mp4", id=2)

    assert decide([kept.stat], [kept, gone]) == {"unchanged": [kept], "missing": [gone]}


def test_files_that_were_touched_lately_are_read_last():
    now_ns = WRITTEN_NS + 100 * RESTLESS_NS
    ages_ns = {"a": 0, "b": RESTLESS_NS, "c": -RESTLESS_NS, "d": RESTLESS_NS - 1, "e": 2**50}
    found = [stat_of(name, mtime_ns=now_ns - age) for name, age in ages_ns.items()]

    decided = decide(found, now_ns=now_ns)

    assert [reading.stat.path.name for reading in decided["to_read"]] == ["b", "e", "a", "c", "d"]


def test_a_file_written_this_moment_is_read_last_by_the_clock():
    found = [stat_of("a.mp4", mtime_ns=time.time_ns()), stat_of("b.mp4")]

    decided = decide(found)

    assert [reading.stat.path.name for reading in decided["to_read"]] == ["b.mp4", "a.mp4"]


@pytest.mark.parametrize("contents", [WITH_VECTOR, WITH_FAILURE, OF_ANOTHER_RECIPE])
def test_a_file_as_it_was_is_hashed_if_all_are_to_be_verified(contents):
    row = row_of("a.mp4")

    decided = decide([row.stat], [row], contents=contents, verify=True)

    assert decided == {"to_read": [Reading(row.stat, None, expected=HASH)]}


def test_of_a_file_that_changed_nothing_is_expected():
    row = row_of("a.mp4")
    found = replace(row.stat, size_bytes=2000)

    assert decide([found], [row], verify=True) == {"to_read": [Reading(found, None)]}


def test_of_a_file_that_was_read_within_a_step_of_the_clock_nothing_is_expected():
    row = row_of("a.mp4", checked_at_ns=WRITTEN_NS)

    assert decide([row.stat], [row], verify=True) == {"to_read": [Reading(row.stat, None)]}


def test_a_missing_file_that_is_back_is_verified_too():
    row = row_of("a.mp4", missing_since=YESTERDAY)

    assert decide([row.stat], [row], verify=True) == {
        "to_read": [Reading(row.stat, None, expected=HASH)],
        "returned": [row],
    }
