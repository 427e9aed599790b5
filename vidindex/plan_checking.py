"""Look whether a stored plan is one of this library's, and what of it still holds."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace
from pathlib import Path

from sqlalchemy.orm import Session

from vidindex.disk_errors import TargetTaken
from vidindex.errors import ChangedError, ItemError, Refused
from vidindex.hashing import confirm_content, holds_content
from vidindex.links import read_link
from vidindex.places import exists
from vidindex.plan_files import PlanFile
from vidindex.planning import Plan
from vidindex.reporting import Problem
from vidindex.store import files, moves
from vidindex.store.moves import PlannedMove

_WRITE_AGAIN = "write it again with this library: vidindex apply DEST --plan FILE"


def require_own(session: Session, file: Path, plan: PlanFile) -> None:
    """Make sure that a plan is about contents and links that this library knows.

    Raises:
        Refused: it is not, as another library wrote it.
    """
    contents = {known.blake3 for known in files.list_files(session)}
    links = {
        (link.id, link.target, link.source) for link in moves.list_links(session, plan.destination)
    }
    _require_known(file, plan, contents)
    for move in plan.moves:
        if move.undoes_move is None and move.action != "unlink":
            continue
        if (move.undoes_move, move.stat.path, move.target) not in links:
            raise Refused(
                f"the plan {file} removes {move.stat.path}, which is no link of this library's",
                _WRITE_AGAIN,
            )


def _require_known(file: Path, plan: PlanFile, contents: set[bytes | None]) -> None:
    leads = [move for move in plan.moves if not move.is_sidecar]
    unknown = [move.stat.path for move in leads if move.blake3 not in contents]
    if unknown:
        raise Refused(
            f"this library does not know {len(unknown)} of the {len(leads)} contents of the plan "
            f"{file}, as that of {unknown[0]}",
            _WRITE_AGAIN,
        )


def check_again(moves: Iterable[PlannedMove]) -> Plan:
    """Make a plan of moves that were planned before; what does not hold any more is a problem.

    Those that were made since, as by a run of the plan that was stopped, are in place.
    """
    in_place = 0
    kept: list[PlannedMove] = []
    problems: list[Problem] = []
    freed: set[Path] = set()
    lead_is_kept = True
    for move in moves:
        try:
            if _is_made(move):
                in_place += 1
            elif move.is_sidecar and not lead_is_kept:
                raise ChangedError("its video is not moved", "plan again")
            else:
                kept.append(_check_again(move, freed))
            is_kept = True
        except ItemError as error:
            problems.append(Problem.of(move.stat.path, error))
            is_kept = False
        if move.action == "unlink" and is_kept:
            freed.add(move.stat.path)
        if not move.is_sidecar:
            lead_is_kept = is_kept
    return Plan(tuple(kept), tuple(problems), in_place)


def _is_made(move: PlannedMove) -> bool:
    """Whether what a move is to bring about is so already."""
    source, target = move.stat.path, move.target
    if move.action == "unlink":
        return not exists(source)
    if move.action == "symlink":
        return read_link(target) == source
    if move.action == "move" and exists(source):
        return False
    return exists(target) and holds_content(target, move.stat.size_bytes, move.blake3)


def _check_again(move: PlannedMove, freed: Container[Path]) -> PlannedMove:
    source = move.stat.path
    if move.action == "unlink":
        if read_link(source) != move.target:
            raise ChangedError("it is not the link that was planned for", "plan again")
        return move
    stat = confirm_content(move.stat, move.blake3)
    if move.target not in freed and exists(move.target):
        raise TargetTaken(f"its target {move.target} is taken now", "plan again")
    return replace(move, stat=stat)
