"""What moves did, or would do, in a line: for people, after or before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidindex.cli.tables import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from vidindex.moving import MoveOutcome, MoveResult
    from vidindex.planning import Plan
    from vidindex.store.moves import Action, Mode

_Noun = tuple[str, str]  # one, and several
_FILES: _Noun = ("file", "files")
_LINKS: _Noun = ("link", "links")
_HARD_LINKS: _Noun = ("hard link", "hard links")
_COPIES: _Noun = ("copy", "copies")
_APPLIED: dict[Mode, tuple[_Noun, str]] = {
    "move": (_FILES, "moved"),
    "copy": (_FILES, "copied"),
    "hardlink": (_HARD_LINKS, "made"),
    "symlink": (_LINKS, "made"),
    "reflink": (_FILES, "cloned"),
    "reflink-auto": (_FILES, "cloned or copied"),
}
_UNDONE: dict[Action, tuple[_Noun, str]] = {
    "move": (_FILES, "put back"),
    "remove": (_COPIES, "removed"),
    "unlink": (_LINKS, "removed"),
    "symlink": (_LINKS, "made again"),
    "copy": (_FILES, "copied again"),
    "hardlink": (_HARD_LINKS, "made again"),
    "reflink": (_FILES, "cloned again"),
}
_QUESTIONS: dict[Action, tuple[str, _Noun]] = {
    "move": ("move", _FILES),
    "copy": ("copy", _FILES),
    "hardlink": ("make", _HARD_LINKS),
    "symlink": ("make", _LINKS),
    "reflink": ("clone", _FILES),
    "unlink": ("remove", _LINKS),
    "remove": ("remove", _COPIES),
}


def applied(outcomes: Collection[MoveOutcome], mode: Mode, *, is_plan: bool = False) -> str:
    """Return "12 files moved, 3 sidecars went along", or what would be done.

    outcomes: those that count, sidecars too.
    """
    would_be, go = ("would be ", "would go") if is_plan else ("", "went")
    leads = [outcome for outcome in outcomes if not outcome.is_sidecar]
    gone = sum(outcome.action == "unlink" for outcome in leads)
    noun, done = _APPLIED[mode]
    parts = [f"{counted(len(leads) - gone, *noun)} {would_be}{done}"]
    if along := len(outcomes) - len(leads):
        parts.append(f"{counted(along, 'sidecar')} {go} along")
    if gone:
        parts.append(f"{counted(gone, 'old link')} {would_be}removed")
    return ", ".join(parts)


def undone(outcomes: Iterable[MoveOutcome], mode: Mode, *, is_plan: bool = False) -> str:
    """Return "12 files put back", "3 copies removed, 1 link made again", or what would be done.

    mode: of the batch that is undone.
    """
    would_be = "would be " if is_plan else ""
    counts: dict[tuple[_Noun, str], int] = {}
    for outcome in outcomes:
        noun, done = _UNDONE[outcome.action]
        if outcome.action == "remove" and mode == "hardlink":
            noun = _HARD_LINKS
        counts[noun, done] = counts.get((noun, done), 0) + 1
    counts = counts or {_UNDONE["move"]: 0}
    return ", ".join(
        f"{counted(count, *noun)} {would_be}{done}" for (noun, done), count in counts.items()
    )


def question(plan: Plan) -> str:
    """Return "Copy 12 files and 3 sidecars like this?"."""
    counts: dict[tuple[str, _Noun], int] = {}
    for move in plan.moves:
        if not move.is_sidecar:
            asked = _QUESTIONS[move.action]
            counts[asked] = counts.get(asked, 0) + 1
    parts = [f"{verb} {counted(count, *noun)}" for (verb, noun), count in counts.items()]
    if along := sum(move.is_sidecar for move in plan.moves):
        parts.append(f"{'' if parts else 'move '}{counted(along, 'sidecar')}")
    text = " and ".join(parts)
    return f"{text[:1].upper()}{text[1:]} like this?"


def remainder(result: MoveResult) -> list[str]:
    """Return a line for each kind of files that were left."""
    lines = []
    if result.was_stopped:
        lines.append("stopped before the end: run it again to go on, or undo")
    if result.in_place:
        lines.append(f"{counted(result.in_place, 'file')} in place already")
    if result.same:
        lines.append(f"{counted(result.same, 'file')} left: the same content is there already")
    if left := len(result.problems):
        lines.append(f"{counted(left, 'file')} left alone")
    return lines
