"""Take over folders that the user arranged by hand as a clustering."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from blake3 import blake3
from sqlalchemy.orm import Session

from vidindex import lloyd
from vidindex.arranging import Arranged, find_arranged, find_space
from vidindex.blocks import Points
from vidindex.config import Settings
from vidindex.continuing import Continuation, EarlierRuns, continue_runs
from vidindex.db import schema
from vidindex.errors import Refused
from vidindex.lineage import Churn
from vidindex.querying import choose_recipe
from vidindex.reporting import Problem, Reporter
from vidindex.store import clusterings, files, wishes
from vidindex.store.clusterings import Name, NewClustering, StoredCluster

NAME_LENGTH = 100


@dataclass(frozen=True)
class LearnResult:
    """The run that was made of folders. loose: how many files lie in no subfolder.

    problems: files that are left out. churn: against the run that was in use before.
    """

    run: int
    videos: int
    inertia: float
    clusters: tuple[StoredCluster, ...]
    churn: Churn | None
    loose: int
    problems: tuple[Problem, ...]


def learn(
    library: Path,
    folder: Path,
    settings: Settings,
    *,
    reporter: Reporter,
    recipe: int | None = None,
) -> LearnResult:
    """Store a run of which each subfolder is a cluster of its name, and use it.

    Raises:
        Refused: it is no folder, no subfolder has a video with a vector, or a pin is against it.
    """
    schema.require(library)
    with schema.open_for_writing(library, reporter.notice, wait=settings.wait) as database:
        with database.reading() as session:
            number = choose_recipe(session, recipe).id
            arranged = find_arranged(session, folder, number, settings)
            earlier = EarlierRuns(session, number, arranged.matrix.video_ids)
            groups, k = arranged.classes, len(arranged.names)
            continued = continue_runs(earlier, groups, k)
            fixed = _labels_of_pins(session, arranged, earlier, continued)
            continuation = continue_runs(earlier, groups, k, fixed=fixed) if fixed else continued
        for problem in arranged.problems:
            reporter.problem(problem)
        space = find_space(arranged.matrix.vectors, settings.normalize)
        points = Points.of(space.place(arranged.matrix.vectors))
        means = lloyd.find_means(points, arranged.classes, len(arranged.names))
        distances = lloyd.measure_distances(points, arranged.classes, means)
        names = _readable(arranged.names)
        new = NewClustering(
            recipe_id=number,
            k=len(names),
            seed=settings.seed,
            n_init=1,
            normalize=settings.normalize,
            scope=folder,
            input_digest=_digest(arranged),
            inertia=float(np.sum(np.square(distances))),
            software=f"numpy {np.__version__}",
            video_ids=arranged.matrix.video_ids,
            labels=continuation.labels[arranged.classes],
            distances=distances,
            cluster_labels=continuation.labels,
            centroids=means,
            algorithm="folders",
            names={
                label: Name(name, "user")
                for label, name in zip(continuation.labels.tolist(), names, strict=True)
            },
            shift=space.shift,
            scale=space.scale,
            previous=continuation.previous,
        )
        with database.writing() as session:
            run = clusterings.put_clustering(session, new, now=datetime.now(UTC))
            clusters = clusterings.list_clusters(session, run)
    return LearnResult(
        run,
        len(new.video_ids),
        new.inertia,
        tuple(clusters),
        continuation.churn,
        arranged.loose,
        arranged.problems,
    )


def _labels_of_pins(
    session: Session, arranged: Arranged, earlier: EarlierRuns, continued: Continuation
) -> dict[int, int]:
    """Return the labels that classes must have, as videos in them are pinned to them.

    continued: the labels that they have without the pins.

    Raises:
        Refused: a class has videos of two pins, two classes have videos of one, or a video lies in
            another class than the one that goes on with the cluster that it is pinned to.
    """
    fixed: dict[int, int] = {}
    pins = wishes.list_pins(session)
    in_use = {} if continued.previous is None else earlier.names(continued.previous)
    holders = {
        label: number for number, label in enumerate(continued.labels.tolist()) if label in in_use
    }
    paths = files.find_paths(session) if pins else {}
    for video, number in zip(arranged.matrix.video_ids, arranged.classes.tolist(), strict=True):
        if video not in pins:
            continue
        label = pins[video]
        holder = holders.get(label, number)
        if holder != number:
            raise Refused(
                f"{paths[video]} is pinned to cluster {label}, which is the folder "
                f"{arranged.names[holder]} now, but lies in {arranged.names[number]}",
                "unpin it, or move it into that folder and index it; nothing was learned",
            )
        if fixed.setdefault(number, label) != label or [*fixed.values()].count(label) > 1:
            raise Refused(
                f"{paths[video]} is pinned to label {label}; other pinned videos are against that "
                "in these folders",
                "unpin it (vidindex wishes lists all pins), or put it into another folder",
            )
    return fixed


def _digest(arranged: Arranged) -> bytes:
    digest = blake3(b"".join(arranged.matrix.hashes))
    digest.update(arranged.matrix.vectors.astype("<f4", copy=False).tobytes())
    return digest.digest()


def _readable(names: Iterable[str]) -> list[str]:
    """Return names of clusters, each once, for names of folders, which may hold any bytes."""
    readable: list[str] = []
    for name in names:
        shown = "".join(
            "\N{REPLACEMENT CHARACTER}" if unicodedata.category(each) in ("Cc", "Cs") else each
            for each in unicodedata.normalize("NFC", name)
        )[:NAME_LENGTH]
        unique, number = shown, 1
        while unique in readable:
            number += 1
            unique = f"{shown[: NAME_LENGTH - 6]} ({number})"
        readable.append(unique)
    return readable
