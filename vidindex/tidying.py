"""The folders around a batch: those that it made or emptied, removed, and made again by undo."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from vidindex.db.engine import Database
from vidindex.disk_errors import NotPermitted
from vidindex.errors import ItemError
from vidindex.folders import (
    describe_folder,
    make_folder_again,
    remove_empty_folder,
    remove_part_folder,
)
from vidindex.grounds import existing_ancestor
from vidindex.journalling import Journal
from vidindex.reporting import Problem, Reporter
from vidindex.store import moves
from vidindex.store.moves import PrunedFolder, StoredBatch


def remove_made_folders(database: Database, journal: Journal, batch: int) -> list[Problem]:
    """Remove the folders that a batch made, as far as they are empty; return what keeps them.

    journal: of the batch that removes them. If it is another one, undoing it makes them again.
    """
    with database.reading() as session:
        folders = moves.list_made_folders(session, batch)
    problems: list[Problem] = []
    for folder in folders:
        if _is_empty(folder):
            try:
                _remove(database, journal, folder, is_noted=batch != journal.batch.id)
            except NotPermitted as error:
                problems.append(Problem.of(folder, error))
        if not folder.exists():  # else it stays listed, and is tried again
            with database.writing() as session:
                moves.forget_made_folder(session, batch, folder)
    return problems


def clear_up(database: Database, batches: Iterable[StoredBatch]) -> None:
    """Remove what runs that were cut off, or not let, have left of folders that are ours.

    batches: all of them. A batch that is undone leaves no empty folder; of one that was cut off,
    a folder that it was making may be there, under a name of ours.
    """
    for batch in batches:
        with database.reading() as session:
            undoable = moves.list_undoable(session, batch.id)
            pruned = moves.list_pruned_folders(session, batch.id)
        if not undoable:
            # What may still not be removed was told before.
            remove_made_folders(database, Journal(database, batch), batch.id)
        for parent in {folder.path.parent for folder in pruned}:
            with contextlib.suppress(ItemError):  # the next undo that makes one there looks again
                remove_part_folder(parent)


def prune_emptied(
    database: Database,
    journal: Journal,
    folders: Iterable[Path],
    may_go: Callable[[Path], bool],
) -> list[Path]:
    """Remove folders that a batch has emptied, and those above them that become empty.

    may_go: tells of a folder whether it may be removed. The current one never is. Returns those
    that are gone.
    """
    gone: list[Path] = []
    for start in sorted(folders, key=lambda folder: (-len(folder.parts), folder)):
        folder = start
        while may_go(folder) and _is_empty(folder) and _is_removed(database, journal, folder):
            gone.append(folder)
            folder = folder.parent
    return gone


def remake_pruned(
    database: Database, journal: Journal, undone: int, reporter: Reporter
) -> list[Problem]:
    """Make the folders again that a batch had removed, as part of the batch that undoes it.

    Returns those that cannot be made so; the files that belong there make plain ones.
    """
    with database.reading() as session:
        folders = moves.list_pruned_folders(session, undone)
    problems: list[Problem] = []
    for folder in folders:
        if folder.path.exists():
            continue
        journal.note_folder(folder.path)
        try:
            make_folder_again(
                folder.path, folder.permissions, folder.uid, folder.gid, root=folder.path.parent
            )
            lost = _find_lost(folder)
        except ItemError as error:
            problems.append(Problem.of(folder.path, error))
            continue
        if lost:
            reporter.notice(f"{folder.path} could not keep: {', '.join(lost)}")
    return problems


def _find_lost(folder: PrunedFolder) -> list[str]:
    found = describe_folder(folder.path)
    lost = {
        "mode": found.permissions != folder.permissions,
        "owner": (found.uid, found.gid) != (folder.uid, folder.gid),
    }
    return [name for name, is_lost in lost.items() if is_lost]


def _is_removed(database: Database, journal: Journal, folder: Path) -> bool:
    try:
        return _remove(database, journal, folder)
    except NotPermitted:
        return False  # such as one that a disk is mounted at: it stays, as it may


def _remove(database: Database, journal: Journal, folder: Path, *, is_noted: bool = True) -> bool:
    """Remove an empty folder, of which the journal knows before. Returns whether it is gone.

    Raises:
        NotPermitted: the system does not let it be removed.
    """
    if is_noted:
        found = describe_folder(folder)
        journal.note_pruned(PrunedFolder(folder, found.permissions, found.uid, found.gid))
    is_gone = False
    try:
        is_gone = remove_empty_folder(folder, root=existing_ancestor(folder.parent))
    finally:
        if is_noted and not is_gone and folder.exists():
            with database.writing() as session:
                moves.forget_pruned_folder(session, journal.batch.id, folder)
    return is_gone


def _is_empty(folder: Path) -> bool:
    with contextlib.suppress(ItemError, OSError):
        describe_folder(folder)  # a link to a folder is none
        return next(folder.iterdir(), None) is None
    return False
