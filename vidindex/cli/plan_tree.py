"""The tree of files and folders that an apply would make below its destination."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from vidindex.cli.escaping import printable
from vidindex.cli.move_texts import applied
from vidindex.cli.tables import counted, size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vidindex.moving import MoveOutcome, MoveResult

LONG_FOLDER = 20  # files of a folder that are shown, unless all are wanted
_INDENT = "  "
_DIGITS = re.compile("([0-9]+)")

_Place = tuple[str, ...]  # the names of the folders from the destination down


@dataclass
class _Lead:
    """A video, or a link that goes, with the sidecars that go along."""

    outcome: MoveOutcome
    sidecars: list[MoveOutcome] = field(default_factory=list)


def render(result: MoveResult, *, is_whole: bool = False) -> str:
    """Show a dry run's plan: what will lie where, from where it comes; counts; bytes to be copied.

    is_whole: long folders too are shown to their ends. Without planned moves there is no tree.
    """
    planned = [outcome for outcome in result.outcomes if outcome.state == "planned"]
    lines: list[str] = []
    if planned and result.destination is not None:
        lines += _tree(planned, result.destination, LONG_FOLDER if not is_whole else len(planned))
        lines.append("")
    lines.append(f"{applied(planned, result.mode, is_plan=True)}; nothing was changed")
    lines += [
        f"{size(room.needed_bytes)} to copy to {printable(room.ground)}, "
        f"{size(room.free_bytes)} free"
        for room in result.room
        if room.needed_bytes
    ]
    return "\n".join(lines)


def _tree(planned: Sequence[MoveOutcome], destination: Path, most: int) -> list[str]:
    folders = _by_folder(planned, destination)
    counts = _count(folders)
    lines = []
    for place in sorted(counts, key=lambda place: [_natural(name) for name in place]):
        name = place[-1] if place else str(destination)
        indent = _INDENT * len(place)
        lines.append(f"{indent}{printable(name)}  ({counted(counts[place], 'file')})")
        leads = sorted(folders.get(place, ()), key=lambda lead: _natural(_name(lead.outcome)))
        for lead in leads[:most]:
            lines.append(f"{indent}{_INDENT}{_line(lead.outcome)}")
            lines += [f"{indent}{_INDENT * 2}{_line(sidecar)}" for sidecar in lead.sidecars]
        if left := len(leads[most:]):
            lines.append(f"{indent}{_INDENT}… and {left} more")
    return lines


def _by_folder(planned: Sequence[MoveOutcome], destination: Path) -> dict[_Place, list[_Lead]]:
    folders: dict[_Place, list[_Lead]] = defaultdict(list)
    lead: _Lead | None = None
    for outcome in planned:
        if outcome.is_sidecar and lead is not None and not lead.outcome.is_sidecar:
            lead.sidecars.append(outcome)
            continue
        lead = _Lead(outcome)
        folders[_shown_at(outcome).relative_to(destination).parts[:-1]].append(lead)
    return folders


def _count(folders: dict[_Place, list[_Lead]]) -> Counter[_Place]:
    """Return how many files come to each folder, those in its subfolders too."""
    counts: Counter[_Place] = Counter()
    for place, leads in folders.items():
        coming = sum(lead.outcome.action != "unlink" for lead in leads)
        for depth in range(len(place) + 1):
            counts[place[:depth]] += coming
    return counts


def _shown_at(outcome: MoveOutcome) -> Path:
    return outcome.source if outcome.action == "unlink" else outcome.target


def _name(outcome: MoveOutcome) -> str:
    return _shown_at(outcome).name


def _line(outcome: MoveOutcome) -> str:
    name = printable(_name(outcome))
    if outcome.action == "unlink":
        return f"{name}  removed, a link to {printable(outcome.target)}"
    return f"{name}  <- {printable(outcome.source)}"


@cache
def _natural(name: str) -> tuple[list[str | int], str]:
    """Return a key that sorts cluster_10 after cluster_9."""
    parts: list[str | int] = list(_DIGITS.split(name))
    parts[1::2] = [int(digits) for digits in parts[1::2]]
    return parts, name
