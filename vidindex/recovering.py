"""Settle what a killed apply or undo left half-done, from the journal and the disk.

Runs at the start of every apply and undo; a second run finds nothing to do. For each move that
was begun, both names are looked at; "ours" is the file of the journal, by inode and times or by
its content:

======================  ======================  ===============================================
at the source           at the target           then
======================  ======================  ===============================================
ours                    nothing                 it did not happen: planned again
nothing, another file   ours                    it happened: done
the same file           the same file           a link was made, the old name is removed: done
ours                    the same content, and   the copy was published: the source is removed
                        a copy was published
ours                    another file            the name was lost: planned again
nothing                 nothing                 failed: "at neither place"
anything else           anything else           failed: unclear, both are named and left alone
======================  ======================  ===============================================

Where a copy or a link was to be made, or removed, there is nothing to decide: if it is there, or
gone, that is done, and else planned again.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from vidindex.copies import part_path, remove_part
from vidindex.db.engine import Database
from vidindex.errors import ChangedError, ItemError, UnreadableError
from vidindex.folders import fsync_folder
from vidindex.grounds import trusted_root
from vidindex.hashing import hash_file
from vidindex.journalling import Journal, Outcome
from vidindex.links import read_link
from vidindex.renames import finish_rename
from vidindex.reporting import Problem, Reporter
from vidindex.scanning import FileStat
from vidindex.store import moves
from vidindex.store.moves import JournalledMove
from vidindex.tidying import clear_up, remove_made_folders
from vidindex.transferring import end_copy, identity_of


def recover(database: Database, reporter: Reporter) -> list[Problem]:
    """Bring journal and disk into agreement; report and return what cannot be settled.

    Raises:
        SystemStopped: the disk is failing.
    """
    with database.reading() as session:
        in_flight = moves.list_in_flight(session)
        batches = {batch.id: batch for batch in moves.list_batches(session)}
    problems: list[Problem] = []
    for number, move in in_flight:
        outcome = _settle(Journal(database, batches[number]), move)
        if outcome.problem is not None:
            problems.append(outcome.problem)
            reporter.problem(outcome.problem)
    for interrupted in batches.values():
        if interrupted.state == "running":
            journal = Journal(database, interrupted)
            remove_made_folders(database, journal, interrupted.id)
            if interrupted.undoes_batch is not None:
                remove_made_folders(database, journal, interrupted.undoes_batch)
            with database.writing() as session:
                moves.finish_batch(session, interrupted.id, now=datetime.now(UTC))
    clear_up(database, batches.values())
    return problems


def _settle(journal: Journal, move: JournalledMove) -> Outcome:
    try:
        if move.action == "move":
            return _settle_moved(journal, move)
        if move.action in ("remove", "unlink"):
            return _settle_removed(journal, move)
        return _settle_made(journal, move)
    except ItemError as error:
        return journal.give_up(move, "failed", error)


def _settle_moved(journal: Journal, move: JournalledMove) -> Outcome:
    """Decide a move by the table above."""
    root = trusted_root(move.target, journal.batch.destination)
    source, target = _look(move.source), _look(move.target)
    is_published = _is_published(move, target)
    remove_part(part_path(move.target, move.id), root=root)
    source_is_ours, target_is_ours = _is_ours(move, source), _is_ours(move, target)
    if target is not None and target_is_ours:
        if source is None or not source_is_ours or _is_same_file(source, target):
            finish_rename(move.source, move.target, identity_of(target), root=root)
            return journal.end_moved(move, target)
        if is_published:
            # Device numbers may have changed since: what counts is the file just looked at.
            return end_copy(journal, replace(move, stat=source), target, ctime_ns=None)
    if source_is_ours:
        return journal.plan_again(move)
    where = "at neither place" if source is None and target is None else "unclear which is it"
    raise ItemError(
        f"a move was cut short, and the file is {where}: {move.source}, {move.target}",
        "look at both; nothing was changed",
    )


def _settle_made(journal: Journal, move: JournalledMove) -> Outcome:
    """Decide whether a copy or a link was made."""
    if move.action == "symlink":
        if read_link(move.target) != move.source:
            return journal.plan_again(move)
        fsync_folder(move.target.parent)
        return journal.end_made(move, move.stat)
    root = trusted_root(move.target, journal.batch.destination)
    source, target = _look(move.source), _look(move.target)
    is_published = _is_published(move, target)
    remove_part(part_path(move.target, move.id), root=root)
    if target is not None:
        is_linked = source is not None and _is_same_file(source, target)
        is_copied = is_published and _is_ours(move, target)
        if is_linked if move.action == "hardlink" else is_copied:
            fsync_folder(target.path.parent)
            return journal.end_made(move, target)
    return journal.plan_again(move)


def _settle_removed(journal: Journal, move: JournalledMove) -> Outcome:
    """Decide whether a copy or a link was removed."""
    if os.path.lexists(move.source):
        return journal.plan_again(move)
    if move.source.parent.exists():
        fsync_folder(move.source.parent)
    return journal.end_removed(move)


def _is_published(move: JournalledMove, target: FileStat | None) -> bool:
    """Whether a copy has got its name, for all that is known before its content is looked at.

    Another file with the same content may have had that name all the time, beside the copy.
    """
    part = _look(part_path(move.target, move.id))
    is_beside = part is not None and (target is None or not _is_same_file(part, target))
    return move.state in ("copied", "both") and not is_beside


def _look(path: Path) -> FileStat | None:
    """Return the stat of a regular file, or None where there is none."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return FileStat.of(path, status) if stat.S_ISREG(status.st_mode) else None


def _is_ours(move: JournalledMove, found: FileStat | None) -> bool:
    """Whether a file is the one that was to be moved: untouched, or the same content."""
    if found is None or found.size_bytes != move.stat.size_bytes:
        return False
    if found == move.stat_at(found.path):
        return True
    try:
        return hash_file(found.path)[1] == move.blake3
    except (ChangedError, UnreadableError):
        return False


def _is_same_file(first: FileStat, second: FileStat) -> bool:
    return (first.device, first.inode) == (second.device, second.inode)
