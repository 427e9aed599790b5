"""Moves on disks that cannot rename without replacing, and links."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.renames.moves import CONTENT, move, read_tree
from vidindex import renames
from vidindex.disk_errors import OtherDevice, SameFile, TargetTaken
from vidindex.errors import ChangedError
from vidindex.places import FileIdentity
from vidindex.renames import finish_rename, link_exclusive


@pytest.fixture
def no_renameat2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renames, "_renameat2", lambda *_: errno.EINVAL)


@pytest.mark.usefixtures("no_renameat2")
def test_without_an_exclusive_rename_a_link_and_an_unlink_move_the_file(
    source: Path, out: Path
) -> None:
    before = FileIdentity.of(source)

    move(source, out / "clip.mp4")

    assert not source.exists()
    assert FileIdentity.of(out / "clip.mp4") == before


@pytest.mark.usefixtures("no_renameat2")
def test_without_an_exclusive_rename_a_taken_name_is_not_replaced(
    disk: Path, source: Path, out: Path
) -> None:
    before = read_tree(disk)
    (out / "dangling.mp4").symlink_to("nowhere")

    for name in ("foreign.mp4", "dangling.mp4"):
        with pytest.raises(TargetTaken):
            move(source, out / name)

    assert read_tree(disk) == before


@pytest.mark.usefixtures("no_renameat2")
def test_without_an_exclusive_rename_a_hard_link_of_the_source_is_noticed(
    source: Path, out: Path
) -> None:
    (out / "clip.mp4").hardlink_to(source)

    with pytest.raises(SameFile):
        move(source, out / "clip.mp4")

    assert source.stat().st_nlink == 2


@pytest.mark.usefixtures("no_renameat2")
def test_without_an_exclusive_rename_another_device_is_still_told(
    source: Path, other_disk: Path
) -> None:
    with pytest.raises(OtherDevice):
        move(source, other_disk / "clip.mp4")


@pytest.mark.usefixtures("no_renameat2")
def test_another_file_that_was_linked_in_the_sources_place_is_told(
    disk: Path, source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = os.link
    (disk / "in/new.mp4").write_bytes(b"new")

    def swap_first(
        old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int, follow_symlinks: bool
    ) -> None:
        (disk / "in/new.mp4").replace(source)
        honest(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, follow_symlinks=False)

    monkeypatch.setattr(os, "link", swap_first)
    with pytest.raises(ChangedError, match="another file came in between"):
        move(source, out / "clip.mp4")

    assert source.read_bytes() == b"new"


@pytest.mark.usefixtures("no_renameat2")
def test_an_old_name_that_another_process_removes_first_is_no_error(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = os.unlink

    def unlink_twice(name: str, *, dir_fd: int) -> None:
        honest(name, dir_fd=dir_fd)
        honest(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", unlink_twice)
    move(source, out / "clip.mp4")

    assert (out / "clip.mp4").read_bytes() == CONTENT


def test_a_cut_off_link_and_unlink_is_brought_to_its_end(source: Path, out: Path) -> None:
    (out / "clip.mp4").hardlink_to(source)

    finish_rename(source, out / "clip.mp4", FileIdentity.of(source), root=out)

    assert not source.exists()
    assert (out / "clip.mp4").read_bytes() == CONTENT


def test_a_finished_rename_whose_old_folder_is_gone_can_be_finished_again(
    source: Path, out: Path
) -> None:
    move(source, out / "clip.mp4")
    source.parent.rmdir()

    finish_rename(source, out / "clip.mp4", FileIdentity.of(out / "clip.mp4"), root=out)

    assert (out / "clip.mp4").read_bytes() == CONTENT


def test_finishing_a_rename_leaves_a_new_file_in_the_old_place_alone(
    source: Path, out: Path
) -> None:
    move(source, out / "clip.mp4")
    source.write_bytes(b"new")

    finish_rename(source, out / "clip.mp4", FileIdentity.of(out / "clip.mp4"), root=out)

    assert source.read_bytes() == b"new"


def test_a_files_only_name_is_never_removed_as_its_second(disk: Path, source: Path) -> None:
    (disk / "alias").symlink_to(disk / "in")  # stands for a disk that is mounted twice
    identity = FileIdentity.of(source)

    with pytest.raises(SameFile):
        finish_rename(source, disk / "alias/clip.mp4", identity, root=disk / "alias")
    (disk / "third.mp4").hardlink_to(source)
    with pytest.raises(SameFile):
        finish_rename(source, disk / "alias/clip.mp4", identity, root=disk / "alias")

    assert source.read_bytes() == CONTENT


# Linking


def test_a_link_is_a_second_name_of_the_file(source: Path, out: Path) -> None:
    link_exclusive(source, out / "clip.mp4", FileIdentity.of(source), root=out)

    assert source.samefile(out / "clip.mp4")


def test_a_link_does_not_replace(disk: Path, source: Path, out: Path) -> None:
    before = read_tree(disk)

    with pytest.raises(TargetTaken):
        link_exclusive(source, out / "foreign.mp4", FileIdentity.of(source), root=out)

    assert read_tree(disk) == before


def test_a_link_to_another_device_is_refused(source: Path, other_disk: Path) -> None:
    with pytest.raises(OtherDevice, match="cannot link"):
        link_exclusive(source, other_disk / "clip.mp4", FileIdentity.of(source), root=other_disk)
