"""Links and copies that vidindex makes beside a file: nothing replaced, only its own removed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.disks import flagged
from vidindex.disk_errors import NotPermitted, SameFile, TargetTaken
from vidindex.errors import ChangedError
from vidindex.links import read_link, remove_copy, remove_link, symlink_exclusive
from vidindex.places import FileIdentity
from vidindex.renames import link_exclusive

NOWHERE = Path("/nowhere/clip.mp4")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder "out" beside "in/clip.mp4"."""
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
    (tmp_path / "in/clip.mp4").write_bytes(b"clip")
    return tmp_path / "out"


@pytest.fixture
def source(out: Path) -> Path:
    return out.parent / "in/clip.mp4"


def remove(copy: Path, identity: FileIdentity) -> bool:
    return remove_copy(copy, identity, root=copy.parent)


def fill(place: Path, kind: str) -> None:
    """Put something under a name."""
    {
        "file": lambda: place.write_bytes(b"foreign"),
        "folder": place.mkdir,
        "dangling link": lambda: place.symlink_to("/elsewhere"),
        "pipe": lambda: os.mkfifo(place),
    }[kind]()


def describe(place: Path) -> tuple[int, int, int]:
    found = place.lstat()
    return found.st_ino, found.st_mode, found.st_mtime_ns


# Symbolic links


def test_a_symbolic_link_says_what_it_was_told_whether_or_not_something_is_there(
    source: Path, out: Path
) -> None:
    symlink_exclusive(out / "a.mp4", source, root=out)
    symlink_exclusive(out / "b.mp4", NOWHERE, root=out)

    assert (out / "a.mp4").read_bytes() == b"clip"
    assert (out / "b.mp4").readlink() == NOWHERE


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link", "pipe"])
def test_a_symbolic_link_replaces_nothing(out: Path, kind: str) -> None:
    fill(out / "clip.mp4", kind)
    before = describe(out / "clip.mp4")

    with pytest.raises(TargetTaken, match=r"clip\.mp4"):
        symlink_exclusive(out / "clip.mp4", NOWHERE, root=out)

    assert describe(out / "clip.mp4") == before


def test_a_symbolic_link_is_not_made_through_another(out: Path) -> None:
    (out / "inside").symlink_to(out.parent / "in")

    with pytest.raises(NotPermitted):
        symlink_exclusive(out / "inside/new.mp4", NOWHERE, root=out)

    assert [path.name for path in (out.parent / "in").iterdir()] == ["clip.mp4"]


def test_a_link_without_an_absolute_path_is_a_bug(out: Path) -> None:
    with pytest.raises(ValueError, match="clip"):
        symlink_exclusive(out / "clip.mp4", Path("../in/clip.mp4"), root=out)


@pytest.mark.parametrize(("name", "text"), [("a\0b", "/x"), ("a", "/x\0y"), ("..", "/x")])
def test_what_is_no_name_for_a_link_is_refused(out: Path, name: str, text: str) -> None:
    with pytest.raises(NotPermitted):
        symlink_exclusive(out / name, Path(text), root=out)

    assert list(out.iterdir()) == []


def test_names_that_are_not_utf8_are_kept_byte_for_byte(out: Path) -> None:
    place, text = out / os.fsdecode(b"\xff\n.mp4"), Path(os.fsdecode(b"/in/\xfe\xff.mp4"))

    symlink_exclusive(place, text, root=out)

    assert [os.fsencode(path.name) for path in out.iterdir()] == [b"\xff\n.mp4"]
    assert os.fsencode(place.readlink()) == b"/in/\xfe\xff.mp4"
    assert read_link(place) == text
    assert remove_link(place, text, root=out)


def test_only_a_symbolic_link_says_something(source: Path, out: Path) -> None:
    (out / "link").symlink_to(NOWHERE)
    (out / "chain").symlink_to(out / "link")

    assert read_link(out / "link") == NOWHERE
    assert read_link(out / "chain") == out / "link"
    for nothing in (source, out, out / "none", source / "below.mp4"):
        assert read_link(nothing) is None


# Removing symbolic links


def test_a_link_of_ours_is_removed_once_and_what_it_leads_to_stays(source: Path, out: Path) -> None:
    symlink_exclusive(out / "clip.mp4", source, root=out)

    assert remove_link(out / "clip.mp4", source, root=out)
    assert not remove_link(out / "clip.mp4", source, root=out)
    assert not remove_link(out / "none/clip.mp4", source, root=out)

    assert list(out.iterdir()) == []
    assert source.read_bytes() == b"clip"


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link", "pipe"])
def test_what_is_no_link_of_ours_is_not_removed(out: Path, kind: str) -> None:
    fill(out / "clip.mp4", kind)
    before = describe(out / "clip.mp4")

    with pytest.raises(ChangedError, match=r"clip\.mp4 is not the link"):
        remove_link(out / "clip.mp4", NOWHERE, root=out)

    assert describe(out / "clip.mp4") == before


@pytest.mark.parametrize("text", ["/nowhere//clip.mp4", "/nowhere/./clip.mp4", "/Nowhere/clip.mp4"])
def test_a_link_that_says_the_same_in_other_letters_is_not_ours(out: Path, text: str) -> None:
    (out / "clip.mp4").symlink_to(text)

    with pytest.raises(ChangedError):
        remove_link(out / "clip.mp4", NOWHERE, root=out)

    assert (out / "clip.mp4").is_symlink()


def test_nothing_is_removed_through_a_link_to_a_folder(source: Path, out: Path) -> None:
    (source.parent / "link").symlink_to(NOWHERE)
    (out / "inside").symlink_to(source.parent)
    identity = FileIdentity.of(source)

    with pytest.raises(NotPermitted):
        remove_link(out / "inside/link", NOWHERE, root=out)
    with pytest.raises(NotPermitted):
        remove_copy(out / "inside/clip.mp4", identity, root=out)

    assert sorted(path.name for path in source.parent.iterdir()) == ["clip.mp4", "link"]


# Removing copies and hard links


def test_a_copy_of_ours_is_removed_once(source: Path, out: Path) -> None:
    (out / "clip.mp4").write_bytes(source.read_bytes())
    identity = FileIdentity.of(out / "clip.mp4")

    assert remove(out / "clip.mp4", identity)
    assert not remove(out / "clip.mp4", identity)
    assert not remove_copy(out / "none/clip.mp4", identity, root=out)

    assert source.read_bytes() == b"clip"


def test_a_hard_link_of_ours_is_removed_and_the_file_keeps_its_other_name(
    source: Path, out: Path
) -> None:
    identity = FileIdentity.of(source)
    link_exclusive(source, out / "clip.mp4", identity, root=out)

    assert remove(out / "clip.mp4", identity)

    assert list(out.iterdir()) == []
    assert FileIdentity.of(source) == identity


def test_a_copy_that_was_edited_is_kept(out: Path) -> None:
    (out / "clip.mp4").write_bytes(b"clip")
    identity = FileIdentity.of(out / "clip.mp4")
    (out / "clip.mp4").write_bytes(b"edit")
    os.utime(out / "clip.mp4", ns=(0, identity.mtime_ns + 1))

    with pytest.raises(ChangedError, match="not the file that was made"):
        remove(out / "clip.mp4", identity)

    assert (out / "clip.mp4").read_bytes() == b"edit"


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link", "pipe"])
def test_what_took_the_place_of_a_copy_is_kept(source: Path, out: Path, kind: str) -> None:
    fill(out / "clip.mp4", kind)
    before = describe(out / "clip.mp4")

    with pytest.raises(ChangedError):
        remove(out / "clip.mp4", FileIdentity.of(source))

    assert describe(out / "clip.mp4") == before


# Hard links, beside what the tests of renames say of them


def test_a_second_link_of_the_same_file_is_told_from_a_foreign_one(source: Path, out: Path) -> None:
    identity = FileIdentity.of(source)
    link_exclusive(source, out / "clip.mp4", identity, root=out)

    with pytest.raises(SameFile):
        link_exclusive(source, out / "clip.mp4", identity, root=out)

    assert source.stat().st_nlink == 2


def test_a_link_that_was_made_counts_although_an_error_came_back(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = os.link

    def link_and_complain(
        old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int, follow_symlinks: bool
    ) -> None:
        honest(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, follow_symlinks=False)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    monkeypatch.setattr(os, "link", link_and_complain)  # a network disk that asked twice
    link_exclusive(source, out / "clip.mp4", FileIdentity.of(source), root=out)

    assert source.samefile(out / "clip.mp4")


@pytest.mark.parametrize("number", [errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP])
def test_where_no_hard_link_can_be_made_the_other_modes_are_named(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(NotPermitted, match="no further hard link") as caught:
        link_exclusive(source, out / "clip.mp4", FileIdentity.of(source), root=out)

    assert "--mode copy" in caught.value.hint
    assert list(out.iterdir()) == []


@pytest.mark.root
@pytest.mark.parametrize("flag", ["i", "a"])
def test_a_file_under_a_flag_gets_no_hard_link(source: Path, out: Path, flag: str) -> None:
    with flagged(source, flag), pytest.raises(NotPermitted, match="no further hard link"):
        link_exclusive(source, out / "clip.mp4", FileIdentity.of(source), root=out)

    assert list(out.iterdir()) == []


@pytest.mark.root
def test_a_copy_under_a_flag_is_not_removed(source: Path) -> None:
    with flagged(source, "i"), pytest.raises(NotPermitted) as caught:
        remove(source, FileIdentity.of(source))

    assert "lsattr" in caught.value.hint
    assert source.read_bytes() == b"clip"
