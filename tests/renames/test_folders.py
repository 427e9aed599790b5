"""Folders that are made and removed around a move."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidindex.disk_errors import NotPermitted, VanishedError
from vidindex.folders import fsync_folder, make_folders, remove_empty_folder


def test_each_missing_folder_is_told_before_it_is_made(out: Path) -> None:
    told: list[tuple[str, bool]] = []
    (out / "a").mkdir()

    make_folders(
        out / "a/b/c",
        root=out,
        before_each=lambda path: told.append((str(path.relative_to(out)), path.exists())),
    )

    assert told == [("a/b", False), ("a/b/c", False)]
    assert (out / "a/b/c").is_dir()


def test_folders_are_not_made_through_a_symlink(disk: Path, out: Path) -> None:
    (disk / "outside").mkdir()
    (out / "a").symlink_to(disk / "outside")

    with pytest.raises(NotPermitted, match="out/a"):
        make_folders(out / "a/b", root=out, before_each=lambda _: None)

    assert list((disk / "outside").iterdir()) == []


def test_a_file_in_the_way_of_a_folder_is_told(out: Path) -> None:
    with pytest.raises(NotPermitted, match=r"foreign\.mp4"):
        make_folders(out / "foreign.mp4/b", root=out, before_each=lambda _: None)


def test_folders_are_not_made_outside_the_root(disk: Path, out: Path) -> None:
    with pytest.raises(NotPermitted, match="not inside"):
        make_folders(out / "../new", root=out, before_each=lambda _: None)

    assert not (disk / "new").exists()


def test_the_root_itself_may_be_a_symlink(disk: Path, out: Path) -> None:
    (disk / "link").symlink_to(out)

    make_folders(disk / "link/a", root=disk / "link", before_each=lambda _: None)

    assert (out / "a").is_dir()


def test_only_an_empty_folder_is_removed(disk: Path, out: Path) -> None:
    (out / "empty").mkdir()
    (out / "link").symlink_to(disk / "in")

    assert remove_empty_folder(out / "empty", root=out)
    assert not remove_empty_folder(out / "empty", root=out)
    assert not remove_empty_folder(out / "none/empty", root=out)
    assert not remove_empty_folder(out / "link", root=out)
    assert not remove_empty_folder(out, root=disk)
    assert sorted(path.name for path in out.iterdir()) == ["foreign.mp4", "link"]


def test_a_folder_that_is_gone_cannot_be_made_durable(disk: Path) -> None:
    fsync_folder(disk)
    with pytest.raises(VanishedError):
        fsync_folder(disk / "none")
