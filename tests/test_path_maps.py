"""Paths of another machine, as they are here."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidindex.errors import Refused, UsageError
from vidindex.path_maps import PathMap

NAMES = st.binary(min_size=1, max_size=3).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)
PARTS = st.lists(NAMES, max_size=4)
# A few names, so that the folders are often at or above the paths.
FEW = st.lists(st.sampled_from([b"a", b"b", b"ab", b"\xe9"]), max_size=4)


def joined(parts: list[bytes]) -> bytes:
    return b"/" + b"/".join(parts)


@pytest.mark.parametrize(
    ("path", "mapped"),
    [
        ("/mnt/a/x.mp4", "/videos/x.mp4"),
        ("/mnt/a", "/videos"),
        ("/mnt/ab/x.mp4", "/mnt/ab/x.mp4"),  # whole parts only
        ("/mnt/a/deep/x.mp4", "/other/x.mp4"),  # the longest counts
        ("/mnt/a/deeper/x.mp4", "/videos/deeper/x.mp4"),
        ("/else/mnt/a/x.mp4", "/else/mnt/a/x.mp4"),
    ],
)
def test_the_longest_folder_at_or_above_a_path_counts(path: str, mapped: str) -> None:
    places = PathMap.of({"/mnt/a/": "/videos", "/mnt//a/deep": "/other/"})

    assert places.apply(os.fsencode(path)) == os.fsencode(mapped)


def test_the_root_holds_everything_and_can_be_mapped_to() -> None:
    assert PathMap.of({"/": "/backup"}).apply(b"/a/x.mp4") == b"/backup/a/x.mp4"
    assert PathMap.of({"/backup": "/"}).apply(b"/backup/a/x.mp4") == b"/a/x.mp4"
    assert PathMap.of({"/": "/"}).apply(b"/a") == b"/a"


@given(folders=st.dictionaries(FEW.map(tuple), PARTS), path=FEW)
def test_mapping_goes_by_whole_parts_and_the_longest_folder(
    folders: dict[tuple[bytes, ...], list[bytes]], path: list[bytes]
) -> None:
    places = PathMap({joined(list(old)): joined(new) for old, new in folders.items()})
    above = [length for length in range(len(path) + 1) if tuple(path[:length]) in folders]

    expected = path
    if above:
        longest = max(above)
        expected = [*folders[tuple(path[:longest])], *path[longest:]]

    assert places.apply(joined(path)) == joined(expected)


@given(old=PARTS, new=PARTS, rest=PARTS)
def test_mapping_there_and_back_gives_the_same_path(
    old: list[bytes], new: list[bytes], rest: list[bytes]
) -> None:
    path = joined([*old, *rest])
    there, back = PathMap({joined(old): joined(new)}), PathMap({joined(new): joined(old)})

    assert back.apply(there.apply(path)) == path


@pytest.mark.parametrize(
    ("places", "says"),
    [
        ({"videos": "/videos"}, "videos is no place"),
        ({"": "/videos"}, "is no place"),
        ({"/a": ""}, "a path is empty"),
        ({"/a": "/b", "/a/": "/c"}, "/a is mapped twice"),
    ],
)
def test_what_cannot_be_meant_is_told(places: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        PathMap.of(places)


def test_a_folder_without_any_path_below_it_is_told() -> None:
    places = PathMap.of({"/mnt/a": "/videos", "/mnt/typo": "/videos"})

    with pytest.raises(Refused, match="no file in /mnt/typo"):
        places.require_used([b"/mnt/a/x.mp4", b"/mnt/typo.mp4"])
    PathMap.of({"/mnt/a": "/videos"}).require_used([b"/mnt/a/x.mp4"])
