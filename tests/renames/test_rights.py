"""What rights forbid fails the file alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.renames.moves import CONTENT, copy_and_publish, move
from vidindex.disk_errors import NotPermitted
from vidindex.places import FileIdentity
from vidindex.renames import Removal, remove_source


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
