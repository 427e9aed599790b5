"""What the journal learns of a move: before a file can have a name, and as soon as it has it.

Each call is one commit. A move's last line and the library's new path of the file are one, too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from vidindex.db.engine import Database
from vidindex.errors import ItemError
from vidindex.manifests import Manifest
from vidindex.reporting import Problem
from vidindex.scanning import FileStat
from vidindex.store import files, moves
from vidindex.store.moves import JournalledMove, MoveState, PrunedFolder, StoredBatch


@dataclass(frozen=True)
class Outcome:
    """How a move ended, and under which name. problem: why it was not simply done."""

    state: MoveState
    target: Path
    problem: Problem | None = None


class Journal:
    """The journal of one batch, in the library and in its manifest."""

    def __init__(self, database: Database, batch: StoredBatch) -> None:
        self.batch = batch
        self.manifest = Manifest(database.path, batch.id)
        self._database = database

    def note(self, move: JournalledMove, state: MoveState, reason: str | None = None) -> None:
        """Note how far a move is."""
        with self._database.writing() as session:
            moves.set_state(session, move.id, state, reason)

    def note_folder(self, folder: Path) -> None:
        """Note that a folder is about to be made."""
        self.manifest.add_folder(folder)
        with self._database.writing() as session:
            moves.put_made_folder(session, self.batch.id, folder)

    def note_pruned(self, folder: PrunedFolder) -> None:
        """Note that an empty folder is about to be removed."""
        self.manifest.add_pruned_folder(folder)
        with self._database.writing() as session:
            moves.put_pruned_folder(session, self.batch.id, folder)

    def rename(self, move: JournalledMove, target: Path) -> JournalledMove:
        """Give a move another target."""
        self.manifest.rename(move.id, target)
        with self._database.writing() as session:
            moves.set_target(session, move.id, target)
        return replace(move, target=target)

    def identify(self, move: JournalledMove, stat: FileStat) -> JournalledMove:
        """Note what the source looks like now, as it was touched since it was planned."""
        with self._database.writing() as session:
            moves.set_stat(session, move.id, stat)
        return replace(move, stat=stat)

    def end_moved(self, move: JournalledMove, arrived: FileStat) -> Outcome:
        """Note that a file has arrived, and where the library finds it."""
        with self._database.writing() as session:
            files.follow_move(session, move.source, arrived)
            moves.set_done(session, move.id, arrived)
        return Outcome("done", move.target)

    def end_made(self, move: JournalledMove, made: FileStat) -> Outcome:
        """Note that there is a copy or a link of a file; the library knows a copy from now on."""
        with self._database.writing() as session:
            if move.action != "symlink":
                files.add_copy(session, move.source, made, checked_at_ns=time.time_ns())
            moves.set_done(session, move.id, made)
        return Outcome("done", move.target)

    def end_removed(self, move: JournalledMove) -> Outcome:
        """Note that what an earlier batch had made is gone."""
        with self._database.writing() as session:
            if move.action == "remove":
                files.forget_file(session, move.source)
            moves.set_state(session, move.id, "done")
        return Outcome("done", move.target)

    def end_in_both(self, move: JournalledMove, arrived: FileStat, error: ItemError) -> Outcome:
        """Note that a file has arrived, and that the old one is still there."""
        with self._database.writing() as session:
            files.follow_move(session, move.source, arrived)
            moves.set_state(session, move.id, "both", error.message)
        return Outcome("both", move.target, Problem.of(move.source, error))

    def plan_again(self, move: JournalledMove) -> Outcome:
        """Note that a move has not happened."""
        self.note(move, "planned")
        return Outcome("planned", move.target)

    def give_up(self, move: JournalledMove, state: MoveState, error: ItemError) -> Outcome:
        """Note that a file stays, and why."""
        self.note(move, state, error.message)
        return Outcome(state, move.target, Problem.of(move.source, error))
