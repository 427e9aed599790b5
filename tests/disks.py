"""Real disks of other kinds, on loop devices, and files under flags; a test skips where none is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.mounts import mounted

# Each with its type, the command that makes it, to which the path is added, and a size for it.
MAKERS = {
    "btrfs": ("btrfs", ["mkfs.btrfs", "-q"], 400 << 20),
    "xfs": ("xfs", ["mkfs.xfs", "-q", "-m", "reflink=1"], 320 << 20),
    "ext4": ("ext4", ["mkfs.ext4", "-q", "-F"], 16 << 20),
    "casefold": ("ext4", ["mkfs.ext4", "-q", "-F", "-O", "casefold"], 16 << 20),
    "ext2": ("ext2", ["mkfs.ext2", "-q", "-F", "-b", "1024"], 16 << 20),  # no file above 16 GiB
    "vfat": ("vfat", ["mkfs.vfat", "-F", "32"], 64 << 20),  # no file above 4 GiB, blind to case
}


@contextmanager
def disk(folder: Path, kind: str) -> Iterator[Path]:
    """Have an empty disk mounted on a folder; its image lies beside it."""
    file_system, command, size_bytes = MAKERS[kind]
    image = folder.with_suffix(".image")
    with image.open("wb") as file:
        file.truncate(size_bytes)
    try:
        _run([*command, str(image)])
        with mounted(folder, "-t", file_system, "-o", "loop", image):
            yield folder
    finally:
        image.unlink()


@contextmanager
def blind_disk(folder: Path, kind: str) -> Iterator[Path]:
    """Have a folder that takes "A" and "a" for one name; "casefold" NFC and NFD too."""
    if kind == "ntfs":
        image = folder.with_suffix(".image")
        with image.open("wb") as file:
            file.truncate(16 << 20)
        _run(["mkntfs", "-q", "-F", "-f", str(image)])
        folder.mkdir()
        _run(["lowntfs-3g", "-o", "ignore_case", str(image), str(folder)])
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)
        return
    with disk(folder, kind):
        if kind == "casefold":
            (folder / "blind").mkdir()
            _run(["chattr", "+F", str(folder / "blind")])
            yield folder / "blind"
        else:
            yield folder


@contextmanager
def flagged(path: Path, flag: str) -> Iterator[Path]:
    """Have a flag of chattr(1) on a file or folder: "i" for immutable, "a" for append-only."""
    _run(["chattr", f"+{flag}", str(path)])
    try:
        yield path
    finally:
        subprocess.run(["chattr", f"-{flag}", path], check=True)


def _run(command: list[str]) -> None:
    """Run a command, or skip the test where there is none or it may not be."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"{' '.join(command)}: {done.stderr.strip()}")
