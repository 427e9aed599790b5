"""Files that get other names or other places keep their vectors, and leave no ghosts behind."""

import os
from itertools import pairwise

import pytest

from vidindex import Library, Settings


@pytest.fixture
def index(library, source):
    """Index paths with the shared network; return what was counted, zeros left out."""

    def run(*paths, into=library):
        counts = vars(into.index(paths, source=source))
        keys = ("indexed", "unchanged", "relinked", "failed", "missing")
        return {key: counts[key] for key in keys if counts[key]}

    return run


def hashes_by_path(library, folder):
    """Which content the library believes to lie where; of copies, one place each."""
    stored = library.vectors()
    return {
        str(path.relative_to(folder)): blake3
        for path, blake3 in zip(stored.paths, stored.hashes, strict=True)
    }


def file_counts(library):
    status = library.status()
    return status.present, status.missing


def rotate(*paths):
    """Give each file the next one's name, and the last one that of the first."""
    spare = paths[0].with_name("spare")
    paths[-1].rename(spare)
    for source, target in reversed(list(pairwise(paths))):
        source.rename(target)
    spare.rename(paths[0])


def test_three_names_that_went_round_are_told_apart(index, library, put, tmp_path):
    a, b, c = (put(name, tmp_path / f"in/{name}.mp4") for name in "abc")
    index(tmp_path / "in")
    before = hashes_by_path(library, tmp_path / "in")

    rotate(a, b, c)

    assert index(tmp_path / "in") == {"relinked": 3}
    assert hashes_by_path(library, tmp_path / "in") == {
        "a.mp4": before["c.mp4"],
        "b.mp4": before["a.mp4"],
        "c.mp4": before["b.mp4"],
    }
    assert file_counts(library) == (3, 0)


def test_files_alike_in_size_and_time_that_swapped_names_are_told_apart(
    index, library, put, tmp_path
):
    a, b = put("a", tmp_path / "in/a.mp4"), put("b", tmp_path / "in/b.mp4")
    size = max(a.stat().st_size, b.stat().st_size) + 8
    for path in (a, b):
        missing = size - path.stat().st_size
        with path.open("ab") as file:  # a box of free space: its length, its kind, and nothing
            file.write(missing.to_bytes(4, "big") + b"free" + bytes(missing - 8))
        os.utime(path, (1_600_000_000, 1_600_000_000))
    index(tmp_path / "in")
    before = hashes_by_path(library, tmp_path / "in")

    rotate(a, b)

    assert index(tmp_path / "in") == {"relinked": 2}
    after = hashes_by_path(library, tmp_path / "in")
    assert after == {"a.mp4": before["b.mp4"], "b.mp4": before["a.mp4"]}


def test_folders_that_swapped_names_are_told_apart(index, library, put, tmp_path):
    put("a", tmp_path / "in/x/1.mp4")
    put("b", tmp_path / "in/y/1.mp4")
    index(tmp_path / "in")
    before = hashes_by_path(library, tmp_path / "in")

    rotate(tmp_path / "in/x", tmp_path / "in/y")

    assert index(tmp_path / "in") == {"relinked": 2}
    after = hashes_by_path(library, tmp_path / "in")
    assert after == {"x/1.mp4": before["y/1.mp4"], "y/1.mp4": before["x/1.mp4"]}


def test_a_name_of_which_only_the_case_changed_is_followed(index, library, put, tmp_path):
    put("a", tmp_path / "in/a.mp4").rename(tmp_path / "in/A.mp4")
    index(tmp_path / "in")

    (tmp_path / "in/A.mp4").rename(tmp_path / "in/a.MP4")

    assert index(tmp_path / "in") == {"relinked": 1}
    assert list(hashes_by_path(library, tmp_path / "in")) == ["a.MP4"]
    assert file_counts(library) == (1, 0)


def test_a_renamed_folder_takes_all_its_files_along(index, library, put, tmp_path):
    put("a", tmp_path / "in/old/a.mp4")
    put("b", tmp_path / "in/old/deep/b.mp4")
    index(tmp_path / "in")

    (tmp_path / "in/old").rename(tmp_path / "in/new")

    assert index(tmp_path / "in") == {"relinked": 2}
    assert sorted(hashes_by_path(library, tmp_path / "in")) == ["new/a.mp4", "new/deep/b.mp4"]
    assert file_counts(library) == (2, 0)


def test_a_hard_link_is_a_second_place_of_the_same_video(index, library, put, tmp_path):
    first = put("a", tmp_path / "in/a.mp4")
    index(tmp_path / "in")

    (tmp_path / "in/b.mp4").hardlink_to(first)

    assert index(tmp_path / "in") == {"unchanged": 1, "relinked": 1}
    assert index(tmp_path / "in") == {"unchanged": 2}
    first.unlink()
    assert index(tmp_path / "in") == {"unchanged": 1, "missing": 1}
    assert list(hashes_by_path(library, tmp_path / "in")) == ["b.mp4"]


def test_of_two_hard_links_the_one_that_was_renamed_is_followed(index, library, put, tmp_path):
    first = put("a", tmp_path / "in/a.mp4")
    second = tmp_path / "in/b.mp4"
    second.hardlink_to(first)
    index(tmp_path / "in")

    second.rename(tmp_path / "in/c.mp4")

    assert index(tmp_path / "in") == {"unchanged": 1, "relinked": 1}
    assert file_counts(library) == (2, 0)


def test_overlapping_paths_count_each_file_once(index, library, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")
    deep = put("b", tmp_path / "in/deep/b.mp4")
    paths = [deep, tmp_path / "in/deep", tmp_path / "in", tmp_path / "in/../in"]

    assert index(*paths) == {"indexed": 2}
    assert index(*reversed(paths)) == {"unchanged": 2}
    assert file_counts(library) == (2, 0)


def test_a_folder_that_is_reached_by_two_paths_is_one_folder(index, library, put, tmp_path):
    put("a", tmp_path / "real/a.mp4")
    (tmp_path / "link").symlink_to("real")

    assert index(tmp_path / "link") == {"indexed": 1}
    assert index(tmp_path / "real", tmp_path / "link") == {"unchanged": 1}
    assert list(hashes_by_path(library, tmp_path)) == ["real/a.mp4"]


def test_a_folder_that_was_moved_away_and_linked_to_is_followed_to_where_it_is(
    index, library, put, tmp_path
):
    put("a", tmp_path / "in/videos/a.mp4")
    put("b", tmp_path / "in/b.mp4")
    index(tmp_path / "in")
    (tmp_path / "in/videos").rename(tmp_path / "big disk")
    (tmp_path / "in/videos").symlink_to(tmp_path / "big disk")

    following = Library(library.path, Settings(weights="untrained", symlinks="follow"))

    assert index(tmp_path / "in", into=following) == {"unchanged": 1, "relinked": 1}
    assert sorted(hashes_by_path(library, tmp_path)) == ["big disk/a.mp4", "in/b.mp4"]
    assert file_counts(library) == (2, 0)
