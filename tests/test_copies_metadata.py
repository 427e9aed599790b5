"""What a copy keeps beside the content, what it tells of the rest, and holes in files."""

from __future__ import annotations

import errno
import os
import stat
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from tests.disks import flagged
from vidindex import metadata
from vidindex.copies import Clones, Copied, copy_to_part, part_path
from vidindex.disk_errors import NotPermitted
from vidindex.errors import UnreadableError
from vidindex.places import FileIdentity

CONTENT = bytes(range(256)) * 40
ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
NOBODY, STRANGER = 65534, 4321
MIB = 1 << 20


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/clip.mp4").write_bytes(CONTENT)
    return tmp_path / "in/clip.mp4"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def copy(source: Path, out: Path, clones: Clones = "never") -> tuple[Copied, Path]:
    """Copy a file into a folder. Returns also the part, which is not published."""
    part, digest = part_path(out / "clip.mp4", 1), blake3(source.read_bytes()).digest()
    identity = FileIdentity.of(source)
    return copy_to_part(source, part, identity, digest, root=out, clones=clones), part


def access_list(*, user: int, group: int, stranger: int, mask: int, other: int = 0) -> bytes:
    """Build an access list (acl(5)) that says something of the user STRANGER."""
    nobody = 0xFFFFFFFF
    entries = [
        (0x01, user, nobody),
        (0x02, stranger, STRANGER),
        (0x04, group, nobody),
        (0x10, mask, nobody),
        (0x20, other, nobody),
    ]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def set_list(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value)
    except OSError:
        pytest.skip("this file system has no access lists")


def is_like(part: Path, source: Path) -> bool:
    """Whether mode, times and owner are the same."""
    kept = [
        (each.st_mode, each.st_mtime_ns, each.st_uid, each.st_gid)
        for each in (part.stat(), source.stat())
    ]
    return kept[0] == kept[1]


# Attributes and access lists


@pytest.mark.parametrize("value", [b"", b"\xff\x00 5", b"x" * 2000])
def test_attributes_of_the_user_are_kept_byte_for_byte(
    source: Path, out: Path, value: bytes
) -> None:
    try:
        os.setxattr(source, os.fsdecode("user.rätsel \xff".encode()), value)
    except OSError:
        pytest.skip("this file system has no extended attributes")

    copied, part = copy(source, out)

    assert copied.lost == ()
    assert {os.getxattr(part, name) for name in os.listxattr(part)} == {value}


def test_an_access_list_is_kept_with_the_mode_that_goes_with_it(source: Path, out: Path) -> None:
    wanted = access_list(user=6, group=0, stranger=4, mask=4)
    set_list(source, ACCESS, wanted)

    copied, part = copy(source, out)

    assert copied.lost == ()
    assert os.getxattr(part, ACCESS) == wanted
    assert stat.S_IMODE(part.stat().st_mode) == 0o640


def test_the_list_that_a_folder_gives_to_new_files_lets_nobody_into_a_copy(
    source: Path, out: Path
) -> None:
    set_list(out, DEFAULT, access_list(user=7, group=7, stranger=7, mask=7))
    source.chmod(0o640)

    copied, part = copy(source, out)

    assert copied.lost == ()
    assert ACCESS not in os.listxattr(part)
    assert is_like(part, source)


def test_where_there_are_no_access_lists_the_group_gets_no_more_than_it_had(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_list(source, ACCESS, access_list(user=6, group=4, stranger=6, mask=6))
    assert stat.S_IMODE(source.stat().st_mode) == 0o660, "the mask, not the group's rights"
    honest = os.setxattr

    def refuse(path: int, name: str, value: bytes) -> None:
        if name == ACCESS:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        honest(path, name, value)

    monkeypatch.setattr(os, "setxattr", refuse)
    copied, part = copy(source, out)

    assert copied.lost == (f"attribute {ACCESS}",)
    assert stat.S_IMODE(part.stat().st_mode) == 0o640


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSPC, errno.E2BIG])
def test_attributes_that_may_not_be_set_are_told_and_the_copy_is_made(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    names = ["security.selinux", "user.rating"]
    monkeypatch.setattr(metadata, "_list_attributes", lambda _: names)

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "getxattr", lambda *_: b"label")
    monkeypatch.setattr(os, "setxattr", refuse)
    copied, part = copy(source, out)

    assert copied.lost == ("attribute security.selinux", "attribute user.rating")
    assert part.read_bytes() == CONTENT


# Mode, owner, flags


@pytest.mark.parametrize("permissions", [0o400, 0o644, 0o4755, 0o2755, 0o1777])
def test_each_mode_is_kept_whatever_the_umask(source: Path, out: Path, permissions: int) -> None:
    source.chmod(permissions)

    before = os.umask(0o077)
    try:
        copied, part = copy(source, out)
    finally:
        os.umask(before)

    assert copied.lost == ()
    assert is_like(part, source)


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder with in/clip.mp4 and out/, all nobody's; the test runs as nobody."""
    if os.geteuid() != 0:
        pytest.skip("needs to be root")
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders let nobody in
        folder = Path(name)
        for each in (folder, folder / "in", folder / "out"):
            each.mkdir(exist_ok=True)
            os.chown(each, NOBODY, NOBODY)
        (folder / "in/clip.mp4").write_bytes(CONTENT)
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
        yield folder
        os.seteuid(0)
        os.setegid(0)


@pytest.mark.root
def test_the_group_is_kept_where_the_owner_may_not_be(as_nobody: Path) -> None:
    os.seteuid(0)
    groups = os.getgroups()
    os.setgroups([1234])
    os.chown(as_nobody / "in/clip.mp4", STRANGER, 1234)
    (as_nobody / "in/clip.mp4").chmod(0o2640)
    os.seteuid(NOBODY)
    try:
        copied, part = copy(as_nobody / "in/clip.mp4", as_nobody / "out")
    finally:
        os.seteuid(0)
        os.setgroups(groups)

    assert copied.lost == ("owner",)
    found = part.stat()
    assert (found.st_uid, found.st_gid) == (NOBODY, 1234)
    assert stat.S_IMODE(found.st_mode) == 0o640, "no set-id bit for another owner"


@pytest.mark.root
@pytest.mark.parametrize(("flag", "name"), [("i", "immutable flag"), ("a", "append-only flag")])
def test_a_flag_of_the_file_is_told_as_lost(source: Path, out: Path, flag: str, name: str) -> None:
    with flagged(source, flag):
        copied, part = copy(source, out)

    assert copied.lost == (name,)
    part.unlink()


def test_a_mode_that_the_disk_takes_and_forgets_is_told(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.chmod(0o640)
    monkeypatch.setattr(os, "fchmod", lambda *_: None)

    copied, part = copy(source, out)

    assert copied.lost == ("permissions",)
    assert stat.S_IMODE(part.stat().st_mode) == 0o600


def test_a_time_that_the_disk_rounds_is_told(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = os.utime
    os.utime(source, ns=(1_500_000_000_000_000_001, 1_500_000_000_000_000_001))
    monkeypatch.setattr(os, "utime", lambda path, ns: honest(path, ns=(ns[0] // 2, ns[1] & ~1)))

    copied, part = copy(source, out)

    assert copied.lost == ("times",)
    assert copied.part == FileIdentity.of(part)


# Holes


def blocks_of(path: Path) -> int:
    return path.stat().st_blocks * 512


@pytest.fixture
def sparse(source: Path) -> Path:
    """A file of 64 MiB with three pieces of data in it, one in no whole block, and a hole last."""
    with source.open("wb") as file:
        for offset in (0, 20 * MIB + 77, 50 * MIB):
            file.seek(offset)
            file.write(CONTENT)
        file.truncate(64 * MIB)
    if blocks_of(source) > MIB:
        pytest.skip("this file system has no holes")
    return source


@pytest.mark.parametrize("is_memory", [False, True])
def test_the_holes_of_a_file_stay_holes(sparse: Path, out: Path, is_memory: bool) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if is_memory else out) as name:
        told: list[int] = []
        part = part_path(Path(name) / "clip.mp4", 1)
        identity, digest = FileIdentity.of(sparse), blake3(sparse.read_bytes()).digest()

        copied = copy_to_part(
            sparse, part, identity, digest, root=part.parent, progress=told.append
        )

        assert part.read_bytes() == sparse.read_bytes()
        assert blocks_of(part) <= 4 * MIB
        assert copied.lost == ()
        assert sum(told) == 64 * MIB


def test_a_file_that_is_one_hole_is_copied(source: Path, out: Path) -> None:
    source.write_bytes(b"")
    os.truncate(source, 3 * MIB + 1)

    _, part = copy(source, out)

    assert part.read_bytes() == bytes(3 * MIB + 1)
    assert blocks_of(part) < MIB


def test_zeros_in_a_file_without_holes_are_written(source: Path, out: Path) -> None:
    source.write_bytes(bytes(3 * MIB))

    _, part = copy(source, out)

    assert blocks_of(part) >= 3 * MIB


def test_on_a_disk_without_holes_they_are_written(
    sparse: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "ftruncate", refuse)
    _, part = copy(sparse, out)

    assert part.read_bytes() == sparse.read_bytes()
    assert blocks_of(part) >= 64 * MIB


# Sources that cannot be read


def test_a_bad_spot_under_a_file_fails_that_file_alone(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = FileIdentity.of(source)

    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "read", fail)
    with pytest.raises(UnreadableError, match=r"clip\.mp4: Input/output error"):
        copy_to_part(source, part_path(out / "a.mp4", 1), identity, bytes(32), root=out)
    monkeypatch.undo()

    assert list(out.iterdir()) == []
    assert source.read_bytes() == CONTENT


@pytest.mark.root
def test_a_file_that_may_not_be_read_fails_alone(as_nobody: Path) -> None:
    source = as_nobody / "in/clip.mp4"
    os.seteuid(0)
    os.chown(source, 0, 0)
    source.chmod(0o600)
    os.seteuid(NOBODY)
    identity, part = FileIdentity.of(source), part_path(as_nobody / "out/a.mp4", 1)

    with pytest.raises(NotPermitted, match="Permission denied"):
        copy_to_part(source, part, identity, bytes(32), root=part.parent)

    assert list(part.parent.iterdir()) == []
