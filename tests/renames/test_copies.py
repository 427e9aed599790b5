"""Copying to another disk, and removing the source of a copy."""

from __future__ import annotations

import os
import resource
import stat
from pathlib import Path

import pytest
from blake3 import blake3

from tests.renames.moves import CONTENT, DIGEST, copy, copy_and_publish, read_tree
from vidindex.copies import copy_to_part, part_path, remove_part
from vidindex.disk_errors import DamagedCopy, NotPermitted, SameFile, TargetTaken, VanishedError
from vidindex.errors import ChangedError
from vidindex.places import FileIdentity
from vidindex.renames import Removal, publish, remove_source

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
