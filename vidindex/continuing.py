"""Which label, and which name, each cluster of a new run takes over from the runs before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from vidindex.lineage import (
    NO_LABEL,
    Churn,
    continue_labels,
    count_churn,
    fill_labels,
    find_contested,
)
from vidindex.store import clusterings
from vidindex.store.clusterings import Name, StoredRun

# Clusters that the run in use lacks come back from so many runs that were in use before it.
EARLIER_RUNS = 20


@dataclass(frozen=True)
class Continuation:
    """How a new run goes on from the one in use.

    previous: the number of that run, churn: what changes; None each if there is none.
    labels: (k,) of the new clusters. names: by label.
    """

    previous: int | None
    labels: NDArray[np.intp]
    names: dict[int, Name]
    churn: Churn | None


def continue_runs(
    session: Session,
    recipe_id: int,
    video_ids: Sequence[int],
    groups: NDArray[np.intp],
    k: int,
    *,
    fixed: Mapping[int, int] = MappingProxyType({}),
) -> Continuation:
    """Give k new clusters the labels and names of the like clusters of the recipe's run in use.

    video_ids, groups: n videos and their new clusters from 0 to k - 1, or NO_LABEL. A cluster that
    is like none of the run in use, but like one of the runs that were in use before it, gets that
    one's label and name back, if no run since has used the label. Others get the lowest label that
    the run in use does not have, and no name. fixed: labels that some new clusters must have.
    """
    labels = np.full(k, NO_LABEL, dtype=np.intp)
    labels[list(fixed)] = list(fixed.values())
    runs = clusterings.list_used(clusterings.list_runs(session), recipe_id)
    if not runs:
        fill_labels(labels, ())
        return Continuation(None, labels, {}, None)
    in_use, *earlier = runs
    by_video = clusterings.load_labels(session, in_use.id)
    before = _in_order(by_video, video_ids)
    origins = _find_origins(session, runs, find_contested(before, groups), video_ids)
    continue_labels(labels, before, groups, barred=[*fixed.values()], origins=origins)
    known = {each.label: each.given_name for each in clusterings.list_clusters(session, in_use.id)}
    names = {label: name for label in labels.tolist() if (name := known.get(label)) is not None}
    _revive(
        session,
        [run.id for run in earlier],
        (video_ids, groups),
        labels=labels,
        names=names,
        used={*known},
    )
    fill_labels(labels, known)
    churn = count_churn(
        before,
        np.where(groups == NO_LABEL, NO_LABEL, labels[groups]),
        is_new=np.array([video_id not in by_video for video_id in video_ids]),
        old_labels=known.keys(),
        new_labels=labels.tolist(),
    )
    return Continuation(in_use.id, labels, names, churn)


def _find_origins(
    session: Session, runs: Sequence[StoredRun], contested: set[int], video_ids: Sequence[int]
) -> list[NDArray[np.intp]]:
    """Return the labels of the runs in which some labels of the run in use were first there.

    Each is in the order of the videos, and tells only those of the labels that began in that run.
    """
    earlier = [run.id for run in runs[1 : 1 + EARLIER_RUNS]]
    known = clusterings.list_labels(session, earlier)
    began: dict[int, set[int]] = {}
    for label in contested:
        # A run between may lack the label: it was revived. Where a number was given anew instead,
        # the oldest run has other videos there, which are not among those that are contested.
        having = [run for run in earlier if label in known[run]]
        if having:
            began.setdefault(having[-1], set()).add(label)
    origins = []
    for run, labels in began.items():
        origin = _in_order(clusterings.load_labels(session, run), video_ids)
        origins.append(np.where(np.isin(origin, list(labels)), origin, NO_LABEL))
    return origins


def _revive(
    session: Session,
    earlier: Sequence[int],
    grouped: tuple[Sequence[int], NDArray[np.intp]],
    *,
    labels: NDArray[np.intp],
    names: dict[int, Name],
    used: set[int],
) -> None:
    """Give clusters without a label that of a like one of earlier runs, and its name, in place.

    grouped: the videos and their new clusters. used: labels of later runs.
    """
    video_ids, groups = grouped
    for run in earlier[:EARLIER_RUNS]:
        if NO_LABEL not in labels:
            return
        known = {each.label: each.given_name for each in clusterings.list_clusters(session, run)}
        if known.keys() <= used:
            continue
        is_open = labels == NO_LABEL
        before = _in_order(clusterings.load_labels(session, run), video_ids)
        continue_labels(labels, before, groups, barred=used | {*labels.tolist()})
        for label in labels[is_open & (labels != NO_LABEL)].tolist():
            _take_name(names, label, known[label])
        used |= known.keys()


def _take_name(names: dict[int, Name], label: int, name: Name | None) -> None:
    """Give a label a name, unless another has it; an automatic one makes way for a user's."""
    if name is None:
        return
    holder = next((other for other, its in names.items() if its.text == name.text), None)
    if holder is not None:
        if name.source == "auto" or names[holder].source == "user":
            return
        del names[holder]
    names[label] = name


def _in_order(by_video: Mapping[int, int], video_ids: Sequence[int]) -> NDArray[np.intp]:
    return np.array([by_video.get(video_id, NO_LABEL) for video_id in video_ids], dtype=np.intp)
