"""List the files of the library: all of them, or those that a filter finds."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy.orm import Session

from vidindex import querying
from vidindex.db import schema
from vidindex.errors import Refused
from vidindex.store import clusterings, listings
from vidindex.store.clusterings import StoredRun
from vidindex.store.listings import FileFilter, ListedFile, Totals


@dataclass(frozen=True)
class ListRequest:
    """What to list. wanted: all but the run and its labels, which are given as the user does.

    run: by default the one in use. label: only of this cluster. name: only of clusters of this
    name, whatever the case if none has just this. is_unsorted: only what is in no cluster.
    """

    wanted: FileFilter = field(default_factory=FileFilter)
    run: int | None = None
    label: int | None = None
    name: str | None = None
    is_unsorted: bool = False

    @property
    def needs_run(self) -> bool:
        """Whether there is no answer without a run."""
        by_cluster = self.label is not None or self.name is not None or self.is_unsorted
        return self.run is not None or by_cluster or self.wanted.is_labelled


@dataclass(frozen=True)
class ListAnswer:
    """Files in the order asked for. run: whose labels are told. totals: without the limit."""

    run: StoredRun | None
    rows: tuple[ListedFile, ...]
    totals: Totals


def list_files(library: Path, request: ListRequest) -> ListAnswer:
    """Return the files that a request asks for.

    Raises:
        Refused: there is no such run, label or name.
    """
    with schema.open_for_reading(library) as database, database.reading() as session:
        runs = clusterings.list_runs(session)
        run = querying.choose_run(session, request.run) if runs or request.needs_run else None
        wanted = request.wanted
        if run is not None:
            wanted = replace(wanted, run=run.id, labels=_find_labels(session, run, request))
        rows = listings.list_found(session, wanted)
        return ListAnswer(run, tuple(rows), listings.add_up(session, wanted))


def list_paths(library: Path, beginning: bytes, limit: int) -> list[Path]:
    """Return the first known paths that begin so, of files that are there, sorted."""
    with schema.open_for_reading(library) as database, database.reading() as session:
        return listings.list_paths_from(session, beginning, limit)


def _find_labels(
    session: Session, run: StoredRun, request: ListRequest
) -> tuple[int | None, ...] | None:
    """Return the labels that a request names; None for whatever label, or none."""
    if request.is_unsorted:
        return (None,)
    named = None if request.name is None else _find_named(session, run, request.name)
    if request.label is None:
        return named
    querying.require_label(session, run, request.label)
    return (request.label,) if named is None or request.label in named else ()


def _find_named(session: Session, run: StoredRun, name: str) -> tuple[int, ...]:
    wanted = unicodedata.normalize("NFC", name).strip()
    known = {
        cluster.label: cluster.name
        for cluster in clusterings.list_clusters(session, run.id)
        if cluster.name
    }
    exact = {label for label, known_name in known.items() if known_name == wanted}
    alike = {
        label for label, known_name in known.items() if known_name.casefold() == wanted.casefold()
    }
    if exact or alike:
        return tuple(exact or alike)
    names = ", ".join(sorted(known.values()))
    raise Refused(
        f"run {run.id} has no cluster named {name}",
        f"its names are: {names}" if names else "vidindex name LABEL NAME gives one a name",
    )
