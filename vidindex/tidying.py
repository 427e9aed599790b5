"""The folders around a batch: those that it made or emptied, removed, and made again by undo."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from vidindex.db.engine import Database
from vidindex.disk_errors import NotPermitted
from vidindex.errors import ItemError
from vidindex.folders import describe_folder, make_folder_again, remove_empty_folder
from vidindex.grounds import existing_ancestor
from vidindex.journalling import Journal
from vidindex.reporting import Problem, Reporter
from vidindex.store import moves
from vidindex.store.moves import PrunedFolder


def remove_made_folders(database: Database, journal: Journal, batch: int) -> None:
    """Remove the folders that a batch made, as far as they are empty.

    journal: of the batch that removes them. If it is another one, undoing it makes them again.
    """
    with database.reading() as session:
        folders = moves.list_made_folders(session, batch)
    for folder in folders:
        if _is_empty(folder):
            _remove(database, journal, folder, is_noted=batch != journal.batch.id)
        if not folder.exists():  # else it stays listed, for the next undo
            with database.writing() as session:
                moves.forget_made_folder(session, batch, folder)


def prune_emptied(
    database: Database,
    journal: Journal,
    folders: Iterable[Path],
    may_go: Callable[[Path], bool],
) -> None:
    """Remove folders that a batch has emptied, and those above them that become empty.

    may_go: tells of a folder whether it may be removed. The current one never is.
    """
    for start in sorted(folders, key=lambda folder: (-len(folder.parts), folder)):
        folder = start
        while may_go(folder) and _is_empty(folder) and _remove(database, journal, folder):
            folder = folder.parent


def remake_pruned(database: Database, journal: Journal, undone: int, reporter: Reporter) -> None:
    """Make the folders again that a batch had removed, as part of the batch that undoes it."""
    with database.reading() as session:
        folders = moves.list_pruned_folders(session, undone)
    for folder in folders:
        if folder.path.exists():
            continue
        journal.note_folder(folder.path)
        try:
            make_folder_again(
                folder.path, folder.permissions, folder.uid, folder.gid, root=folder.path.parent
            )
        except ItemError as error:
            reporter.problem(Problem.of(folder.path, error))


def _remove(database: Database, journal: Journal, folder: Path, *, is_noted: bool = True) -> bool:
    """Remove an empty folder, of which the journal knows before. Returns whether it is gone."""
    if is_noted:
        found = describe_folder(folder)
        journal.note_pruned(PrunedFolder(folder, found.permissions, found.uid, found.gid))
    try:
        if remove_empty_folder(folder, root=existing_ancestor(folder.parent)):
            return True
    except NotPermitted:
        pass  # such as one that a disk is mounted at: it stays
    if is_noted:
        with database.writing() as session:
            moves.forget_pruned_folder(session, journal.batch.id, folder)
    return False


def _is_empty(folder: Path) -> bool:
    with contextlib.suppress(ItemError, OSError):
        describe_folder(folder)  # a link to a folder is none
        return next(folder.iterdir(), None) is None
    return False
