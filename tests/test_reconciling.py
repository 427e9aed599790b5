"""Each decision on a file: what the scan found against what the library knows."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vidindex.reconciling import CLOCK_STEP_NS, Reading, reconcile
from vidindex.scanning import FileStat, Skipped
from vidindex.store.files import StoredFile
from vidindex.store.videos import KnownContent

ROOT = Path("/nowhere/videos")
HASH, OTHER_HASH = bytes(32), bytes([1] * 32)
WRITTEN_NS = 1_600_000_000_000_000_000
READ_NS = WRITTEN_NS + 60_000_000_000
YESTERDAY = datetime(2020, 1, 1, tzinfo=UTC)
WITH_VECTOR = {HASH: KnownContent(1, has_vector=True)}
WITH_FAILURE = {HASH: KnownContent(1, failure="no frame could be decoded")}
OF_ANOTHER_RECIPE = {HASH: KnownContent(1)}


def stat_of(name, **changes):
    return replace(FileStat(ROOT / name, 1000, WRITTEN_NS, 5, 77), **changes)


def row_of(name, **changes):
    row = StoredFile(1, stat_of(name), READ_NS, 1, HASH, missing_since=None, read_error=None)
    return replace(row, **changes)


def decide(found=(), known=(), *, contents=None, skipped=(), roots=(ROOT,), **keywords):
    """The parts of the decision that are not empty."""
    decided = reconcile(
        roots,
        list(found),
        list(skipped),
        known=list(known),
        contents=WITH_VECTOR if contents is None else contents,
        **keywords,
    )
    return {name: list(part) for name, part in vars(decided).items() if part}


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


def test_a_file_that_a_link_took_the_place_of_is_missing():
    kept, gone = row_of("a.mp4"), row_of("b.mp4", id=2)
    skipped = [Skipped(ROOT / "b.mp4", "a symbolic link, not followed", hides=False)]

    decided = decide([kept.stat], [kept, gone], skipped=skipped)

    assert decided == {"unchanged": [kept], "missing": [gone]}


def test_a_root_without_any_of_its_videos_is_offline_and_none_is_missing():
    rows = [row_of("a.mp4"), row_of("b.mp4", id=2)]

    assert decide([], rows) == {"offline": [ROOT]}


def test_a_root_that_holds_other_videos_is_not_offline():
    gone, new = row_of("a.mp4"), stat_of("new.mp4")

    assert decide([new], [gone]) == {"to_read": [Reading(new, None)], "missing": [gone]}


def test_a_root_whose_videos_were_missing_before_is_not_offline():
    assert decide([], [row_of("a.mp4", missing_since=YESTERDAY)]) == {}


def test_only_the_root_that_is_empty_is_offline():
    here, there = row_of("here/a.mp4"), row_of("there/b.mp4", id=2)
    roots = [ROOT / "here", ROOT / "there"]

    decided = decide([here.stat], [here, there], roots=roots)

    assert decided == {"unchanged": [here], "offline": [ROOT / "there"]}


def test_a_root_that_cannot_be_read_is_not_taken_for_an_absent_disk():
    skipped = [Skipped(ROOT, "cannot read the folder: Permission denied", hides=True)]

    assert decide([], [row_of("a.mp4")], skipped=skipped) == {}


def test_an_empty_root_beside_a_locked_folder_is_offline_for_what_was_not_in_there():
    skipped = [Skipped(ROOT / "locked", "cannot read the folder: Permission denied", hides=True)]
    rows = [row_of("a.mp4"), row_of("locked/b.mp4", id=2)]

    assert decide([], rows, skipped=skipped) == {"offline": [ROOT]}


def test_an_empty_root_can_be_confirmed():
    rows = [row_of("a.mp4"), row_of("b.mp4", id=2)]

    assert decide([], rows, confirm_missing=True) == {"missing": rows}


def test_two_files_of_one_content_are_each_decided_on_their_own():
    first, second = row_of("a.mp4"), row_of("b.mp4", id=2)
    changed = replace(second.stat, mtime_ns=WRITTEN_NS + 1)
    contents = WITH_VECTOR | {OTHER_HASH: KnownContent(2)}

    decided = decide([first.stat, changed], [first, second], contents=contents)

    assert decided == {"unchanged": [first], "to_read": [Reading(changed, None)]}
