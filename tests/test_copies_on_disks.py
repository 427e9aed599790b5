"""Copies, clones, links and renames on real disks of several kinds."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from blake3 import blake3

from tests.disks import blind_disk, disk
from tests.faults.mounts import mount, mounted
from vidindex.copies import Clones, Copied, copy_to_part, part_path
from vidindex.disk_errors import NotPermitted, OtherDevice, SameFile, TargetTaken
from vidindex.errors import ChangedError, SystemStopped
from vidindex.folders import make_folder_again, make_folders
from vidindex.links import remove_copy, symlink_exclusive
from vidindex.places import FileIdentity
from vidindex.renames import Removal, link_exclusive, publish, remove_source, rename_exclusive

pytestmark = pytest.mark.root
MIB = 1 << 20
CONTENT = bytes(range(256)) * 4 * 1024 * 20  # 20 MiB
DIGEST = blake3(CONTENT).digest()


def copy(
    source: Path, target: Path, clones: Clones, digest: bytes = DIGEST
) -> tuple[Copied, FileIdentity]:
    """Copy and publish a file."""
    part, root = part_path(target, 1), target.parent
    copied = copy_to_part(source, part, FileIdentity.of(source), digest, root=root, clones=clones)
    publish(part, target, copied.part, root=root)
    return copied, FileIdentity.of(target)


def used_bytes(folder: Path) -> int:
    os.sync()
    return shutil.disk_usage(folder).used


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "lost+found")


# Clones


@pytest.fixture(scope="module", params=["btrfs", "xfs"])
def cloning_disk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A disk that has reflinks."""
    with disk(tmp_path_factory.mktemp("disk") / request.param, request.param) as folder:
        yield folder


@pytest.fixture
def home(cloning_disk: Path) -> Iterator[Path]:
    """A folder on it with the file clip.mp4 and the folder out."""
    folder = cloning_disk / "home"
    (folder / "out").mkdir(parents=True)
    (folder / "clip.mp4").write_bytes(CONTENT)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder on a disk that has none."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        yield Path(name)


@pytest.mark.parametrize("clones", ["always", "auto"])
def test_a_clone_takes_no_room_and_keeps_all_that_a_copy_keeps(home: Path, clones: Clones) -> None:
    source, target = home / "clip.mp4", home / "out/clip.mp4"
    os.setxattr(source, "user.rating", b"\xff5")
    os.chown(source, 1234, 4321)
    source.chmod(0o2640)
    os.utime(source, ns=(1_500_000_000_123_456_789, 1_400_000_000_987_654_321))
    before = used_bytes(home)

    copied, identity = copy(source, target, clones)

    assert copied.is_clone
    assert copied.lost == ()
    assert copied.part == identity
    assert used_bytes(home) - before < len(CONTENT) // 4
    assert target.read_bytes() == CONTENT
    assert os.getxattr(target, "user.rating") == b"\xff5"
    kept = [
        (each.st_mode, each.st_uid, each.st_gid, each.st_mtime_ns)
        for each in (source.stat(), target.stat())
    ]
    assert kept[0] == kept[1]


def test_a_clone_and_its_source_are_two_files_from_then_on(home: Path) -> None:
    copy(home / "clip.mp4", home / "out/clip.mp4", "always")

    with (home / "out/clip.mp4").open("r+b") as file:
        file.write(b"edit")

    assert (home / "clip.mp4").read_bytes() == CONTENT


def test_a_copy_takes_its_room_where_no_clone_was_asked_for(home: Path) -> None:
    before = used_bytes(home)

    copied, _ = copy(home / "clip.mp4", home / "out/clip.mp4", "never")

    assert not copied.is_clone
    assert used_bytes(home) - before > len(CONTENT) // 2


def test_a_file_that_does_not_hold_what_was_indexed_is_not_cloned(home: Path) -> None:
    with pytest.raises(ChangedError, match="does not hold what was indexed"):
        copy(home / "clip.mp4", home / "out/clip.mp4", "always", bytes(32))

    assert names(home / "out") == []


def test_a_clone_that_is_stopped_leaves_no_part(home: Path) -> None:
    source, part = home / "clip.mp4", part_path(home / "out/clip.mp4", 1)
    told: list[int] = []

    def stop(size: int) -> None:
        told.append(size)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_to_part(
            source,
            part,
            FileIdentity.of(source),
            DIGEST,
            root=part.parent,
            progress=stop,
            clones="always",
        )

    assert told == [MIB]
    assert names(home / "out") == []


def test_an_empty_file_and_one_of_holes_are_cloned(home: Path) -> None:
    for size in (0, 50 * MIB + 1):
        (home / f"{size}.mp4").write_bytes(b"")
        os.truncate(home / f"{size}.mp4", size)
        digest = blake3(bytes(size)).digest()

        copied, identity = copy(home / f"{size}.mp4", home / f"out/{size}.mp4", "always", digest)

        assert copied.is_clone
        assert identity.size == size
        assert (home / f"out/{size}.mp4").stat().st_blocks * 512 < MIB


def test_a_clone_on_another_disk_is_refused_with_the_mode_that_copies(
    home: Path, memory: Path
) -> None:
    with pytest.raises(NotPermitted, match=r"cannot clone .*clip\.mp4") as caught:
        copy(home / "clip.mp4", memory / "clip.mp4", "always")

    assert "reflink-auto" in caught.value.hint
    assert names(memory) == []
    assert (home / "clip.mp4").read_bytes() == CONTENT


def test_where_no_clone_can_be_made_a_copy_is_if_that_is_allowed(home: Path, memory: Path) -> None:
    copied, _ = copy(home / "clip.mp4", memory / "clip.mp4", "auto")
    back, _ = copy(memory / "clip.mp4", memory / "again.mp4", "auto")

    assert not copied.is_clone
    assert not back.is_clone
    assert (memory / "again.mp4").read_bytes() == CONTENT


def test_a_disk_without_reflinks_refuses_a_clone(tmp_path: Path, memory: Path) -> None:
    (memory / "clip.mp4").write_bytes(CONTENT)
    with disk(tmp_path / "ext4", "ext4") as folder:
        (folder / "clip.mp4").write_bytes(b"clip")
        digest = blake3(b"clip").digest()
        for place, expected in ((folder, digest), (memory, DIGEST)):
            with pytest.raises(NotPermitted, match="cannot clone"):
                copy(place / "clip.mp4", place / "new.mp4", "always", expected)
            assert names(place) == ["clip.mp4"]


def test_a_file_that_btrfs_must_not_share_is_copied_instead(tmp_path: Path) -> None:
    with disk(tmp_path / "btrfs", "btrfs") as folder:
        (folder / "clip.mp4").write_bytes(b"")
        subprocess.run(["chattr", "+C", folder / "clip.mp4"], check=True)
        (folder / "clip.mp4").write_bytes(CONTENT)

        with pytest.raises(NotPermitted):
            copy(folder / "clip.mp4", folder / "new.mp4", "always")
        copied, _ = copy(folder / "clip.mp4", folder / "new.mp4", "auto")

    assert not copied.is_clone


def test_a_clone_can_be_made_where_a_hard_link_or_a_rename_cannot(tmp_path: Path) -> None:
    with disk(tmp_path / "btrfs", "btrfs") as folder:
        for name in ("first", "second"):
            subprocess.run(["btrfs", "-q", "subvolume", "create", folder / name], check=True)
        source, out = folder / "first/clip.mp4", folder / "second"
        source.write_bytes(CONTENT)
        for call in (link_exclusive, rename_exclusive):
            with pytest.raises(OtherDevice):
                call(source, out / "clip.mp4", FileIdentity.of(source), root=out)

        copied, identity = copy(source, out / "clip.mp4", "always")

        assert copied.is_clone
        assert remove_source(source, out / "clip.mp4", FileIdentity.of(source)) is Removal.REMOVED
        assert remove_copy(out / "clip.mp4", identity, root=out)


# Room, and files too large


def test_a_file_of_holes_fits_where_it_would_not_fit_written_out(tmp_path: Path) -> None:
    source, size = tmp_path / "clip.mp4", 200 * MIB
    source.write_bytes(b"head")
    os.truncate(source, size)
    digest = blake3(source.read_bytes()).digest()

    with disk(tmp_path / "ext4", "ext4") as folder:  # of 16 MiB
        _, identity = copy(source, folder / "clip.mp4", "never", digest)

    assert identity.size == size


def test_a_file_larger_than_the_disk_stops_the_run_and_leaves_no_part(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(CONTENT)

    with disk(tmp_path / "ext4", "ext4") as folder:
        with pytest.raises(SystemStopped, match="No space left"):
            copy(tmp_path / "clip.mp4", folder / "clip.mp4", "auto")
        assert names(folder) == []

    assert (tmp_path / "clip.mp4").read_bytes() == CONTENT


@pytest.mark.parametrize(("kind", "size"), [("ext2", 17 << 30), ("vfat", (4 << 30) + 1)])
def test_a_file_larger_than_the_disk_can_have_fails_alone(
    tmp_path: Path, kind: str, size: int
) -> None:
    source = tmp_path / "clip.mp4"
    source.write_bytes(b"head")
    os.truncate(source, size)

    with disk(tmp_path / kind, kind) as folder:
        with pytest.raises(NotPermitted, match="File too large") as caught:
            copy(source, folder / "clip.mp4", "never")
        assert "no file of that size" in caught.value.hint
        assert names(folder) == []

    assert source.stat().st_size == size


# Disks that are blind to case, seen twice, or read-only


@pytest.fixture(params=["ntfs", "vfat", "casefold"])
def blind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder blind to case that holds "Clip.mp4", and in/clip.mp4 and out/ there and here."""
    (tmp_path / "CLIP.mp4").write_bytes(b"clip")
    with blind_disk(tmp_path / request.param, request.param) as folder:
        (folder / "in").mkdir()
        (folder / "Clip.mp4").write_bytes(b"foreign")
        (folder / "in/clip.mp4").write_bytes(b"clip")
        yield folder


def test_a_name_alike_but_for_case_is_never_replaced(blind: Path, tmp_path: Path) -> None:
    inside, outside = blind / "in/clip.mp4", tmp_path / "CLIP.mp4"

    with pytest.raises(TargetTaken):
        rename_exclusive(inside, blind / "CLIP.MP4", FileIdentity.of(inside), root=blind)
    with pytest.raises(TargetTaken):
        copy(outside, blind / "CLIP.MP4", "auto", blake3(b"clip").digest())
    with pytest.raises(TargetTaken):
        link_exclusive(inside, blind / "clip.mp4", FileIdentity.of(inside), root=blind)
    with pytest.raises(TargetTaken):
        symlink_exclusive(blind / "cLIP.mp4", outside, root=blind)

    assert (blind / "Clip.mp4").read_bytes() == b"foreign"
    assert inside.read_bytes() == outside.read_bytes() == b"clip"


def test_a_file_is_not_lost_to_its_own_name_in_other_letters(blind: Path) -> None:
    identity = FileIdentity.of(blind / "in/clip.mp4")

    with pytest.raises((SameFile, TargetTaken)):
        rename_exclusive(blind / "in/clip.mp4", blind / "in/CLIP.mp4", identity, root=blind)
    with pytest.raises((SameFile, TargetTaken, NotPermitted)):
        link_exclusive(blind / "in/clip.mp4", blind / "in/CLIP.mp4", identity, root=blind)

    assert (blind / "in/clip.mp4").read_bytes() == b"clip"


def test_a_folder_alike_but_for_case_is_there_already(blind: Path) -> None:
    told: list[Path] = []

    make_folders(blind / "IN/new", root=blind, before_each=told.append)

    assert told == [blind / "IN/new"]
    assert not make_folder_again(blind / "IN", 0o755, 0, 0, root=blind)
    assert (blind / "in/clip.mp4").read_bytes() == b"clip"


def test_a_name_alike_but_for_composition_is_never_replaced(tmp_path: Path) -> None:
    with blind_disk(tmp_path / "disk", "casefold") as folder:
        (folder / unicodedata.normalize("NFC", "é.mp4")).write_bytes(b"foreign")
        (folder / "clip.mp4").write_bytes(b"clip")
        target = folder / unicodedata.normalize("NFD", "É.mp4")

        with pytest.raises(TargetTaken):
            rename_exclusive(
                folder / "clip.mp4", target, FileIdentity.of(folder / "clip.mp4"), root=folder
            )

        assert target.read_bytes() == b"foreign"


def test_a_disk_without_links_and_owners_takes_copies_and_refuses_links(tmp_path: Path) -> None:
    source = tmp_path / "clip.mp4"
    source.write_bytes(b"clip")
    os.chown(source, 1234, 4321)

    with disk(tmp_path / "vfat", "vfat") as folder:
        copied, identity = copy(source, folder / "clip.mp4", "auto", blake3(b"clip").digest())
        with pytest.raises(NotPermitted, match="no symbolic links"):
            symlink_exclusive(folder / "link.mp4", source, root=folder)
        with pytest.raises(NotPermitted, match="no further hard link"):
            link_exclusive(folder / "clip.mp4", folder / "new.mp4", identity, root=folder)

        assert names(folder) == ["clip.mp4"]
        assert copied.part == identity
        assert "owner" in copied.lost


def test_a_disk_that_is_seen_twice_takes_no_hard_link_of_itself(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    source = tmp_path / "in/clip.mp4"
    source.write_bytes(b"clip")
    identity = FileIdentity.of(source)

    with mounted(tmp_path / "twice", "--bind", tmp_path / "in") as twice:
        with pytest.raises(OtherDevice):
            link_exclusive(source, twice / "new.mp4", identity, root=twice)
        with pytest.raises((SameFile, OtherDevice, TargetTaken)):
            link_exclusive(source, twice / "clip.mp4", identity, root=twice)

    assert source.read_bytes() == b"clip"


def test_a_disk_that_became_read_only_stops_each_step_and_nothing_is_done(tmp_path: Path) -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(disk(tmp_path / "ext4", "ext4"))
        source = folder / "clip.mp4"
        source.write_bytes(b"clip")
        identity, digest = FileIdentity.of(source), blake3(b"clip").digest()
        mount("-o", "remount,ro", folder)

        for step in (
            lambda: link_exclusive(source, folder / "new", identity, root=folder),
            lambda: symlink_exclusive(folder / "new", source, root=folder),
            lambda: copy(source, folder / "new", "auto", digest),
            lambda: remove_copy(source, identity, root=folder),
            lambda: make_folder_again(folder / "new", 0o755, 0, 0, root=folder),
        ):
            with pytest.raises(SystemStopped, match="Read-only file system"):
                step()

        assert names(folder) == ["clip.mp4"]
