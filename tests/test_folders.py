"""Folders that are emptied and removed, and made again as they were."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disks import flagged
from tests.faults.mounts import mounted
from vidindex.disk_errors import NotPermitted, VanishedError
from vidindex.errors import ChangedError
from vidindex.folders import (
    FolderMode,
    describe_folder,
    make_folder_again,
    make_folders,
    remove_empty_folder,
)

NOBODY = 65534
is_root = os.geteuid() == 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder "root" that holds the empty folder "empty"."""
    (tmp_path / "root/empty").mkdir(parents=True)
    return tmp_path / "root"


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder that everybody may write, with root's "empty" in it; the test runs as nobody."""
    if not is_root:
        pytest.skip("needs to be root")
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders let nobody in
        folder = Path(name)
        folder.chmod(0o1777)
        (folder / "empty").mkdir()
        os.seteuid(NOBODY)
        yield folder
        os.seteuid(0)


def make_again(folder: Path, mode: FolderMode) -> bool:
    return make_folder_again(folder, mode.permissions, mode.uid, mode.gid, root=folder.parent)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Made again


@pytest.mark.parametrize("permissions", [0o700, 0o755, 0o2775, 0o1777, 0o500, 0])
def test_a_removed_folder_comes_back_with_its_mode_whatever_the_umask(
    root: Path, permissions: int
) -> None:
    (root / "empty").chmod(permissions)
    mode = describe_folder(root / "empty")
    assert remove_empty_folder(root / "empty", root=root)

    before = os.umask(0o077)
    try:
        assert make_again(root / "empty", mode)
    finally:
        os.umask(before)

    assert describe_folder(root / "empty") == mode
    assert mode.permissions == permissions
    assert names(root) == ["empty"]


@pytest.mark.root
@pytest.mark.skipif(not is_root, reason="needs to be root")
def test_a_removed_folder_comes_back_with_its_owner(root: Path) -> None:
    os.chown(root / "empty", NOBODY, 1234)
    (root / "empty").chmod(0o2750)
    mode = describe_folder(root / "empty")
    remove_empty_folder(root / "empty", root=root)

    make_again(root / "empty", mode)

    assert describe_folder(root / "empty") == FolderMode(0o2750, NOBODY, 1234)


@pytest.mark.root
def test_a_folder_whose_owner_may_not_be_set_comes_back_all_the_same(as_nobody: Path) -> None:
    assert make_again(as_nobody / "new", FolderMode(0o750, 0, 0))

    assert describe_folder(as_nobody / "new") == FolderMode(0o750, NOBODY, 0)


def test_a_folder_that_is_there_is_left_as_it_is(root: Path, tmp_path: Path) -> None:
    (root / "empty").chmod(0o711)
    (root / "link").symlink_to(tmp_path)

    assert not make_again(root / "empty", FolderMode(0o755, os.getuid(), os.getgid()))
    assert not make_again(root / "link", FolderMode(0o755, os.getuid(), os.getgid()))

    assert describe_folder(root / "empty").permissions == 0o711
    assert names(root) == ["empty", "link"]


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_what_has_the_name_of_a_folder_is_not_replaced(root: Path, kind: str) -> None:
    if kind == "file":
        (root / "new").write_bytes(b"foreign")
    else:
        (root / "new").symlink_to("nowhere")
    before = (root / "new").lstat()

    with pytest.raises(NotPermitted, match="new is not a folder"):
        make_again(root / "new", FolderMode(0o755, os.getuid(), os.getgid()))

    assert (root / "new").lstat() == before
    assert names(root) == ["empty", "new"]


def test_what_a_killed_run_has_left_is_taken_away_first(root: Path) -> None:
    (root / ".vidindex-folder.part").mkdir(mode=0o700)

    assert make_again(root / "new", FolderMode(0o755, os.getuid(), os.getgid()))

    assert names(root) == ["empty", "new"]


def test_a_folder_is_not_made_where_the_one_above_it_is_gone_or_a_link(
    root: Path, tmp_path: Path
) -> None:
    mode = FolderMode(0o755, os.getuid(), os.getgid())
    (root / "link").symlink_to(tmp_path)

    with pytest.raises(VanishedError):
        make_folder_again(root / "gone/new", mode.permissions, mode.uid, mode.gid, root=root)
    with pytest.raises(NotPermitted):
        make_folder_again(root / "link/new", mode.permissions, mode.uid, mode.gid, root=root)
    with pytest.raises(NotPermitted, match="not inside"):
        make_folder_again(tmp_path / "new", mode.permissions, mode.uid, mode.gid, root=root)

    assert names(tmp_path) == ["root"]


def test_names_that_are_not_utf8_or_of_255_bytes_come_back(root: Path) -> None:
    for name in (os.fsdecode(b"\xff\xfe"), "é" * 127 + "x"):
        assert make_again(root / name, FolderMode(0o755, os.getuid(), os.getgid()))
        assert (root / name).is_dir()


def test_only_a_folder_is_described(root: Path) -> None:
    (root / "file").write_bytes(b"")
    (root / "link").symlink_to(root / "empty")

    for name in ("file", "link"):
        with pytest.raises(ChangedError, match="is not a folder"):
            describe_folder(root / name)
    for name in ("none", "file/none"):
        with pytest.raises(VanishedError):
            describe_folder(root / name)


# Removed


def test_a_folder_with_a_hidden_file_in_it_is_kept(root: Path) -> None:
    (root / "empty/.nomedia").write_bytes(b"")

    assert not remove_empty_folder(root / "empty", root=root)

    assert names(root / "empty") == [".nomedia"]


def test_a_link_to_an_empty_folder_is_kept_and_the_folder_too(root: Path) -> None:
    (root / "link").symlink_to(root / "empty")

    assert not remove_empty_folder(root / "link", root=root)
    with pytest.raises(NotPermitted):
        remove_empty_folder(root / "link/below", root=root)

    assert names(root) == ["empty", "link"]


def test_the_folder_that_the_user_stands_in_is_kept(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root / "empty")

    assert not remove_empty_folder(root / "empty", root=root)

    assert Path.cwd() == root / "empty"


def test_a_user_who_stands_in_a_folder_that_is_gone_can_still_remove_others(root: Path) -> None:
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from vidindex.folders import remove_empty_folder\n"
        "root = Path(sys.argv[1])\n"
        "(root / 'gone').mkdir(); os.chdir(root / 'gone'); (root / 'gone').rmdir()\n"
        "assert remove_empty_folder(root / 'empty', root=root)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}

    subprocess.run([sys.executable, "-c", script, str(root)], check=True, env=environment)

    assert names(root) == []


def test_the_trusted_root_is_never_removed(root: Path) -> None:
    with pytest.raises(NotPermitted, match="not inside"):
        remove_empty_folder(root / "empty", root=root / "empty")

    assert (root / "empty").is_dir()


@pytest.mark.root
def test_a_folder_that_a_disk_is_mounted_on_is_kept(root: Path) -> None:
    with mounted(root / "empty", "-t", "tmpfs", "nothing"):
        with pytest.raises(NotPermitted) as caught:
            remove_empty_folder(root / "empty", root=root)

        assert "mounted there" in caught.value.hint
    assert names(root) == ["empty"]


@pytest.mark.root
def test_a_folder_of_somebody_else_in_a_sticky_one_is_kept(as_nobody: Path) -> None:
    with pytest.raises(NotPermitted, match="Operation not permitted"):
        remove_empty_folder(as_nobody / "empty", root=as_nobody)

    assert names(as_nobody) == ["empty"]


@pytest.mark.root
@pytest.mark.parametrize("flag", ["i", "a"])
def test_a_folder_in_one_under_a_flag_is_kept(root: Path, flag: str) -> None:
    with flagged(root, flag), pytest.raises(NotPermitted) as caught:
        remove_empty_folder(root / "empty", root=root)

    assert "lsattr" in caught.value.hint
    assert names(root) == ["empty"]


@pytest.mark.root
def test_in_a_folder_under_a_flag_none_is_made(root: Path) -> None:
    with flagged(root, "i"):
        with pytest.raises(NotPermitted):
            make_folders(root / "new", root=root, before_each=lambda _: None)
        with pytest.raises(NotPermitted):
            make_again(root / "new", FolderMode(0o755, os.getuid(), os.getgid()))

    assert names(root) == ["empty"]
