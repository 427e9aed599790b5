"""Which file is to go where: the plan of an apply. Looks, changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Literal

from vidindex.disk_errors import TargetTaken
from vidindex.errors import ItemError, Refused
from vidindex.freenames import candidate_names, clash_key
from vidindex.hashing import confirm_content, hash_file, holds_content
from vidindex.links import read_link
from vidindex.places import exists
from vidindex.reporting import Problem
from vidindex.scanning import FileStat
from vidindex.sidecars import find_sidecars, follow_name
from vidindex.store.clusterings import LabelledFile
from vidindex.store.moves import Action, JournalledMove, Mode, PlannedMove
from vidindex.templates import Template, Value

Conflict = Literal["rename", "skip", "fail", "same"]
UNSORTED_FOLDER = "unsorted"


@dataclass(frozen=True)
class Manner:
    """How files come to their targets.

    on_conflict: what is done where a name is taken: the next free one is used, the file is
        skipped, the whole plan fails; same: identical content there counts as done, or else rename.
    template: None for ``{cluster}/`` and the file's own name, whatever that is.
    sidecars: suffixes of the files that go along. prune_empty: folders that it empties go.
    """

    mode: Mode = "move"
    on_conflict: Conflict = "rename"
    template: Template | None = None
    sidecars: tuple[str, ...] = ()
    prune_empty: bool = False

    @property
    def action(self) -> Action:
        """What is done with each file."""
        return "reflink" if self.mode == "reflink-auto" else self.mode


@dataclass(frozen=True)
class Plan:
    """Moves in their order, each sidecar after its video, and the files that cannot be moved.

    in_place: how many files are where they should be already. same: how many were found there
    with another name's identical content, and are left where they are.
    """

    moves: tuple[PlannedMove, ...]
    problems: tuple[Problem, ...]
    in_place: int = 0
    same: int = 0


@dataclass(frozen=True)
class Standing:
    """What earlier batches have made and nothing has taken away: symbolic links, and copies."""

    links: tuple[JournalledMove, ...] = ()
    copies: frozenset[Path] = frozenset()


def plan_apply(
    files: Sequence[LabelledFile],
    destination: Path,
    manner: Manner = Manner(),
    *,
    folders: Mapping[int, PurePath] = MappingProxyType({}),
    standing: Standing = Standing(),
) -> Plan:
    """Plan a place below the destination for each file.

    folders: by label, where in the destination the files go instead of ``cluster_<label>``.
    standing: links of a view that is to be brought up to date, and copies, which are no sources.

    Names that exist, or that two files would share (also on disks blind to case or to Unicode
    forms), get " (2)" and so on before the suffix, here already, so that a dry run tells what a
    run does.

    Raises:
        Refused: a name is taken, and the manner is to fail then.
    """
    planner = _Planner(destination, manner, folders, standing)
    return planner.plan(files)


class _Planner:
    def __init__(
        self,
        destination: Path,
        manner: Manner,
        folders: Mapping[int, PurePath],
        standing: Standing,
    ) -> None:
        self._destination = destination
        self._manner = manner
        self._folders = folders
        self._copies = standing.copies if manner.mode != "move" else frozenset()
        # The own links that are still as they were made: their names are free for this plan.
        self._links = {
            link.target: link
            for link in (standing.links if manner.mode == "symlink" else ())
            if read_link(link.target) == link.source
        }
        self._taken: set[str] = set()
        self._moves: list[PlannedMove] = []
        # Sidecars of what is there already: before all videos, so that they follow none of these.
        self._missing: list[PlannedMove] = []
        self._problems: list[Problem] = []
        self._in_place = 0
        self._same = 0

    def plan(self, files: Sequence[LabelledFile]) -> Plan:
        sources = [file for file in files if file.stat.path not in self._copies]
        sidecars = find_sidecars([file.stat.path for file in sources], self._manner.sidecars)
        for file in sources:
            try:
                self._add(file, sidecars.get(file.stat.path, ()))
            except ItemError as error:
                self._problems.append(Problem.of(file.stat.path, error))
        if self._manner.mode == "symlink":
            self._update_view()
        moves = (*self._missing, *self._moves)
        return Plan(moves, tuple(self._problems), self._in_place, self._same)

    def _add(self, file: LabelledFile, sidecars: Sequence[Path]) -> None:
        wanted = self._destination / self._place_of(file)
        if wanted == file.stat.path:
            self._in_place += 1
            self._taken.add(clash_key(wanted))
            return
        stat = confirm_content(file.stat, file.blake3)
        target = self._find_name(stat, file.blake3, wanted, sidecars)
        if target is None:
            return
        self._note(PlannedMove(stat, file.blake3, target, action=self._manner.action))
        for sidecar in sidecars:
            self._add_sidecar(sidecar, follow_name(sidecar, stat.path, target), self._moves)

    def _add_sidecar(self, sidecar: Path, target: Path, moves: list[PlannedMove]) -> None:
        try:
            stat, blake3 = hash_file(sidecar)
        except ItemError as error:
            self._problems.append(Problem.of(sidecar, error))
            return
        self._taken.add(clash_key(target))
        moves.append(PlannedMove(stat, blake3, target, action=self._manner.action, is_sidecar=True))

    def _place_of(self, file: LabelledFile) -> PurePath:
        if file.label is None:
            folder = PurePath(UNSORTED_FOLDER)
        else:
            folder = self._folders.get(file.label, PurePath(f"cluster_{file.label}"))
        if self._manner.template is None:
            return folder / file.stat.path.name
        return self._manner.template.render(_describe(file, folder))

    def _find_name(
        self, stat: FileStat, blake3: bytes, wanted: Path, sidecars: Sequence[Path]
    ) -> Path | None:
        """Return the first name that is free for a file and for what goes along with it.

        None: the file has one of the names already, or its content lies there.
        """
        for candidate in candidate_names(wanted):
            if candidate == stat.path:
                self._in_place += 1
                self._taken.add(clash_key(candidate))
                return None
            if self._is_there(candidate, stat, blake3):
                self._complete(stat.path, candidate, sidecars)
                return None
            along = [follow_name(sidecar, stat.path, candidate) for sidecar in sidecars]
            taken = next((name for name in (candidate, *along) if not self._is_free(name)), None)
            if taken is None:
                return candidate
            if self._manner.on_conflict == "skip":
                raise TargetTaken(f"its target {taken} is taken", "it was left alone")
            if self._manner.on_conflict == "fail":
                raise Refused(
                    f"the target {taken} of {stat.path} is taken",
                    "nothing was moved; --on-conflict rename takes the next free name",
                )
        raise TargetTaken(f"{wanted} and all names like it are taken", "empty the folder")

    def _is_free(self, name: Path) -> bool:
        if clash_key(name) in self._taken:
            return False
        return name in self._links or not exists(name)

    def _is_there(self, name: Path, stat: FileStat, blake3: bytes) -> bool:
        """Whether the content lies under a name already, and may; notes it then."""
        mode = self._manner.mode
        if clash_key(name) in self._taken or name in self._links or not exists(name):
            return False
        if mode == "symlink":
            is_same = read_link(name) == stat.path
        elif mode == "move" and self._manner.on_conflict != "same":
            return False
        else:
            is_same = holds_content(name, stat.size_bytes, blake3)
        if is_same:
            self._taken.add(clash_key(name))
            self._same += mode == "move"
            self._in_place += mode != "move"
        return is_same

    def _complete(self, video: Path, there: Path, sidecars: Sequence[Path]) -> None:
        """Let sidecars follow that are missing beside a copy or a link that is there already."""
        if self._manner.mode == "move":
            return
        for sidecar in sidecars:
            target = follow_name(sidecar, video, there)
            if self._is_free(target):
                self._add_sidecar(sidecar, target, self._missing)

    def _note(self, move: PlannedMove) -> None:
        self._taken.add(clash_key(move.target))
        self._moves.append(move)

    def _update_view(self) -> None:
        """Keep the links that are right already; take away those that no file asks for."""
        wanted = {(move.target, move.stat.path) for move in self._moves}
        kept = {
            link.target for link in self._links.values() if (link.target, link.source) in wanted
        }
        self._in_place += sum(move.target in kept and not move.is_sidecar for move in self._moves)
        stale = [
            PlannedMove(
                FileStat.of(link.target, link.target.lstat()),
                link.blake3,
                link.source,
                undoes_move=link.id,
                action="unlink",
            )
            for link in self._links.values()
            if link.target not in kept
        ]
        self._moves = [*stale, *(move for move in self._moves if move.target not in kept)]


def _describe(file: LabelledFile, folder: PurePath) -> dict[str, Value]:
    path, info = file.stat.path, file.info
    label = UNSORTED_FOLDER if file.label is None else file.label
    try:
        changed = datetime.fromtimestamp(file.stat.mtime_ns / 1e9).astimezone()
    except (ValueError, OverflowError, OSError):  # a time that no calendar has
        changed = None
    hexadecimal = file.blake3.hex()
    return {
        "cluster": folder,
        "label": label,
        "name": file.name or folder.name,
        "stem": path.stem,
        "suffix": path.suffix,
        "hash": hexadecimal,
        "hash8": hexadecimal[:8],
        "size": file.stat.size_bytes,
        "duration": None if info is None or info.duration_s is None else int(info.duration_s),
        "width": None if info is None else info.width_px,
        "height": None if info is None else info.height_px,
        "codec": None if info is None else info.codec,
        "year": None if changed is None else changed.year,
        "month": None if changed is None else changed.month,
        "day": None if changed is None else changed.day,
        "source": path.parent.name,
    }
