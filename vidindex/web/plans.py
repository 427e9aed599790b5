"""Moves as a plan that is looked at first, and that is carried out just as it was seen."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from vidindex.errors import Refused, UsageError
from vidindex.escaping import printable
from vidindex.library import Library
from vidindex.moving import Control, MoveOutcome, MoveResult
from vidindex.planning import Conflict, Plan
from vidindex.reporting import Silence
from vidindex.store.moves import Action, Mode
from vidindex.web.answers import Json, problems_data
from vidindex.web.jobs import Job

KEPT = 8
FILES_SHOWN = 50  # of a folder; its count tells how many there are
_DIGITS = re.compile("([0-9]+)")

Step = tuple[Path, Path, Action, bool]  # source, target, action, whether it is a sidecar


@dataclass(frozen=True)
class Wish:
    """How the files of a run are to be sorted; see `Library.apply`."""

    destination: str
    run: int | None = None
    mode: Mode = "move"
    template: str | None = None
    on_conflict: Conflict = "rename"
    tree_depth: int = 0

    @classmethod
    def of(cls, asked: Json) -> Wish:
        """Take it from what a page has sent.

        Raises:
            UsageError: something is missing, or is not of its kind.
        """
        wish = cls(
            _text(asked, "destination"),
            _number(asked, "run"),
            cast(Mode, _one_of(asked, "mode", get_args(Mode), "move")),
            None if asked.get("template") in (None, "") else _text(asked, "template"),
            cast(Conflict, _one_of(asked, "on_conflict", get_args(Conflict), "rename")),
            _number(asked, "tree_depth") or 0,
        )
        if not wish.destination.startswith(("/", "~")):
            raise UsageError(
                f"{wish.destination!r} is no whole path",
                "name the folder from the top: /home/me/Sorted, or ~/Sorted",
            )
        return wish


@dataclass(frozen=True)
class SeenPlan:
    """A plan as it was shown: the run that it goes by, and its steps in their order."""

    wish: Wish
    steps: tuple[Step, ...]


class Plans:
    """The plans that were shown last."""

    def __init__(self) -> None:
        self._seen: dict[int, SeenPlan] = {}
        self._keeping = threading.Lock()

    def keep(self, plan: SeenPlan) -> int:
        """Keep a plan and return its number."""
        with self._keeping:
            number = max(self._seen, default=0) + 1
            self._seen[number] = plan
            self._seen.pop(number - KEPT, None)
        return number

    def require(self, number: int) -> SeenPlan:
        """Return the plan of a number.

        Raises:
            Refused: there is none.
        """
        found = self._seen.get(number)
        if found is None:
            raise Refused("there is no such plan any more", "look at the plan again")
        return found


def look(library: Library, wish: Wish, plans: Plans) -> Json:
    """Plan what is wished, and return it as a tree. Nothing is changed."""
    known = library.labels(wish.run)
    run, sizes = known.run.id, {row.stat.path: row.stat.size_bytes for row in known.rows}
    result = _apply(library, wish, run, Control(Silence()), dry_run=True)
    steps = tuple(
        (outcome.source, outcome.target, outcome.action, outcome.is_sidecar)
        for outcome in result.outcomes
    )
    number = plans.keep(SeenPlan(Wish(**(vars(wish) | {"run": run})), steps))
    counts = Counter(outcome.action for outcome in result.outcomes)
    others = {"in_place": result.in_place, "same": result.same, "problems": len(result.problems)}
    root = Path(wish.destination) if result.destination is None else result.destination
    return {
        "plan": number,
        "run": run,
        "root": printable(root),
        "tree": _tree(root, result.outcomes, sizes),
        "counts": counts | others,
        "copy_bytes": sum(room.needed_bytes for room in result.room),
        "free_bytes": min((room.free_bytes for room in result.room), default=None),
        "problems": problems_data(result.problems),
    }


def carry_out(library: Library, seen: SeenPlan, job: Job) -> Json:
    """Make the moves of a plan that was seen.

    Raises:
        Refused: other moves would be made now; nothing was changed.
    """

    def confirm(plan: Plan) -> bool:
        moves = [(move.stat.path, move.target, move.action, move.is_sidecar) for move in plan.moves]
        # A cut-off run may have left sidecars behind, which are no part of what was shown.
        known = set(seen.steps)
        if [step for step in moves if step in known or not step[-1]] != list(seen.steps):
            raise Refused(
                "the files or the clusters have changed since the plan was shown",
                "nothing was moved: look at the plan again",
            )
        return True

    control = Control(job, confirm, job.stop.is_set)
    result = _apply(library, seen.wish, seen.wish.run, control, dry_run=False)
    return move_data(result)


def take_back(library: Library, batch: int | None, job: Job) -> Json:
    """Undo a batch, or the newest that can be."""
    result = library.undo(batch, control=Control(job, stopping=job.stop.is_set))
    return move_data(result) | {"restored": result.count("done")}


def move_data(result: MoveResult) -> Json:
    """Return what became of a run of moves."""
    return {
        "batch": result.batch,
        "moved": result.count("done"),
        "skipped": result.count("skipped") + result.not_planned,
        "failed": result.count("failed", "both"),
        "stopped": result.was_stopped,
        "problems": problems_data(result.problems),
    }


def _apply(
    library: Library, wish: Wish, run: int | None, control: Control, *, dry_run: bool
) -> MoveResult:
    return library.apply(
        wish.destination,
        run=run,
        tree_depth=wish.tree_depth,
        mode=wish.mode,
        template=wish.template,
        on_conflict=wish.on_conflict,
        dry_run=dry_run,
        control=control,
    )


def _tree(root: Path, outcomes: Sequence[MoveOutcome], sizes: Mapping[Path, int]) -> Json:
    top = _folder(printable(root))
    for outcome in outcomes:
        if outcome.action == "unlink":
            continue
        folder, size = top, sizes.get(outcome.source, 0)  # a sidecar's is not known, and small
        _count(folder, size)
        for name in outcome.target.relative_to(root).parts[:-1]:
            folder = folder["folders"].setdefault(name, _folder(printable(name)))
            _count(folder, size)
        folder["files"].append(
            {"name": printable(outcome.target.name), "from": printable(outcome.source)}
        )
    return _in_order(top)


def _folder(name: str) -> Json:
    return {"name": name, "folders": {}, "files": [], "count": 0, "bytes": 0}


def _count(folder: Json, size_bytes: int) -> None:
    folder["count"] += 1
    folder["bytes"] += size_bytes


def _in_order(folder: Json) -> Json:
    """Sort a folder's names as people do, cluster_9 before cluster_10, and cut a long one short."""
    files = sorted(folder["files"], key=lambda file: _natural(file["name"]))
    below: Iterable[Json] = (_in_order(each) for each in folder["folders"].values())
    folders = sorted(below, key=lambda each: _natural(each["name"]))
    return folder | {"folders": folders, "files": files[:FILES_SHOWN]}


def _natural(name: str) -> tuple[list[Any], str]:
    parts: list[Any] = list(_DIGITS.split(name))
    parts[1::2] = [int(digits) for digits in parts[1::2]]
    return parts, name


def _text(asked: Json, key: str) -> str:
    value = asked.get(key)
    if not isinstance(value, str) or not value or "\0" in value:
        raise UsageError(f"{key} is no text", "")
    return value


def _number(asked: Json, key: str) -> int | None:
    value = asked.get(key)
    if value is not None and (type(value) is not int or not 0 <= value < 1 << 63):
        raise UsageError(f"{key} is no number", "")
    return value


def _one_of(asked: Json, key: str, allowed: Sequence[str], default: str) -> str:
    value = asked.get(key) or default
    if value not in allowed:
        raise UsageError(f"{key} is none of {', '.join(allowed)}", "")
    return cast(Literal["move"], value)
