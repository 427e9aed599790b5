"""Renaming on one disk: nothing is ever replaced, and nothing else than the file moved."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.renames.moves import CONTENT, move, read_tree
from vidindex import renames
from vidindex.disk_errors import NotPermitted, OtherDevice, SameFile, TargetTaken, VanishedError
from vidindex.errors import ChangedError
from vidindex.places import FileIdentity
from vidindex.renames import link_exclusive, rename_exclusive


def test_a_file_gets_its_new_name_and_stays_the_same_file(source: Path, out: Path) -> None:
    before = FileIdentity.of(source)

    move(source, out / "clip.mp4")

    assert not source.exists()
    assert FileIdentity.of(out / "clip.mp4") == before


def test_a_file_in_the_target_place_is_not_replaced(disk: Path, source: Path, out: Path) -> None:
    before = read_tree(disk)

    with pytest.raises(TargetTaken, match=r"foreign\.mp4"):
        move(source, out / "foreign.mp4")

    assert read_tree(disk) == before


def test_a_dangling_symlink_in_the_target_place_is_not_replaced(source: Path, out: Path) -> None:
    (out / "clip.mp4").symlink_to("nowhere")

    with pytest.raises(TargetTaken):
        move(source, out / "clip.mp4")

    assert (out / "clip.mp4").readlink() == Path("nowhere")
    assert source.read_bytes() == CONTENT


def test_an_empty_folder_in_the_target_place_is_not_replaced(source: Path, out: Path) -> None:
    (out / "clip.mp4").mkdir()

    with pytest.raises(TargetTaken):
        move(source, out / "clip.mp4")

    assert (out / "clip.mp4").is_dir()
    assert source.read_bytes() == CONTENT


def test_a_hard_link_of_the_source_is_told_from_a_foreign_target(source: Path, out: Path) -> None:
    (out / "clip.mp4").hardlink_to(source)

    with pytest.raises(SameFile):
        move(source, out / "clip.mp4")

    assert source.stat().st_nlink == 2


def test_a_rename_that_did_nothing_and_reported_success_is_noticed(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / "clip.mp4").hardlink_to(source)

    def plain_rename(old: Path, old_fd: int, new: Path, new_fd: int) -> int:
        os.rename(old.name, new.name, src_dir_fd=old_fd, dst_dir_fd=new_fd)
        return 0

    monkeypatch.setattr(renames, "_renameat2", plain_rename)
    with pytest.raises(SameFile):
        move(source, out / "clip.mp4")


def test_a_rename_that_worked_counts_although_an_error_came_back(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename_and_complain(old: Path, old_fd: int, new: Path, new_fd: int) -> int:
        os.rename(old.name, new.name, src_dir_fd=old_fd, dst_dir_fd=new_fd)
        return errno.ENOENT

    monkeypatch.setattr(renames, "_renameat2", rename_and_complain)
    move(source, out / "clip.mp4")

    assert (out / "clip.mp4").read_bytes() == CONTENT


def test_another_file_that_took_the_sources_place_in_between_keeps_its_name(
    disk: Path, source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = renames._renameat2
    (disk / "in/new.mp4").write_bytes(b"new")

    def swap_first(old: Path, old_fd: int, new: Path, new_fd: int) -> int:
        if (disk / "in/new.mp4").exists():
            (disk / "in/new.mp4").replace(source)
        return honest(old, old_fd, new, new_fd)

    monkeypatch.setattr(renames, "_renameat2", swap_first)
    with pytest.raises(ChangedError):
        move(source, out / "clip.mp4")

    assert read_tree(disk) == {"in/clip.mp4": b"new", "out/foreign.mp4": b"foreign"}


def test_a_source_that_is_gone_is_told(source: Path, out: Path) -> None:
    identity = FileIdentity.of(source)
    source.unlink()

    with pytest.raises(VanishedError, match=r"clip\.mp4 is gone"):
        rename_exclusive(source, out / "clip.mp4", identity, root=out)


def test_a_source_that_was_edited_stays(source: Path, out: Path) -> None:
    identity = FileIdentity.of(source)
    source.write_bytes(b"edited")

    with pytest.raises(ChangedError):
        rename_exclusive(source, out / "clip.mp4", identity, root=out)

    assert source.read_bytes() == b"edited"


@pytest.mark.parametrize("call", [rename_exclusive, link_exclusive])
def test_a_source_that_became_a_symlink_stays(
    call: Callable[..., None], disk: Path, source: Path, out: Path
) -> None:
    identity = FileIdentity.of(source)
    source.rename(disk / "elsewhere.mp4")
    source.symlink_to(disk / "elsewhere.mp4")

    with pytest.raises(ChangedError):
        call(source, out / "clip.mp4", identity, root=out)

    assert source.is_symlink()
    assert not os.path.lexists(out / "clip.mp4")


def test_only_a_regular_file_has_an_identity(disk: Path, source: Path) -> None:
    os.mkfifo(disk / "pipe.mp4")
    (disk / "link.mp4").symlink_to(source)

    for name in ("pipe.mp4", "link.mp4", "in"):
        with pytest.raises(ChangedError, match="not a regular file"):
            FileIdentity.of(disk / name)
    for name in ("none.mp4", "in/clip.mp4/none.mp4"):
        with pytest.raises(VanishedError):
            FileIdentity.of(disk / name)


def test_a_name_that_is_not_utf8_is_kept_byte_for_byte(disk: Path, out: Path) -> None:
    name = os.fsdecode(b"\xff\xfe clip\n.mp4")
    (disk / "in" / name).write_bytes(CONTENT)

    move(disk / "in" / name, out / name)

    found = {os.fsencode(path.name) for path in out.iterdir()}
    assert found == {b"\xff\xfe clip\n.mp4", b"foreign.mp4"}


def test_a_name_of_255_bytes_can_be_moved_and_one_of_256_is_refused(
    disk: Path, source: Path, out: Path
) -> None:
    with pytest.raises(NotPermitted, match="name too long"):
        move(source, out / ("é" * 126 + ".mp4"))

    move(source, out / ("é" * 125 + "é.mp"))

    assert not source.exists()


def test_a_name_with_a_nul_is_refused_not_cut(source: Path, out: Path) -> None:
    with pytest.raises(NotPermitted):
        move(source, out / "clip\0.mp4")

    assert source.exists()
    assert not (out / "clip").exists()


def test_a_target_below_a_symlink_in_the_root_is_refused(
    disk: Path, source: Path, out: Path
) -> None:
    (disk / "outside").mkdir()
    (out / "cluster_1").symlink_to(disk / "outside")

    with pytest.raises(NotPermitted):
        rename_exclusive(source, out / "cluster_1/a.mp4", FileIdentity.of(source), root=out)

    assert source.exists()
    assert list((disk / "outside").iterdir()) == []


@pytest.mark.parametrize("folder", ["..", "a/../..", "/etc"])
def test_a_target_outside_the_root_is_refused(source: Path, out: Path, folder: str) -> None:
    with pytest.raises(NotPermitted, match="not inside"):
        rename_exclusive(source, out / folder / "x.mp4", FileIdentity.of(source), root=out)

    assert source.exists()


def test_a_rename_to_another_device_is_left_to_a_copy(source: Path, other_disk: Path) -> None:
    with pytest.raises(OtherDevice):
        move(source, other_disk / "clip.mp4")

    assert source.exists()
