"""One file's way, step by step, each step in the journal before it is made or as soon as it is.

::

    move     planned -> started -> (same disk) rename ----------------------------> done
                                   (other disk) copy -> copied -> publish -> remove -> done | both
    copy     planned -> started -> copy -> copied -> publish -> done      (reflink: a clone)
    hardlink, symlink, remove, unlink:  planned -> started -> one step -> done
                        skipped: it is not, or no longer, the file that was planned
                        failed:  the system does not allow it; the file lies where it lay
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vidindex.copies import Copied, copy_to_part, part_path, remove_part
from vidindex.disk_errors import BothNames, OtherDevice, SameFile, TargetTaken
from vidindex.errors import ChangedError, ItemError
from vidindex.folders import make_folders
from vidindex.freenames import free_name
from vidindex.grounds import trusted_root
from vidindex.hashing import confirm_content, holds_content
from vidindex.journalling import Journal, Outcome
from vidindex.links import remove_copy, remove_link, symlink_exclusive
from vidindex.places import FileIdentity
from vidindex.planning import Conflict
from vidindex.renames import Removal, link_exclusive, publish, remove_source, rename_exclusive
from vidindex.reporting import Reporter
from vidindex.scanning import FileStat
from vidindex.sidecars import follow_name
from vidindex.store.moves import JournalledMove


class Stopped(Exception):
    """The caller asked to stop while a file was copied; the file lies where it lay."""


class Transfer:
    """Carries out the moves of one batch."""

    def __init__(
        self,
        journal: Journal,
        reporter: Reporter,
        *,
        stopping: Callable[[], bool],
        on_conflict: Conflict,
    ) -> None:
        self._journal = journal
        self._reporter = reporter
        self._stopping = stopping
        self._on_conflict = on_conflict
        self._lead: tuple[JournalledMove, Outcome] | None = None  # of the sidecars that follow

    def move(self, move: JournalledMove) -> Outcome:
        """Bring one file to its target. A sidecar goes only where its video went just before.

        Raises:
            Stopped: it was asked to stop; the move is planned as before.
            SystemStopped: the disk is full or failing; recovery will look at what happened.
        """
        if not move.is_sidecar:
            outcome = self._carry_out(move)
            self._lead = move, outcome
            return outcome
        if self._lead is None:
            return self._carry_out(move)
        video, arrived = self._lead
        if arrived.state not in ("done", "both"):
            error = ChangedError("its video was not moved", "it stays with it")
            return self._journal.give_up(move, "skipped", error)
        if arrived.target != video.target:
            name = follow_name(move.source, video.source, arrived.target)
            move = self._journal.rename(move, name)
        return self._carry_out(move)

    def _carry_out(self, move: JournalledMove) -> Outcome:
        journal = self._journal
        try:
            if move.action in ("remove", "unlink"):
                return self._remove(move)
            root = trusted_root(move.target, journal.batch.destination)
            make_folders(move.target.parent, root=root, before_each=journal.note_folder)
            if move.action != "symlink":  # which may lead nowhere, when it is put back
                move = self._identify(move)
            journal.note(move, "started")
            return self._make(move, root)
        except Stopped:
            journal.plan_again(move)
            raise
        except BothNames as error:
            return journal.end_in_both(move, move.stat_at(move.target), error)
        except (ChangedError, TargetTaken, SameFile) as error:
            return journal.give_up(move, "skipped", error)
        except ItemError as error:
            return journal.give_up(move, "failed", error)

    def _identify(self, move: JournalledMove) -> JournalledMove:
        """Make sure that the source is the file that was planned, though it may be touched since.

        Raises:
            ChangedError: it holds another content, or is gone.
            UnreadableError: it cannot be read.
        """
        found = confirm_content(move.stat, move.blake3)
        return move if found == move.stat else self._journal.identify(move, found)

    def _make(self, move: JournalledMove, root: Path) -> Outcome:
        while True:
            try:
                return self._make_under_its_name(move, root)
            except TargetTaken:
                move = self._take_next_name(move)

    def _make_under_its_name(self, move: JournalledMove, root: Path) -> Outcome:
        identity = identity_of(move.stat)
        if move.action == "symlink":
            symlink_exclusive(move.target, move.source, root=root)
            return self._journal.end_made(move, move.stat_at(move.target))
        if move.action == "hardlink":
            link_exclusive(move.source, move.target, identity, root=root)
            return self._journal.end_made(move, move.stat_at(move.target))
        if move.action == "move":
            try:
                rename_exclusive(move.source, move.target, identity, root=root)
            except OtherDevice:
                return self._copy(move, root)
            return self._journal.end_moved(move, move.stat_at(move.target))
        return self._copy(move, root)

    def _copy(self, move: JournalledMove, root: Path) -> Outcome:
        part = part_path(move.target, move.id)
        remove_part(part, root=root)
        is_auto = self._journal.batch.mode == "reflink-auto"
        copied = copy_to_part(
            move.source,
            part,
            identity_of(move.stat),
            move.blake3,
            root=root,
            progress=self._stop_if_asked,
            clones="never" if move.action != "reflink" else "auto" if is_auto else "always",
        )
        self._journal.note(move, "copied")
        try:
            move = self._publish(move, part, copied, root)
        except ItemError:
            remove_part(part, root=root)
            raise
        lost = [what for what in copied.lost if move.action == "move" or what != "hard links"]
        if lost:
            self._reporter.notice(f"{move.target} could not keep: {', '.join(lost)}")
        arrived = stat_of(copied.part, move.target)
        if move.action == "move":
            return end_copy(self._journal, move, arrived, ctime_ns=copied.source_ctime_ns)
        return self._journal.end_made(move, arrived)

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

    def _take_next_name(self, move: JournalledMove) -> JournalledMove:
        """Give a move another target; the journal knows it before the file can have it."""
        is_same = self._on_conflict == "same" and holds_content(
            move.target, move.stat.size_bytes, move.blake3
        )
        if is_same:
            raise TargetTaken(f"{move.target} has the same content", "it was left alone")
        if self._on_conflict in ("skip", "fail"):
            raise TargetTaken(f"its place {move.target} is taken", "run it again when it is free")
        return self._journal.rename(move, free_name(move.target))

    def _remove(self, move: JournalledMove) -> Outcome:
        root = trusted_root(move.source, self._journal.batch.destination)
        self._journal.note(move, "started")
        if move.action == "unlink":
            remove_link(move.source, move.target, root=root)
        else:
            remove_copy(move.source, identity_of(move.stat), root=root)
        return self._journal.end_removed(move)

    def _stop_if_asked(self, _copied_bytes: int) -> None:
        if self._stopping():
            raise Stopped


def end_copy(
    journal: Journal, move: JournalledMove, arrived: FileStat, *, ctime_ns: int | None
) -> Outcome:
    """Remove the source of a published copy, the last step of a move across disks.

    ctime_ns: the source's when it was copied; None if that is not known any more.
    """
    removal = remove_source(move.source, move.target, identity_of(move.stat), ctime_ns=ctime_ns)
    if removal in (Removal.REMOVED, Removal.GONE):
        return journal.end_moved(move, arrived)
    reason = {
        Removal.CHANGED: "it changed while it was moved; the old file was kept beside the copy",
        Removal.REFUSED: "it was copied, but the old file could not be removed",
    }[removal]
    return journal.end_in_both(move, arrived, ItemError(reason, f"the copy is {move.target}"))


def identity_of(stat: FileStat) -> FileIdentity:
    """Take from a file's stat what the moving steps compare."""
    return FileIdentity(stat.size_bytes, stat.mtime_ns, stat.device, stat.inode)


def stat_of(identity: FileIdentity, path: Path) -> FileStat:
    """Build the stat of a file that lies at a path."""
    return FileStat(path, identity.size, identity.mtime_ns, identity.device, identity.inode)
