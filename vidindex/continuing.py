"""Which label, and which name, each cluster of a new run takes over from the runs before."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
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
from vidindex.store.clusterings import Name

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


class EarlierRuns:
    """The runs of a recipe that were ever in use, the one in use first, and some videos in them.

    What is read of a run is kept, for several groupings of the same videos.
    """

    def __init__(self, session: Session, recipe_id: int, video_ids: Sequence[int]) -> None:
        self.runs = clusterings.list_used(clusterings.list_runs(session), recipe_id)
        self._session = session
        self._video_ids = video_ids
        self._labels: dict[int, tuple[NDArray[np.intp], NDArray[np.bool_]]] = {}

    def labels(self, run: int) -> NDArray[np.intp]:
        """Return the label of each video in a run, (n,); NO_LABEL for one that is in no cluster."""
        return self._load(run)[0]

    def is_new(self, run: int) -> NDArray[np.bool_]:
        """Return which videos, (n,), a run did not have."""
        return self._load(run)[1]

    def names(self, run: int) -> dict[int, Name | None]:
        """Return the names of a run's clusters by their labels."""
        known = clusterings.list_clusters(self._session, run)
        return {each.label: each.given_name for each in known}

    def labels_used(self, runs: Sequence[int]) -> Mapping[int, Container[int]]:
        """Return which labels each of some runs has."""
        return clusterings.list_labels(self._session, runs)

    def _load(self, run: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        if run not in self._labels:
            by_video = clusterings.load_labels(self._session, run)
            labels = [by_video.get(video_id, NO_LABEL) for video_id in self._video_ids]
            is_new = [video_id not in by_video for video_id in self._video_ids]
            self._labels[run] = np.array(labels, np.intp), np.array(is_new, np.bool_)
        return self._labels[run]


def continue_runs(
    earlier: EarlierRuns,
    groups: NDArray[np.intp],
    k: int,
    *,
    fixed: Mapping[int, int] = MappingProxyType({}),
) -> Continuation:
    """Give k new clusters the labels and names of the like clusters of the recipe's run in use.

    groups: the new cluster of each video, (n,) from 0 to k - 1, or NO_LABEL. A cluster that
    is like none of the run in use, but like one of the runs that were in use before it, gets that
    one's label and name back, if no run since has used the label. Others get the lowest label that
    the run in use does not have, and no name. fixed: labels that some new clusters must have.
    """
    labels = np.full(k, NO_LABEL, dtype=np.intp)
    labels[list(fixed)] = list(fixed.values())
    if not earlier.runs:
        fill_labels(labels, ())
        return Continuation(None, labels, {}, None)
    in_use = earlier.runs[0].id
    before = earlier.labels(in_use)
    origins = _find_origins(earlier, find_contested(before, groups))
    continue_labels(labels, before, groups, barred=[*fixed.values()], origins=origins)
    known = earlier.names(in_use)
    names = {label: name for label in labels.tolist() if (name := known.get(label)) is not None}
    _revive(earlier, groups, labels=labels, names=names, used={*known})
    for label in {*fixed.values()} - {*known}:
        _take_name(names, label, _find_last_name(earlier, label))
    fill_labels(labels, known)
    churn = count_churn(
        before,
        np.where(groups == NO_LABEL, NO_LABEL, labels[groups]),
        is_new=earlier.is_new(in_use),
        old_labels=known.keys(),
        new_labels=labels.tolist(),
    )
    return Continuation(in_use, labels, names, churn)


def _find_origins(earlier: EarlierRuns, contested: set[int]) -> list[NDArray[np.intp]]:
    """Return the labels of the runs in which some labels of the run in use were first there.

    Each is in the order of the videos, and tells only those of the labels that began in that run.
    """
    runs = [run.id for run in earlier.runs[1 : 1 + EARLIER_RUNS]]
    known = earlier.labels_used(runs)
    began: dict[int, set[int]] = {}
    for label in contested:
        # A run between may lack the label: it was revived. Where a number was given anew instead,
        # the oldest run has other videos there, which are not among those that are contested.
        having = [run for run in runs if label in known[run]]
        if having:
            began.setdefault(having[-1], set()).add(label)
    origins = []
    for run, labels in began.items():
        origin = earlier.labels(run)
        origins.append(np.where(np.isin(origin, list(labels)), origin, NO_LABEL))
    return origins


def _revive(
    earlier: EarlierRuns,
    groups: NDArray[np.intp],
    *,
    labels: NDArray[np.intp],
    names: dict[int, Name],
    used: set[int],
) -> None:
    """Give clusters without a label that of a like one of earlier runs, and its name, in place.

    used: labels of later runs.
    """
    for run in [run.id for run in earlier.runs[1 : 1 + EARLIER_RUNS]]:
        if NO_LABEL not in labels:
            return
        known = earlier.names(run)
        if known.keys() <= used:
            continue
        is_open = labels == NO_LABEL
        before = earlier.labels(run)
        continue_labels(labels, before, groups, barred=used | {*labels.tolist()})
        for label in labels[is_open & (labels != NO_LABEL)].tolist():
            _take_name(names, label, known[label])
        used |= known.keys()


def _find_last_name(earlier: EarlierRuns, label: int) -> Name | None:
    """Return what a label was called when it was last there."""
    for run in earlier.runs[1 : 1 + EARLIER_RUNS]:
        known = earlier.names(run.id)
        if label in known:
            return known[label]
    return None


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
