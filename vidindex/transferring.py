"""One file's move, step by step, each step in the journal before it is made or as soon as it is.

::

    planned -> started -> (same disk) rename ------------------------------> done
                          (other disk) copy -> copied -> publish -> remove -> done | both
               skipped: it is not, or no longer, the file that was planned
               failed:  the system does not allow it; the file lies where it lay
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from vidindex.copies import Copied, copy_to_part, part_path, remove_part
from vidindex.db.engine import Database
from vidindex.errors import ChangedError, ItemError
from vidindex.freenames import free_name
from vidindex.manifests import Manifest
from vidindex.places import (
    BothNames,
    FileIdentity,
    NotPermitted,
    OtherDevice,
    SameFile,
    TargetTaken,
    make_folders,
    remove_empty_folder,
)
from vidindex.planning import existing_ancestor, trusted_root
from vidindex.renames import Removal, publish, remove_source, rename_exclusive
from vidindex.reporting import Problem, Reporter
from vidindex.scanning import FileStat
from vidindex.store import files, moves
from vidindex.store.moves import JournalledMove, MoveState, StoredBatch


class Stopped(Exception):
    """The caller asked to stop while a file was copied; the file lies where it lay."""


@dataclass(frozen=True)
class Outcome:
    """How a move ended, and under which name. problem: why it was not simply done."""

    state: MoveState
    target: Path
    problem: Problem | None = None


class Transfer:
    """Carries out the moves of one batch."""

    def __init__(
        self,
        database: Database,
        batch: StoredBatch,
        reporter: Reporter,
        *,
        stopping: Callable[[], bool],
        renames_clashes: bool,
    ) -> None:
        self._database = database
        self._batch = batch
        self._manifest = Manifest(database.path, batch.id)
        self._reporter = reporter
        self._stopping = stopping
        self._renames_clashes = renames_clashes

    def move(self, move: JournalledMove) -> Outcome:
        """Bring one file to its target.

        Raises:
            Stopped: it was asked to stop; the move is planned as before.
            SystemStopped: the disk is full or failing; recovery will look at what happened.
        """
        try:
            root = trusted_root(move.target, self._batch.destination)
            make_folders(move.target.parent, root=root, before_each=self._note_folder)
            self._note(move, "started")
            return self._rename(move, root)
        except Stopped:
            self._note(move, "planned")
            raise
        except BothNames as error:
            return self._end_in_both(move, move.stat_at(move.target), error)
        except (ChangedError, TargetTaken, SameFile) as error:
            return self.give_up(move, "skipped", error)
        except ItemError as error:
            return self.give_up(move, "failed", error)

    def _rename(self, move: JournalledMove, root: Path) -> Outcome:
        while True:
            try:
                rename_exclusive(move.source, move.target, identity_of(move.stat), root=root)
            except TargetTaken:
                move = self._take_next_name(move)
            except OtherDevice:
                return self._copy(move, root)
            else:
                return self.end_done(move, move.stat_at(move.target))

    def _copy(self, move: JournalledMove, root: Path) -> Outcome:
        part = part_path(move.target, move.id)
        remove_part(part, root=root)
        copied = copy_to_part(
            move.source,
            part,
            identity_of(move.stat),
            move.blake3,
            root=root,
            progress=self._stop_if_asked,
        )
        self._note(move, "copied")
        try:
            move = self._publish(move, part, copied, root)
        except ItemError:
            remove_part(part, root=root)
            raise
        if copied.lost:
            self._reporter.notice(f"{move.target} could not keep: {', '.join(copied.lost)}")
        arrived = stat_of(copied.part, move.target)
        return self.end_copy(move, arrived, ctime_ns=copied.source_ctime_ns)

    def _publish(
        self, move: JournalledMove, part: Path, copied: Copied, root: Path
    ) -> JournalledMove:
        while True:
            try:
                publish(part, move.target, copied.part, root=root)
            except TargetTaken:
                move = self._take_next_name(move)
            else:
                return move

    def end_copy(self, move: JournalledMove, arrived: FileStat, *, ctime_ns: int | None) -> Outcome:
        """Remove the source of a published copy, the last step of a move across disks.

        ctime_ns: the source's when it was copied; None if that is not known any more.
        """
        removal = remove_source(move.source, move.target, identity_of(move.stat), ctime_ns=ctime_ns)
        if removal in (Removal.REMOVED, Removal.GONE):
            return self.end_done(move, arrived)
        reason = {
            Removal.CHANGED: "it changed while it was moved; the old file was kept beside the copy",
            Removal.REFUSED: "it was copied, but the old file could not be removed",
        }[removal]
        return self._end_in_both(move, arrived, ItemError(reason, f"the copy is {move.target}"))

    def _take_next_name(self, move: JournalledMove) -> JournalledMove:
        """Give a move another target; the journal knows it before the file can have it."""
        if not self._renames_clashes:
            raise TargetTaken(f"its old place {move.target} is taken", "undo again when it is free")
        target = free_name(move.target, lambda _: False)
        self._manifest.rename(move.id, target)
        with self._database.writing() as session:
            moves.set_target(session, move.id, target)
        return replace(move, target=target)

    def _stop_if_asked(self, _copied_bytes: int) -> None:
        if self._stopping():
            raise Stopped

    def _note_folder(self, folder: Path) -> None:
        self._manifest.add_folder(folder)
        with self._database.writing() as session:
            moves.put_made_folder(session, self._batch.id, folder)

    def _note(self, move: JournalledMove, state: MoveState, reason: str | None = None) -> None:
        with self._database.writing() as session:
            moves.set_state(session, move.id, state, reason)

    def end_done(self, move: JournalledMove, arrived: FileStat) -> Outcome:
        """Store in one transaction that a file has arrived and where the library finds it."""
        with self._database.writing() as session:
            files.follow_move(session, move.source, arrived)
            moves.set_done(session, move.id, arrived)
        return Outcome("done", move.target)

    def _end_in_both(self, move: JournalledMove, arrived: FileStat, error: ItemError) -> Outcome:
        with self._database.writing() as session:
            files.follow_move(session, move.source, arrived)
            moves.set_state(session, move.id, "both", error.message)
        return Outcome("both", move.target, Problem.of(move.source, error))

    def plan_again(self, move: JournalledMove) -> Outcome:
        """Store that a move has not happened."""
        self._note(move, "planned")
        return Outcome("planned", move.target)

    def give_up(self, move: JournalledMove, state: MoveState, error: ItemError) -> Outcome:
        """Store that a file stays, and why."""
        self._note(move, state, error.message)
        return Outcome(state, move.target, Problem.of(move.source, error))


def identity_of(stat: FileStat) -> FileIdentity:
    """Take from a file's stat what the moving steps compare."""
    return FileIdentity(stat.size_bytes, stat.mtime_ns, stat.device, stat.inode)


def stat_of(identity: FileIdentity, path: Path) -> FileStat:
    """Build the stat of a file that lies at a path."""
    return FileStat(path, identity.size, identity.mtime_ns, identity.device, identity.inode)


def remove_made_folders(database: Database, batch: int) -> None:
    """Remove the folders that a batch made, as far as they are empty."""
    with database.reading() as session:
        folders = moves.list_made_folders(session, batch)
    for folder in folders:
        try:
            remove_empty_folder(folder, root=existing_ancestor(folder.parent))
        except NotPermitted:
            continue  # it stays listed, for the next undo
        if not folder.exists():
            with database.writing() as session:
                moves.forget_made_folder(session, batch, folder)
