"""Give clusters names by what they show. A name that the user gave is never replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from vidindex import naming
from vidindex.classifying import keep_classifier, require_class_names
from vidindex.db import schema
from vidindex.querying import choose_recipe, choose_run
from vidindex.reporting import Reporter
from vidindex.spaces import CHUNK_ROWS
from vidindex.store import clusterings, embeddings, heads
from vidindex.store.clusterings import UNSORTED, Name, StoredCluster, StoredRun


@dataclass(frozen=True)
class NamesResult:
    """The clusters of a run after they were named. changed: how many names are others now."""

    run: int
    changed: int
    clusters: tuple[StoredCluster, ...]


def name_automatically(
    library: Path,
    *,
    reporter: Reporter,
    run: int | None = None,
    class_index: str = "",
    wait: bool = False,
) -> NamesResult:
    """Name the clusters of a run, of the one in use by default, but those that the user named.

    class_index: a file of class names to be stored first. A cluster that no class fits well has no
    name then.

    Raises:
        Refused: there is no such run, or no classes to name by; nothing was changed.
    """
    schema.require(library)
    with schema.open_for_writing(library, reporter.notice, wait=wait) as database:
        with database.reading() as session:
            chosen = choose_run(session, run)
            recipe = choose_recipe(session, chosen.recipe_id)
        digest = recipe.recipe.weights_digest
        keep_classifier(database, digest, lambda: None, class_index, reporter.notice)
        with database.writing() as session:
            require_class_names(session, recipe)
            before = clusterings.list_clusters(session, chosen.id)
            kept = {
                cluster.label: cluster.given_name
                for cluster in before
                if cluster.given_name is not None and cluster.given_name.source == "user"
            }
            names = find_names(session, chosen, kept)
            for cluster in before:
                if cluster.label not in kept:
                    name = names.get(cluster.label)
                    clusterings.set_name(session, chosen.id, cluster.label, name)
            after = clusterings.list_clusters(session, chosen.id)
    changed = sum(old.name != new.name for old, new in zip(before, after, strict=True))
    return NamesResult(chosen.id, changed, tuple(after))


def name_new_clusters(session: Session, run: int) -> None:
    """Name those clusters of a run that have no name yet, where the library can name them."""
    known = clusterings.list_clusters(session, run)
    kept = {each.label: each.given_name for each in known if each.given_name is not None}
    for label, name in find_names(session, choose_run(session, run), kept).items():
        clusterings.set_name(session, run, label, name)


def find_names(session: Session, run: StoredRun, kept: Mapping[int, Name]) -> dict[int, Name]:
    """Return names for the clusters of a run, but for those that keep theirs.

    A cluster's score is against the mean of all videos of the run. A cluster that no class fits
    well gets no name; nor does any if the library does not know the classes.
    """
    recipe = choose_recipe(session, run.recipe_id)
    head = heads.find_head(session, recipe.recipe.weights_digest)
    if head is None or head.class_names is None:
        return {}
    by_video = dict(sorted(clusterings.load_labels(session, run.id).items()))
    labels = np.fromiter(by_video.values(), dtype=np.intp, count=len(by_video))
    nameless = set(np.unique(labels).tolist()) - {UNSORTED} - kept.keys()
    blocks = embeddings.read_vectors(session, run.recipe_id, list(by_video), CHUNK_ROWS)
    summary = naming.summarize(blocks, labels, wanted=nameless)
    if summary is None:
        return {}
    scorer = naming.measure(head.kernel, head.class_names, summary)
    found = naming.name_clusters(scorer, summary.means, [name.text for name in kept.values()])
    return {label: Name(name.text, "auto", name.score) for label, name in found.items()}
