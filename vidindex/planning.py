"""Where each file should go: the plan of an apply or an undo. Looks, changes nothing."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import MappingProxyType

from vidindex.errors import ChangedError, ItemError, Refused
from vidindex.freenames import clash_key, free_name
from vidindex.hashing import hash_file, stat_file
from vidindex.reporting import Problem
from vidindex.scanning import FileStat
from vidindex.store.clusterings import LabelledFile
from vidindex.store.moves import JournalledMove, PlannedMove

RESERVE_BYTES = 64 << 20  # what a plan leaves free on a disk that it copies to


@dataclass(frozen=True)
class Plan:
    """Moves in their order, and the files that cannot be moved.

    in_place: how many files lie where they should already.
    """

    moves: tuple[PlannedMove, ...]
    problems: tuple[Problem, ...]
    in_place: int = 0


def plan_apply(
    files: Sequence[LabelledFile],
    destination: Path,
    folders: Mapping[int, PurePath] = MappingProxyType({}),
) -> Plan:
    """Plan ``destination/cluster_<label>/<name>`` for each file.

    folders: by label, where in the destination the files go instead.

    Names that exist, or that two files would share (also on disks blind to case or to Unicode
    forms), get " (2)" and so on before the suffix, here already, so that a dry run tells what a
    run does.
    """
    taken: set[str] = set()
    moves: list[PlannedMove] = []
    problems: list[Problem] = []
    in_place = 0
    for file in files:
        source = file.stat.path
        if file.label is None:
            folder = destination / "unsorted"
        else:
            folder = destination / folders.get(file.label, f"cluster_{file.label}")
        if source.parent == folder:
            in_place += 1
            continue
        try:
            stat = _still_holds(file.stat, file.blake3)
            target = free_name(folder / source.name, taken.__contains__)
        except ItemError as error:
            problems.append(Problem.of(source, error))
            continue
        taken.add(clash_key(target))
        moves.append(PlannedMove(stat, file.blake3, target))
    return Plan(tuple(moves), tuple(problems), in_place)


def plan_undo(done: Sequence[JournalledMove]) -> Plan:
    """Plan the way back of each file. It keeps edits made since; a taken old place is refused."""
    moves: list[PlannedMove] = []
    problems: list[Problem] = []
    for move in done:
        try:
            stat, blake3 = _identify_moved(move)
            if os.path.lexists(move.source):
                raise ItemError(
                    f"its old place {move.source} is taken", "move that away and undo again"
                )
        except ItemError as error:
            problems.append(Problem.of(move.target, error))
            continue
        moves.append(PlannedMove(stat, blake3, move.source, undoes_move=move.id))
    return Plan(tuple(moves), tuple(problems))


def require_room(plan: Plan) -> None:
    """Refuse a plan that cannot work as a whole, before its first move.

    Raises:
        Refused: a target's folder is a file or may not be written, or a disk has too little room.
    """
    needed_bytes: Counter[Path] = Counter()
    for move in plan.moves:
        ground = existing_ancestor(move.target.parent)
        needed_bytes[ground] += move.stat.size_bytes * (move.stat.device != _device(ground))
    for ground, needed in needed_bytes.items():
        if not ground.is_dir():
            raise Refused(f"{ground} is not a folder", "choose another destination")
        if not os.access(ground, os.W_OK | os.X_OK):
            raise Refused(f"the folder {ground} cannot be written", "check its rights")
        free = shutil.disk_usage(ground).free
        if needed and free < needed + RESERVE_BYTES:
            raise Refused(
                f"the disk of {ground} has too little room: {needed} bytes are to be copied there, "
                f"{free} are free",
                "make room or choose another destination; nothing was moved",
            )


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


def _device(path: Path) -> int:
    return FileStat.of(path, path.lstat()).device


def _still_holds(known: FileStat, blake3: bytes) -> FileStat:
    """Return a file's present stat if it still holds a content; reads it only if it was touched.

    Raises:
        ChangedError: it holds another content, or is gone.
        UnreadableError: it cannot be read.
    """
    stat = stat_file(known.path)
    if stat == known:
        return stat
    stat, found = hash_file(known.path)
    if found != blake3:
        raise ChangedError("it changed since it was indexed", "index it again")
    return stat


def _identify_moved(move: JournalledMove) -> tuple[FileStat, bytes]:
    """Return stat and content of a moved file, if what lies at its target is still that file.

    Raises:
        ChangedError: another file lies there, or none.
        UnreadableError: it cannot be read.
    """
    stat = stat_file(move.target)
    if stat == move.stat_at(move.target):
        return stat, move.blake3
    is_same_inode = (stat.device, stat.inode) == (move.stat.device, move.stat.inode)
    stat, found = hash_file(move.target)
    if not is_same_inode and found != move.blake3:
        raise ChangedError("another file lies there now", "look at it; it was left alone")
    return stat, found
