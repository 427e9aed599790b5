"""Moves of real files, on one disk and across two, and what faults leave of them."""

from __future__ import annotations

import errno
import inspect
import itertools
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from blake3 import blake3

from vidindex import renames
from vidindex.copies import Copied, copy_to_part, part_path, remove_part
from vidindex.errors import ChangedError, ExitCode
from vidindex.freenames import candidate_names, clash_key, free_name
from vidindex.places import (
    BothNames,
    DamagedCopy,
    FileIdentity,
    NotPermitted,
    OtherDevice,
    SameFile,
    TargetTaken,
    VanishedError,
    fsync_folder,
    make_folders,
    remove_empty_folder,
)
from vidindex.renames import (
    Removal,
    finish_rename,
    link_exclusive,
    publish,
    remove_source,
    rename_exclusive,
)

CONTENT = bytes(range(256)) * 300
DIGEST = blake3(CONTENT).digest()


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Holds "in/clip.mp4" and "out/foreign.mp4"."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in/clip.mp4").write_bytes(CONTENT)
    (tmp_path / "out/foreign.mp4").write_bytes(b"foreign")
    return tmp_path


@pytest.fixture
def source(disk: Path) -> Path:
    return disk / "in/clip.mp4"


@pytest.fixture
def out(disk: Path) -> Path:
    return disk / "out"


@pytest.fixture
def other_disk(disk: Path) -> Iterator[Path]:
    """A folder on a real other file system, holding "foreign.mp4"."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == disk.stat().st_dev:
        pytest.skip("there is no second file system (/dev/shm) here")
    with tempfile.TemporaryDirectory(dir=memory) as name:
        (Path(name) / "foreign.mp4").write_bytes(b"foreign")
        yield Path(name)


def read_tree(root: Path) -> dict[str, bytes]:
    """Every file below root and its content."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def move(source: Path, target: Path) -> None:
    rename_exclusive(source, target, FileIdentity.of(source), root=target.parent)


def copy(source: Path, target: Path, progress: Callable[[int], None] = lambda _: None) -> Copied:
    part, identity = part_path(target, 1), FileIdentity.of(source)
    return copy_to_part(source, part, identity, DIGEST, root=target.parent, progress=progress)


def copy_and_publish(source: Path, target: Path) -> Copied:
    copied = copy(source, target)
    publish(part_path(target, 1), target, copied.part, root=target.parent)
    return copied


# Renaming on one disk


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


# The way for disks that cannot rename exclusively


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


# Copying to another disk


def test_a_move_across_devices_keeps_mode_times_and_owner(
    disk: Path, source: Path, other_disk: Path
) -> None:
    source.chmod(0o440)
    os.utime(source, ns=(1_500_000_000_123_456_789, 1_400_000_000_987_654_321))
    before, target = source.stat(), other_disk / "clip.mp4"

    copied = copy_and_publish(source, target)
    removal = remove_source(
        source, target, FileIdentity.of(source), ctime_ns=copied.source_ctime_ns
    )

    assert removal is Removal.REMOVED
    assert copied.lost == ()
    assert read_tree(other_disk) == {"clip.mp4": CONTENT, "foreign.mp4": b"foreign"}
    assert read_tree(disk) == {"out/foreign.mp4": b"foreign"}
    after = target.stat()
    assert stat.S_IMODE(after.st_mode) == 0o440
    assert after.st_mtime_ns == before.st_mtime_ns
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


def test_extended_attributes_are_copied_or_named_as_lost(source: Path, other_disk: Path) -> None:
    try:
        os.setxattr(source, "user.rating", b"\xff5")
    except OSError:
        pytest.skip("this file system has no extended attributes")

    copied = copy_and_publish(source, other_disk / "clip.mp4")

    if "user.rating" in os.listxattr(other_disk / "clip.mp4"):
        assert os.getxattr(other_disk / "clip.mp4", "user.rating") == b"\xff5"
        assert copied.lost == ()
    else:
        assert copied.lost == ("attribute user.rating",)


def test_other_names_of_a_copied_file_are_named_as_lost(disk: Path, source: Path) -> None:
    (disk / "second.mp4").hardlink_to(source)

    assert copy(source, disk / "out/clip.mp4").lost == ("hard links",)


def test_an_empty_file_can_be_copied(source: Path, out: Path) -> None:
    source.write_bytes(b"")
    part, empty = part_path(out / "clip.mp4", 1), blake3(b"").digest()

    copy_to_part(source, part, FileIdentity.of(source), empty, root=out)

    assert part.read_bytes() == b""


def test_what_stands_in_the_parts_place_is_not_replaced(source: Path, out: Path) -> None:
    part_path(out / "clip.mp4", 1).symlink_to(out / "foreign.mp4")

    with pytest.raises(TargetTaken):
        copy(source, out / "clip.mp4")

    assert (out / "foreign.mp4").read_bytes() == b"foreign"
    assert part_path(out / "clip.mp4", 1).is_symlink()


def test_a_flipped_byte_in_the_part_is_found(disk: Path, source: Path, out: Path) -> None:
    before = read_tree(disk)

    def flip(_: int) -> None:
        with part_path(out / "clip.mp4", 1).open("r+b") as part:
            part.seek(1000)
            part.write(b"!")

    with pytest.raises(DamagedCopy, match=r"clip\.mp4"):
        copy(source, out / "clip.mp4", flip)

    assert read_tree(disk) == before


def test_a_source_that_grows_during_the_copy_leaves_no_part(source: Path, out: Path) -> None:
    def grow(_: int) -> None:
        if source.stat().st_size == len(CONTENT):
            with source.open("ab") as file:
                file.write(b"more")

    with pytest.raises(ChangedError):
        copy(source, out / "clip.mp4", grow)

    assert read_tree(out) == {"foreign.mp4": b"foreign"}
    assert source.read_bytes() == CONTENT + b"more"


def test_a_source_edited_behind_the_copy_is_found_though_its_times_were_put_back(
    source: Path, out: Path
) -> None:
    before = source.stat()

    def edit(_: int) -> None:
        with source.open("r+b") as file:
            file.write(b"edit")
        os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(ChangedError, match="changed while it was copied"):
        copy(source, out / "clip.mp4", edit)

    assert read_tree(out) == {"foreign.mp4": b"foreign"}


def test_a_source_whose_content_is_not_the_indexed_one_is_not_copied(
    source: Path, out: Path
) -> None:
    source.write_bytes(b"other")

    with pytest.raises(ChangedError, match="does not hold what was indexed"):
        copy(source, out / "clip.mp4")

    assert read_tree(out) == {"foreign.mp4": b"foreign"}


def test_a_pipe_in_the_sources_place_does_not_hang_the_copy(source: Path, out: Path) -> None:
    identity = FileIdentity.of(source)
    source.unlink()
    os.mkfifo(source)

    with pytest.raises(ChangedError):
        copy_to_part(source, part_path(out / "a.mp4", 1), identity, DIGEST, root=out)


def test_a_symlink_in_the_sources_place_is_not_followed_by_the_copy(
    disk: Path, source: Path, out: Path
) -> None:
    identity = FileIdentity.of(source)
    source.rename(disk / "moved.mp4")
    source.symlink_to(disk / "moved.mp4")

    with pytest.raises(ChangedError):
        copy_to_part(source, part_path(out / "a.mp4", 1), identity, DIGEST, root=out)


def test_an_interrupted_copy_leaves_no_part(source: Path, out: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy(source, out / "clip.mp4", stop)

    assert read_tree(out) == {"foreign.mp4": b"foreign"}


def test_a_file_too_large_for_the_target_leaves_no_part(source: Path, out: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(NotPermitted, match="File too large"):
            copy(source, out / "clip.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert read_tree(out) == {"foreign.mp4": b"foreign"}


def test_a_part_does_not_replace_what_took_the_targets_name(source: Path, out: Path) -> None:
    copied = copy(source, out / "foreign.mp4")
    part = part_path(out / "foreign.mp4", 1)

    with pytest.raises(TargetTaken):
        publish(part, out / "foreign.mp4", copied.part, root=out)
    publish(part, out / "foreign (2).mp4", copied.part, root=out)

    assert read_tree(out) == {"foreign.mp4": b"foreign", "foreign (2).mp4": CONTENT}


def test_a_left_part_is_removed_once_and_nothing_else_can_be(source: Path, out: Path) -> None:
    copy(source, out / "clip.mp4")
    part = part_path(out / "clip.mp4", 1)

    assert remove_part(part, root=out)
    assert not remove_part(part, root=out)
    assert not remove_part(out / "none" / part.name, root=out)
    with pytest.raises(ValueError, match="foreign"):
        remove_part(out / "foreign.mp4", root=out)
    assert read_tree(out) == {"foreign.mp4": b"foreign"}


# Removing the source of a copy


def test_a_source_edited_after_the_copy_is_kept(source: Path, out: Path) -> None:
    identity = FileIdentity.of(source)
    copy_and_publish(source, out / "clip.mp4")
    with source.open("r+b") as file:
        file.write(b"edit")

    assert remove_source(source, out / "clip.mp4", identity) is Removal.CHANGED
    assert source.exists()


def test_a_source_whose_times_were_put_back_is_kept(source: Path, out: Path) -> None:
    identity = FileIdentity.of(source)
    copied = copy_and_publish(source, out / "clip.mp4")
    os.utime(source, ns=(identity.mtime_ns, identity.mtime_ns))

    removal = remove_source(source, out / "clip.mp4", identity, ctime_ns=copied.source_ctime_ns)

    assert removal is Removal.CHANGED
    assert source.exists()


def test_a_new_file_in_the_sources_place_is_kept(source: Path, out: Path) -> None:
    identity = FileIdentity.of(source)
    copy_and_publish(source, out / "clip.mp4")
    (out / "new").write_bytes(b"new")
    (out / "new").replace(source)

    assert remove_source(source, out / "clip.mp4", identity) is Removal.GONE
    assert source.read_bytes() == b"new"


def test_a_source_that_someone_removed_counts_as_gone(source: Path, out: Path) -> None:
    identity = FileIdentity.of(source)
    copy_and_publish(source, out / "clip.mp4")
    source.unlink()

    assert remove_source(source, out / "clip.mp4", identity) is Removal.GONE


def test_a_source_is_kept_while_no_whole_copy_of_it_is_there(
    disk: Path, source: Path, out: Path
) -> None:
    identity = FileIdentity.of(source)
    (out / "short.mp4").write_bytes(CONTENT[:-1])
    (disk / "alias").symlink_to(disk / "in")

    with pytest.raises(VanishedError):
        remove_source(source, out / "none.mp4", identity)
    with pytest.raises(ChangedError, match="not a whole copy"):
        remove_source(source, out / "short.mp4", identity)
    with pytest.raises(SameFile):
        remove_source(source, disk / "alias/clip.mp4", identity)

    assert source.read_bytes() == CONTENT


# Rights


@pytest.fixture
def nobody(other_disk: Path) -> Iterator[Path]:
    """A folder with "in/clip.mp4" and "out"; the test runs without root's rights."""
    (other_disk / "in").mkdir()
    (other_disk / "out").mkdir()
    (other_disk / "in/clip.mp4").write_bytes(CONTENT)
    (other_disk / "in/clip.mp4").chmod(0o644)
    user = os.geteuid()
    if user == 0:
        for path in (other_disk, other_disk / "in", other_disk / "out"):
            os.chown(path, 65534, 65534)
        os.seteuid(65534)
    yield other_disk
    os.seteuid(user)
    for path in (other_disk / "in", other_disk / "out"):
        path.chmod(0o755)


@pytest.mark.parametrize("folder", ["in", "out"])
def test_a_read_only_folder_on_either_side_fails_the_file_alone(nobody: Path, folder: str) -> None:
    (nobody / folder).chmod(0o555)

    with pytest.raises(NotPermitted, match="Permission denied"):
        move(nobody / "in/clip.mp4", nobody / "out/clip.mp4")

    assert (nobody / "in/clip.mp4").read_bytes() == CONTENT
    assert list((nobody / "out").iterdir()) == []


def test_a_source_that_may_not_be_removed_is_kept(nobody: Path) -> None:
    identity = FileIdentity.of(nobody / "in/clip.mp4")
    copy_and_publish(nobody / "in/clip.mp4", nobody / "out/clip.mp4")
    (nobody / "in").chmod(0o555)

    removal = remove_source(nobody / "in/clip.mp4", nobody / "out/clip.mp4", identity)

    assert removal is Removal.REFUSED
    assert (nobody / "in/clip.mp4").exists()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root")
def test_an_owner_that_cannot_be_kept_is_named_and_gets_no_set_id_bit(nobody: Path) -> None:
    os.seteuid(0)
    (nobody / "in/clip.mp4").chmod(0o4755)
    os.seteuid(65534)

    copied = copy_and_publish(nobody / "in/clip.mp4", nobody / "out/clip.mp4")

    assert copied.lost == ("owner",)
    assert stat.S_IMODE((nobody / "out/clip.mp4").stat().st_mode) == 0o755


# Folders


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


# Free names


def test_a_free_name_is_kept_and_a_taken_one_is_numbered(out: Path) -> None:
    (out / "foreign (2).mp4").symlink_to("nowhere")

    assert free_name(out / "clip.mp4") == out / "clip.mp4"
    assert free_name(out / "foreign.mp4") == out / "foreign (3).mp4"


def test_names_alike_but_for_case_or_composition_clash(out: Path) -> None:
    alike = unicodedata.normalize("NFD", "éclair straße.MP4")

    assert clash_key(out / alike) == clash_key(out / "Éclair STRASSE.mp4")


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("a.tar.gz", "a.tar (2).gz"),
        (".hidden", ".hidden (2)"),
        ("plain", "plain (2)"),
        ("é" * 125 + ".mp4", "é" * 123 + " (2).mp4"),
        ("x" * 255, "x" * 251 + " (2)"),
        ("a." + "x" * 253, "a." + "x" * 249 + " (2)"),
        (os.fsdecode(b"\xff" * 251 + b".mp4"), os.fsdecode(b"\xff" * 247 + b" (2).mp4")),
    ],
)
def test_the_second_name_keeps_the_suffix_and_fits(out: Path, name: str, second: str) -> None:
    (out / name).write_bytes(b"")

    found = free_name(out / name)

    assert found.name == second
    found.write_bytes(b"")


def test_a_name_too_long_for_the_disk_is_shortened_at_a_character(out: Path) -> None:
    assert free_name(out / ("é" * 200 + ".mp4")).name == "é" * 125 + ".mp4"


def test_after_a_thousand_names_there_is_an_end(out: Path) -> None:
    names = list(candidate_names(out / "clip.mp4"))
    for name in names:
        name.write_bytes(b"")

    assert len(names) == 1000
    assert names[-1].name == "clip (1000).mp4"
    with pytest.raises(TargetTaken):
        free_name(out / "clip.mp4")


# Faults, injected by strace into a real move in a child process, with recovery afterwards


def whole_move(source: Path, target: Path) -> Removal:
    """The steps of one move, as a mover takes them."""
    identity, root = FileIdentity.of(source), target.parent.parent
    make_folders(target.parent, root=root, before_each=lambda _: None)
    try:
        rename_exclusive(source, target, identity, root=root)
    except OtherDevice:
        part, digest = part_path(target, 1), blake3(source.read_bytes()).digest()
        copied = copy_to_part(source, part, identity, digest, root=root)
        publish(part, target, copied.part, root=root)
        return remove_source(source, target, identity, ctime_ns=copied.source_ctime_ns)
    return Removal.REMOVED


DRIVER = f"""
import sys
from pathlib import Path
from blake3 import blake3
from vidindex.errors import VidindexError
from vidindex.places import *
from vidindex.freenames import *
from vidindex.renames import *
from vidindex.copies import *
{inspect.getsource(whole_move)}
try:
    removal = whole_move(*map(Path, sys.argv[1:]))
except VidindexError as error:
    sys.exit(int(error.exit_code))
sys.exit(0 if removal is Removal.REMOVED else 4)
"""

REPOSITORY = Path(renames.__file__).parents[1]
CALLS = ["mkdirat", "renameat2", "linkat", "unlinkat", "fsync", "fallocate", "write"]


@dataclass(frozen=True)
class FaultyMove:
    """A move, and the faults that send it down one way of the ladder."""

    source: Path
    target: Path
    ladder: tuple[str, ...]

    @property
    def is_copy(self) -> bool:
        return self.source.parent.stat().st_dev != self.target.parents[1].stat().st_dev

    @property
    def command(self) -> list[str]:
        """The move alone. The interpreter makes none of CALLS itself, with -B."""
        return [sys.executable, "-B", "-c", DRIVER, str(self.source), str(self.target)]

    def calls_in_order(self) -> list[str]:
        """Run the move undisturbed. Returns its CALLS; for fsync with the name of what is saved."""
        trace = self.source.parents[1] / "trace"
        inject = [f"--inject={each}" for each in self.ladder]
        strace = ["strace", "-y", "-qq", "-o", str(trace), f"--trace={','.join(CALLS)},fadvise64"]
        strace += inject
        subprocess.run([*strace, *self.command], cwd=REPOSITORY, check=True)
        told = trace.read_text().replace(f"{self.target.parents[1]}>", "root>")
        return [
            re.sub(r"^(\w+)\(.*", r"\1", re.sub(r"^fsync\(\d+<(.*/)?(.*)>\).*", r"fsync \2", line))
            for line in told.splitlines()
        ]

    def run(self, fault: str) -> tuple[int, bool]:
        """Run the move with a fault. Returns its exit code (a kill: -9), and whether it met it."""
        trace = self.source.parents[1] / "trace"
        inject = [f"--inject={each}" for each in (*self.ladder, fault)]
        # A filter in the kernel makes it ten times as fast, but takes no signals.
        speed = [] if "signal" in fault else ["-f", "--seccomp-bpf"]
        strace = ["strace", *speed, "-qq", "-o", str(trace), f"--trace={','.join(CALLS)}", *inject]
        code = subprocess.run([*strace, *self.command], cwd=REPOSITORY, check=False).returncode
        call = fault.split(":", 1)[0]
        met = [line for line in trace.read_text().splitlines() if call in line and "INJ" in line]
        return code, bool(met) or code == -signal.SIGKILL

    def finish(self, identity: FileIdentity) -> None:
        """Decide by what lies at both names, as recovery does."""
        root = self.target.parents[1]
        remove_part(part_path(self.target, 1), root=root)
        if not self.target.exists():
            whole_move(self.source, self.target)
        elif not self.source.exists() or self.source.samefile(self.target):
            finish_rename(self.source, self.target, FileIdentity.of(self.target), root=root)
        else:
            remove_source(self.source, self.target, identity)

    def check_nothing_is_lost(self) -> None:
        """Each name has the whole content or nothing, one has it, and no other file changed."""
        places = (self.source, self.target)
        contents = [path.read_bytes() for path in places if path.exists()]
        assert contents in ([CONTENT], [CONTENT, CONTENT])
        assert (self.target.parents[1] / "foreign.mp4").read_bytes() == b"foreign"

    def check_it_is_done(self) -> None:
        assert not self.source.exists()
        assert read_tree(self.target.parents[1]) == {
            "foreign.mp4": b"foreign",
            "new/clip.mp4": CONTENT,
        }

    def put_back(self) -> None:
        shutil.move(self.target, self.source)
        self.target.parent.rmdir()


@pytest.fixture(scope="module")
def strace() -> None:
    probe = ["strace", "-qq", "-o", os.devnull, "true"]
    if shutil.which("strace") is None or subprocess.run(probe, check=False).returncode != 0:
        pytest.skip("strace is missing, or may not trace here")


@pytest.fixture(params=["one disk", "one disk, links", "two disks", "two disks, links"])
def faulty_move(
    request: pytest.FixtureRequest, strace: None, source: Path, out: Path
) -> FaultyMove:
    folder = request.getfixturevalue("other_disk") if "two" in request.param else out
    ladder = ("renameat2:error=EINVAL",) if "links" in request.param else ()
    return FaultyMove(source, folder / "new/clip.mp4", ladder)


def sweep(move: FaultyMove, kind: str) -> list[tuple[str, int]]:
    """Put a fault at each of the move's calls in turn, and finish the move after each.

    Returns each fault that was met, and the exit code.
    """
    met: list[tuple[str, int]] = []
    for call in CALLS[2:] if move.ladder else CALLS:
        for when in itertools.count(1):
            identity = FileIdentity.of(move.source)
            fault = f"{call}:{kind}:when={when}"
            code, was_met = move.run(fault)
            move.check_nothing_is_lost()
            move.finish(identity)
            move.check_it_is_done()
            move.put_back()
            if not was_met:
                assert code == ExitCode.DONE
                break
            met.append((fault, code))
    return met


def test_each_step_is_on_the_disk_before_the_next(faulty_move: FaultyMove) -> None:
    made, named, saved = ["mkdirat", "fsync root"], ["renameat2"], ["fsync new"]
    removed = ["unlinkat", "fsync in"]
    if faulty_move.ladder:
        named = ["renameat2", "linkat"]
    if not faulty_move.is_copy:
        expected = [*made, *named, *saved, *(removed if faulty_move.ladder else removed[1:])]
    else:
        copied = ["fallocate", "write", "fsync .vidindex-1.part", "fadvise64"]
        part_dropped = ["unlinkat", *saved] if faulty_move.ladder else []
        expected = [*made, *named, *copied, *named, *saved, *part_dropped, *removed]

    assert faulty_move.calls_in_order() == expected


def test_a_move_killed_at_any_call_loses_nothing_and_can_be_finished(
    faulty_move: FaultyMove,
) -> None:
    met = sweep(faulty_move, "signal=KILL")

    assert len(met) >= 5
    assert {code for _, code in met} == {-signal.SIGKILL}


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_full_or_failing_disk_stops_the_run_at_any_call_and_loses_nothing(
    faulty_move: FaultyMove, error: str
) -> None:
    met = sweep(faulty_move, f"error={error}")

    assert len(met) >= 5
    assert {code for _, code in met} == {ExitCode.STOPPED}


@pytest.mark.parametrize("error", ["EACCES", "EINVAL", "EXDEV"])
def test_any_other_error_fails_the_file_or_is_got_round_and_loses_nothing(
    faulty_move: FaultyMove, error: str
) -> None:
    met = sweep(faulty_move, f"error={error}")

    # The fsync of a file, the second of a copy, must work; some disks know none of a folder.
    of_a_part = ("fsync:error=EINVAL:when=2",) if faulty_move.is_copy else ()
    assert len(met) >= 5
    for fault, code in met:
        is_fatal = fault.startswith("fsync") and not (error == "EINVAL" and fault not in of_a_part)
        expected = {ExitCode.STOPPED} if is_fatal else {ExitCode.DONE, ExitCode.INCOMPLETE}
        assert code in expected, fault


def test_a_folder_that_cannot_be_made_durable_for_want_of_support_is_no_error(
    faulty_move: FaultyMove,
) -> None:
    code, was_met = faulty_move.run("fsync:error=EINVAL:when=1")

    assert was_met
    assert code == ExitCode.DONE


def test_a_disk_without_renames_or_links_that_do_not_replace_is_refused(
    strace: None, source: Path, out: Path
) -> None:
    move = FaultyMove(source, out / "new/clip.mp4", ("renameat2:error=EINVAL",))

    code, was_met = move.run("linkat:error=EPERM")

    assert was_met
    assert code == ExitCode.INCOMPLETE
    assert read_tree(out) == {"foreign.mp4": b"foreign"}
    assert source.exists()


@pytest.mark.parametrize("error", ["EACCES", "EROFS"])
def test_a_source_that_cannot_be_removed_after_its_copy_lies_in_both_places(
    strace: None, source: Path, other_disk: Path, error: str
) -> None:
    move = FaultyMove(source, other_disk / "new/clip.mp4", ())

    code, was_met = move.run(f"unlinkat:error={error}")

    assert was_met
    assert code == ExitCode.INCOMPLETE
    assert source.read_bytes() == move.target.read_bytes() == CONTENT


def test_a_source_name_that_cannot_be_removed_after_the_link_is_told(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(renames, "_renameat2", lambda *_: errno.EINVAL)
    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(BothNames, match="Permission denied"):
        move(source, out / "clip.mp4")

    assert source.samefile(out / "clip.mp4")
