"""What differs between two runs. Opens no video, imports no scikit-learn."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.errors import Refused
from vidindex.lineage import Change, compare
from vidindex.querying import choose_run
from vidindex.store import clusterings
from vidindex.store.clusterings import UNSORTED, StoredRun


@dataclass(frozen=True)
class MovedFile:
    """A file whose label differs between two runs; None: in no cluster."""

    path: Path
    before: int | None
    after: int | None


@dataclass(frozen=True)
class DiffAnswer:
    """How one run differs from another.

    changes: what became of the clusters. names: of the labels of either run that have one. moved:
    the files that are there and whose label differs, by path. stay: how many videos have the same
    label; move: how many another; only_before, only_after: how many are in one run only.
    """

    before: StoredRun
    after: StoredRun
    changes: tuple[Change, ...]
    names_before: dict[int, str]
    names_after: dict[int, str]
    moved: tuple[MovedFile, ...]
    stay: int
    move: int
    only_before: int
    only_after: int


def get_diff(library: Path, before: int | None = None, after: int | None = None) -> DiffAnswer:
    """Compare a run with another: by default the one in use with the one before it.

    Raises:
        Refused: there is no such run, or there is only one.
    """
    with schema.open_for_reading(library) as database, database.reading() as session:
        second = choose_run(session, after)
        first = choose_run(session, _previous(session, second) if before is None else before)
        labels = [clusterings.load_labels(session, run.id) for run in (first, second)]
        names = [
            {
                each.label: each.name
                for each in clusterings.list_clusters(session, run.id)
                if each.name is not None
            }
            for run in (first, second)
        ]
        files = clusterings.list_labelled_files(session, second.id)
        old = {
            row.stat.path: row.label for row in clusterings.list_labelled_files(session, first.id)
        }
    in_both = labels[0].keys() & labels[1].keys()
    stay = sum(labels[0][number] == labels[1][number] for number in in_both)
    videos = sorted(labels[0].keys() | labels[1].keys())
    return DiffAnswer(
        before=first,
        after=second,
        changes=tuple(compare(_in_order(labels[0], videos), _in_order(labels[1], videos))),
        names_before=names[0],
        names_after=names[1],
        moved=tuple(
            sorted(
                (
                    MovedFile(row.stat.path, old[row.stat.path], row.label)
                    for row in files
                    if row.stat.path in old and old[row.stat.path] != row.label
                ),
                key=lambda file: os.fsencode(file.path),  # quicker than by parts
            )
        ),
        stay=stay,
        move=len(in_both) - stay,
        only_before=len(labels[0]) - len(in_both),
        only_after=len(labels[1]) - len(in_both),
    )


def _previous(session: Session, run: StoredRun) -> int:
    """Return the run that another was matched with, or else the one that was in use before it."""
    if run.previous_id is not None:
        return run.previous_id
    used = clusterings.list_used(clusterings.list_runs(session), run.recipe_id)
    others = [other for other in used if other.id != run.id]
    if not others:
        raise Refused(
            f"run {run.id} is the only one",
            "make another to compare it with: vidindex cluster -k 9",
        )
    return others[0].id


def _in_order(by_video: dict[int, int], videos: Sequence[int]) -> NDArray[np.intp]:
    return np.array([by_video.get(number, UNSORTED) for number in videos], dtype=np.intp)
