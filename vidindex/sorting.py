"""Move new videos into the folders that the user arranged by hand, where it is sure enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from vidindex.arranging import (
    Arranged,
    find_arranged,
    find_space,
    list_unindexed,
    load_usable,
    no_vector,
)
from vidindex.config import Settings
from vidindex.errors import Refused, UsageError
from vidindex.moving import Control, MoveResult, Order, carry_out_plan
from vidindex.planning import Manner, Plan, plan_apply
from vidindex.proposals import propose
from vidindex.querying import choose_recipe
from vidindex.reporting import Problem, Reporter
from vidindex.spaces import Space
from vidindex.store import files
from vidindex.store.clusterings import LabelledFile
from vidindex.store.files import StoredFile


@dataclass(frozen=True)
class Proposal:
    """The folder that a video is proposed for, and how sure that is, from 0 to 1."""

    path: Path
    folder: Path
    confidence: float


@dataclass(frozen=True)
class SortResult:
    """What was moved, by which proposals, and what stays.

    proposals: of the videos that were to be moved; unsure: of those below the least confidence.
    known: how many stay as their contents are in a folder already.
    """

    moves: MoveResult
    proposals: tuple[Proposal, ...]
    unsure: tuple[Proposal, ...]
    known: int


@dataclass(frozen=True)
class SortRequest:
    """What to sort: the videos at or below inbox, into the subfolders of like.

    recipe: its number, where the library has vectors of several.
    """

    inbox: Path
    like: Path
    least_confidence: float
    recipe: int | None = None


def sort(
    library: Path,
    request: SortRequest,
    settings: Settings,
    control: Control,
    *,
    dry_run: bool = False,
) -> SortResult:
    """Move the videos of an inbox into the arranged folders whose videos they are like.

    A video goes to the folder with the nearest class mean if that is sure enough; unsure ones
    stay, and those whose contents are in a folder already.

    Raises:
        UsageError: the confidence is not from 0 to 1.
        Refused: as for `learn`, there is no inbox, or the plan cannot work; nothing was changed.
        SystemStopped: as for `moving.apply`.
    """
    if not 0 <= request.least_confidence <= 1:
        raise UsageError(
            f"a confidence is from 0 to 1, not {request.least_confidence:g}", "choose another --min"
        )
    if not request.inbox.exists():
        raise Refused(f"there is no {request.inbox}", "name the folder with the new videos")
    sorting = _Sorting(request, settings, control.reporter)
    moves = carry_out_plan(
        library,
        Order(request.like, lambda session: (None, sorting.plan(session)), sorting.manner),
        control,
        dry_run=dry_run,
        wait=settings.wait,
    )
    return SortResult(moves, tuple(sorting.sure), tuple(sorting.unsure), sorting.known)


class _Sorting:
    """Makes the plan of a sort, and keeps what else it finds out."""

    def __init__(self, request: SortRequest, settings: Settings, reporter: Reporter) -> None:
        self._request = request
        self._settings = settings
        self._reporter = reporter
        self.manner = Manner(sidecars=settings.to_sidecars())
        self.sure: list[Proposal] = []
        self.unsure: list[Proposal] = []
        self.known = 0

    def plan(self, session: Session) -> Plan:
        inbox, like = self._request.inbox, self._request.like
        recipe = choose_recipe(session, self._request.recipe).id
        is_inside = inbox != like and inbox.is_relative_to(like)
        arranged = find_arranged(
            session, like, recipe, self._settings, excluded=inbox if is_inside else None
        )
        if arranged.problems:
            count = len(arranged.problems)
            self._reporter.notice(
                f"{count} {'file' if count == 1 else 'files'} in {like} cannot count, as not "
                "indexed or without a vector: vidindex learn names them"
            )
        matrix = load_usable(session, recipe, inbox)
        present = [file for file in files.list_files(session, inbox) if file.missing_since is None]
        waiting = self._select_waiting(present, arranged, is_inside=is_inside)
        rows = {video: row for row, video in enumerate(matrix.video_ids)}
        new = [file for file in waiting if file.video_id in rows]
        problems = [no_vector(file.stat.path) for file in waiting if file.video_id not in rows]
        problems += self._list_unindexed(present, is_inside=is_inside)
        space = find_space(arranged.matrix.vectors, self._settings.normalize)
        vectors = matrix.vectors[[rows[file.video_id or 0] for file in new]]
        labelled = self._propose(new, vectors, arranged, space)
        folders = {number: PurePath(name) for number, name in enumerate(arranged.names)}
        plan = plan_apply(labelled, like, self.manner, folders=folders)
        return replace(plan, problems=(*problems, *plan.problems))

    def _select_waiting(
        self, present: Sequence[StoredFile], arranged: Arranged, *, is_inside: bool
    ) -> list[StoredFile]:
        """Return the files of the inbox that lie in no class, and whose contents are in none."""
        like = self._request.like
        outside = [
            file
            for file in present
            if is_inside or file.stat.path.parent == like or not file.stat.path.is_relative_to(like)
        ]
        arranged_ids = {*arranged.matrix.video_ids}
        waiting = [file for file in outside if file.video_id not in arranged_ids]
        self.known = len(outside) - len(waiting)
        return waiting

    def _list_unindexed(self, present: Sequence[StoredFile], *, is_inside: bool) -> list[Problem]:
        like = self._request.like
        return [
            problem
            for problem in list_unindexed(self._request.inbox, present, self._settings)
            if is_inside or problem.path.parent == like or not problem.path.is_relative_to(like)
        ]

    def _propose(
        self,
        new: Sequence[StoredFile],
        vectors: NDArray[np.float32],
        arranged: Arranged,
        space: Space,
    ) -> list[LabelledFile]:
        found = propose(
            space.place(arranged.matrix.vectors), arranged.classes, space.place(vectors)
        )
        labelled = []
        for file, best, confidence in zip(
            new, found.best.tolist(), found.confidence.tolist(), strict=True
        ):
            folder = self._request.like / arranged.names[best]
            proposal = Proposal(file.stat.path, folder, confidence)
            if confidence < self._request.least_confidence:
                self.unsure.append(proposal)
                continue
            self.sure.append(proposal)
            if file.blake3 is not None:
                labelled.append(LabelledFile(file.stat, file.blake3, best, None, 0.0))
        return labelled
