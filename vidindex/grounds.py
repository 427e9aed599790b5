"""Where a plan stands: which of its folders are there, and how much room their disks have."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vidindex.clones import can_clone
from vidindex.errors import Refused
from vidindex.scanning import FileStat
from vidindex.store.moves import PlannedMove

RESERVE_BYTES = 64 << 20  # what a plan leaves free on a disk that it copies to


@dataclass(frozen=True)
class Room:
    """A folder on a disk where a plan makes files, and the bytes to be copied to that disk."""

    ground: Path
    needed_bytes: int
    free_bytes: int


def existing_ancestor(folder: Path) -> Path:
    """Return a folder, or the nearest above it that exists."""
    while not os.path.lexists(folder):
        folder = folder.parent
    return folder


def trusted_root(target: Path, destination: Path) -> Path:
    """Return the folder above a target that is trusted as it is named.

    Below the destination of an apply nothing may lead out of it, a symbolic link made meanwhile
    least of all. A file that goes back goes to where the library found it, by whatever way.
    """
    is_inside = target.is_relative_to(destination)
    return existing_ancestor(destination if is_inside else target.parent)


def require_room(moves: Sequence[PlannedMove]) -> tuple[Room, ...]:
    """Refuse a plan that cannot work as a whole, before its first move.

    Returns the room on each disk that something is copied to.

    Raises:
        Refused: a target's folder is a file or may not be written, a disk has too little room, or
            hard links are to lead to another disk.
    """
    grounds: dict[Path, Path] = {}
    disks: dict[int, Path] = {}  # by device, one folder on each
    needed_bytes: Counter[int] = Counter()
    for move in moves:
        if move.action in ("remove", "unlink"):
            continue
        folder = move.target.parent
        if folder not in grounds:
            grounds[folder] = existing_ancestor(folder)
            _require_writable(grounds[folder])
        ground = grounds[folder]
        device = FileStat.of(ground, ground.lstat()).device
        is_elsewhere = move.stat.device != device
        if move.action == "hardlink" and is_elsewhere:
            raise Refused(
                f"{move.stat.path} and {ground} are on two disks, which no hard link can join",
                "choose a destination on that disk, or --mode copy",
            )
        disks.setdefault(device, ground)
        needed_bytes[device] += move.stat.size_bytes * _is_copied(move, is_elsewhere=is_elsewhere)
    return tuple(_room(disks[device], needed) for device, needed in needed_bytes.items())


def require_clones(moves: Sequence[PlannedMove]) -> None:
    """Refuse a plan of clones for a disk that has none; tried with two files without a name.

    Raises:
        Refused: it has none, or a file is on another disk.
    """
    grounds = {existing_ancestor(move.target.parent) for move in moves}
    for ground in grounds:
        try:
            has_clones = can_clone(ground)
        except OSError as error:
            raise Refused(
                f"cannot make a clone in {ground}: {error.strerror}", "check the folder"
            ) from error
        if not has_clones:
            raise Refused(
                f"the disk of {ground} has no reflinks", "--mode reflink-auto copies instead"
            )


def _is_copied(move: PlannedMove, *, is_elsewhere: bool) -> bool:
    return move.action == "copy" or (move.action in ("move", "reflink") and is_elsewhere)


def _require_writable(ground: Path) -> None:
    if not ground.is_dir():
        raise Refused(f"{ground} is not a folder", "choose another destination")
    if not os.access(ground, os.W_OK | os.X_OK):
        raise Refused(f"the folder {ground} cannot be written", "check its rights")


def _room(ground: Path, needed: int) -> Room:
    free = shutil.disk_usage(ground).free
    if needed and free < needed + RESERVE_BYTES:
        raise Refused(
            f"the disk of {ground} has too little room: {needed} bytes are to be copied there, "
            f"{free} are free",
            "make room or choose another destination; nothing was moved",
        )
    return Room(ground, needed, free)
