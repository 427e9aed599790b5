"""What the user decides of runs: which one is in use, which go, what their clusters are called."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.errors import Refused, UsageError
from vidindex.heeding import tell_broken
from vidindex.placing import PlaceResult, place
from vidindex.querying import choose_run
from vidindex.reporting import Reporter
from vidindex.store import clusterings, moves
from vidindex.store.clusterings import Name, StoredRun

NAME_LENGTH = 100
_UNNAMEABLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")  # parts of emoji and of some scripts, though of category Cf


@dataclass(frozen=True)
class UseResult:
    """The run that is in use now, the number of the one before, and what it had to take in."""

    run: StoredRun
    before: int
    placed: PlaceResult


@dataclass(frozen=True)
class RemoveResult:
    """The runs that are gone, and the one that is in use now, if one is left."""

    removed: tuple[int, ...]
    in_use: StoredRun | None


@dataclass(frozen=True)
class NameResult:
    """What a cluster is called now, and what it was called before; None where it has no name."""

    run: int
    label: int
    name: str | None
    before: str | None


def use(library: Path, run: int, *, reporter: Reporter, wait: bool = False) -> UseResult:
    """Make a run the one in use, and place the videos in it that came since.

    wait: until another vidindex has finished.

    Raises:
        Refused: there is no such run.
    """
    schema.require(library)
    with schema.open_for_writing(library, reporter.notice, wait=wait) as database:
        with database.writing() as session:
            chosen, before = choose_run(session, run), choose_run(session, None)
            clusterings.put_to_use(session, chosen.id, now=datetime.now(UTC))
        placed = place(database, chosen)
        with database.reading() as session:
            tell_broken(session, chosen.id, reporter)
    return UseResult(chosen, before.id, placed)


def remove_runs(
    library: Path,
    runs: Collection[int],
    *,
    reporter: Reporter,
    force: bool = False,
    wait: bool = False,
) -> RemoveResult:
    """Forget runs, with their labels and names; all of them or, on an error, none.

    force: also the one in use; the one that was in use before it is so again.

    Raises:
        Refused: there is no such run, it is in use, or an unfinished apply or undo needs it.
    """
    with schema.changing(library, reporter.notice, wait=wait) as session:
        for run in runs:
            _require_removable(session, run, force=force)
        for run in set(runs):
            clusterings.drop_run(session, run)
        left = clusterings.list_runs(session)
        in_use = choose_run(session, None) if left else None
    return RemoveResult(tuple(sorted(set(runs))), in_use)


def name_cluster(
    library: Path,
    label: int,
    text: str | None,
    *,
    reporter: Reporter,
    run: int | None = None,
    wait: bool = False,
) -> NameResult:
    """Give a cluster the user's name, which stays with it in later runs, or None: no name.

    run: the one in use by default.

    Raises:
        UsageError: the name is empty, too long, or has characters that no line of text has.
        Refused: there is no such run or label, or another of its clusters has this name.
    """
    name = None if text is None else Name(checked_name(text), "user")
    with schema.changing(library, reporter.notice, wait=wait) as session:
        chosen = choose_run(session, run)
        clusters = {each.label: each for each in clusterings.list_clusters(session, chosen.id)}
        if label not in clusters:
            raise Refused(f"run {chosen.id} has no label {label}", "vidindex name lists its labels")
        for other in clusters.values():
            if name and other.name and other.label != label and _is_like(other.name, name.text):
                raise Refused(
                    f"cluster {other.label} of run {chosen.id} is called {other.name} already",
                    f"choose another name, or first: vidindex name {other.label} --clear",
                )
        clusterings.set_name(session, chosen.id, label, name)
    return NameResult(chosen.id, label, None if name is None else name.text, clusters[label].name)


def checked_name(text: str) -> str:
    """Return a name in its usual Unicode form, without blanks around it.

    Raises:
        UsageError: it is empty, too long, or has characters that no line of text has.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise UsageError("a name is empty", "vidindex name LABEL --clear takes a name away")
    for character in name:
        if unicodedata.category(character) in _UNNAMEABLE_CATEGORIES - (
            {"Cf"} if character in _JOINERS else set()
        ):
            raise UsageError(
                f"a name cannot have the character U+{ord(character):04X}",
                "a name is one line of readable text",
            )
    if len(name) > NAME_LENGTH:
        raise UsageError(
            f"a name has at most {NAME_LENGTH} characters, not {len(name)}", "choose a shorter one"
        )
    return name


def _is_like(one: str, other: str) -> bool:
    """Whether two names are the same on a disk that is blind to case."""
    return unicodedata.normalize("NFC", one).casefold() == other.casefold()


def _require_removable(session: Session, number: int, *, force: bool) -> None:
    run = choose_run(session, number)
    for batch in moves.list_batches(session):
        if batch.run == run.id and batch.state != "finished":
            raise Refused(
                f"run {run.id} is what the unfinished batch {batch.id} ({batch.kind}) goes by",
                f"finish it: run {batch.kind} again, or undo it: vidindex undo",
            )
    if run.id == choose_run(session, None).id and not force:
        raise Refused(
            f"run {run.id} is in use", "choose another with vidindex use RUN, or add --force"
        )
