"""The journal of moves. It depends on no other table: what it needs is copied into it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, cast

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from vidindex.db.journal import MadeFolder, Move, MoveBatch
from vidindex.db.journal import PrunedFolder as PrunedFolderRow
from vidindex.scanning import FileStat

BatchKind = Literal["apply", "undo", "redo"]
Mode = Literal["move", "copy", "hardlink", "symlink", "reflink", "reflink-auto"]
Action = Literal["move", "copy", "hardlink", "symlink", "reflink", "remove", "unlink"]
MoveState = Literal["planned", "started", "copied", "done", "both", "skipped", "failed"]

IN_FLIGHT: tuple[MoveState, ...] = ("started", "copied", "both")


@dataclass(frozen=True)
class PlannedMove:
    """One file's way. stat: of the source, whose path is where the move begins.

    action: what is done to the disk; to remove or unlink is to do away with the source, which was
    made of what lies at the target. is_sidecar: it goes along with the video before it.
    """

    stat: FileStat
    blake3: bytes
    target: Path
    undoes_move: int | None = None
    action: Action = "move"
    is_sidecar: bool = False


@dataclass(frozen=True)
class JournalledMove:
    """A move as the journal has it. stat: of the source; once done, of the target."""

    id: int
    source: Path
    target: Path
    stat: FileStat
    blake3: bytes
    state: str
    reason: str | None
    action: Action = "move"
    is_sidecar: bool = False

    def stat_at(self, path: Path) -> FileStat:
        """Return what the file should look like at a path."""
        return replace(self.stat, path=path)


@dataclass(frozen=True)
class StoredBatch:
    """An apply, undo or redo. counts: how many of its moves are in each state."""

    id: int
    kind: str
    state: str
    destination: Path
    run: int | None
    undoes_batch: int | None
    started_at: datetime
    finished_at: datetime | None
    counts: dict[str, int]
    mode: Mode


@dataclass(frozen=True)
class PrunedFolder:
    """A folder that a batch removed as it was empty, and what it was like."""

    path: Path
    permissions: int
    uid: int
    gid: int


def put_batch(
    session: Session,
    kind: BatchKind,
    destination: Path,
    *,
    run: int | None,
    undoes_batch: int | None,
    now: datetime,
    mode: Mode = "move",
) -> int:
    """Open a batch and return its number."""
    values = insert(MoveBatch).values(
        kind=kind,
        state="running",
        destination=destination,
        run=run,
        undoes_batch=undoes_batch,
        started_at=now,
        mode=mode,
    )
    return session.execute(values.returning(MoveBatch.id)).scalar_one()


def reopen_batch(session: Session, batch: int) -> None:
    """Take an interrupted batch up again, without the moves that it had not begun."""
    session.execute(delete(Move).where(Move.batch_id == batch, Move.state == "planned"))
    session.execute(
        update(MoveBatch).where(MoveBatch.id == batch).values(state="running", finished_at=None)
    )


def drop_planned(session: Session) -> None:
    """Forget what interrupted batches had not begun, and call those batches finished."""
    session.execute(delete(Move).where(Move.state == "planned"))
    session.execute(update(MoveBatch).where(MoveBatch.state == "partial").values(state="finished"))


def put_moves(
    session: Session, batch: int, moves: Iterable[PlannedMove], *, state: MoveState = "planned"
) -> None:
    """Add moves at the end of a batch."""
    last = session.scalar(select(func.max(Move.position)).where(Move.batch_id == batch))
    first = 0 if last is None else last + 1
    rows = [
        {
            "batch_id": batch,
            "position": position,
            "source": move.stat.path,
            "target": move.target,
            "blake3": move.blake3,
            "state": state,
            "undoes_move": move.undoes_move,
            "action": move.action,
            "is_sidecar": move.is_sidecar,
            **_identity(move.stat),
        }
        for position, move in enumerate(moves, start=first)
    ]
    if rows:
        session.execute(insert(Move), rows)


def set_state(session: Session, move: int, state: MoveState, reason: str | None = None) -> None:
    """Note how far a move is."""
    session.execute(update(Move).where(Move.id == move).values(state=state, reason=reason))


def set_target(session: Session, move: int, target: Path) -> None:
    """Give a move another target, before a file can have that name."""
    session.execute(update(Move).where(Move.id == move).values(target=target))


def set_stat(session: Session, move: int, stat: FileStat) -> None:
    """Note what a file that was touched since it was planned looks like now."""
    session.execute(update(Move).where(Move.id == move).values(**_identity(stat)))


def set_done(session: Session, move: int, stat: FileStat) -> None:
    """Note that a file has arrived, and what it looks like there, for its way back."""
    session.execute(
        update(Move).where(Move.id == move).values(state="done", reason=None, **_identity(stat))
    )


def finish_batch(session: Session, batch: int, *, now: datetime) -> None:
    """Close a batch: finished, or partial where moves are left."""
    left = session.scalar(
        select(func.count()).where(Move.batch_id == batch, Move.state.in_((*IN_FLIGHT, "planned")))
    )
    session.execute(
        update(MoveBatch)
        .where(MoveBatch.id == batch)
        .values(state="partial" if left else "finished", finished_at=now)
    )


def list_moves(
    session: Session, batch: int, states: Iterable[MoveState] | None = None
) -> list[JournalledMove]:
    """Return the moves of a batch in their order, all or those in some states."""
    query = select(Move).where(Move.batch_id == batch).order_by(Move.position)
    if states is not None:
        query = query.where(Move.state.in_(tuple(states)))
    return [_to_move(row) for row in session.scalars(query)]


def list_in_flight(session: Session) -> list[tuple[int, JournalledMove]]:
    """Return the moves that were begun and not settled, each with its batch."""
    query = select(Move).where(Move.state.in_(IN_FLIGHT)).order_by(Move.id)
    return [(row.batch_id, _to_move(row)) for row in session.scalars(query)]


def list_undoable(session: Session, batch: int) -> list[JournalledMove]:
    """Return the moves of a batch that were done and not put back, the last first."""
    query = (
        select(Move)
        .where(Move.batch_id == batch, Move.state == "done", ~_is_put_back())
        .order_by(Move.position.desc())
    )
    return [_to_move(row) for row in session.scalars(query)]


def count_undoable(session: Session) -> dict[int, int]:
    """Return how many moves of each batch were done and not put back; without those of none."""
    query = select(Move.batch_id, func.count()).where(Move.state == "done", ~_is_put_back())
    return dict(row for row in session.execute(query.group_by(Move.batch_id)))


def list_links(session: Session, destination: Path) -> list[JournalledMove]:
    """Return the symbolic links that batches with this destination made and none removed since."""
    query = (
        select(Move)
        .join(MoveBatch, Move.batch_id == MoveBatch.id)
        .where(
            Move.action == "symlink",
            Move.state == "done",
            MoveBatch.destination == destination,
            ~_is_put_back(),
        )
        .order_by(Move.id)
    )
    return [_to_move(row) for row in session.scalars(query)]


def list_copied(session: Session) -> list[Path]:
    """Return where copies and hard links lie that batches made and none removed since."""
    query = select(Move.target).where(
        Move.action.in_(("copy", "hardlink", "reflink")), Move.state == "done", ~_is_put_back()
    )
    return list(session.scalars(query))


def list_stragglers(session: Session, batch: int) -> list[tuple[JournalledMove, JournalledMove]]:
    """Return the sidecars that a batch has not moved, each after its video, which has arrived."""
    stragglers: list[tuple[JournalledMove, JournalledMove]] = []
    video: JournalledMove | None = None
    for move in list_moves(session, batch):
        if not move.is_sidecar:
            video = move
        elif video is not None and video.state in ("done", "both") and move.state == "planned":
            stragglers.append((video, move))
    return stragglers


def list_batches(session: Session) -> list[StoredBatch]:
    """Return all batches, the oldest first."""
    counts: dict[int, dict[str, int]] = {}
    for batch, state, count in session.execute(
        select(Move.batch_id, Move.state, func.count()).group_by(Move.batch_id, Move.state)
    ):
        counts.setdefault(batch, {})[state] = count
    return [
        StoredBatch(
            row.id,
            row.kind,
            row.state,
            row.destination,
            row.run,
            row.undoes_batch,
            row.started_at,
            row.finished_at,
            counts.get(row.id, {}),
            cast(Mode, row.mode),
        )
        for row in session.scalars(select(MoveBatch).order_by(MoveBatch.id))
    ]


def get_batch(session: Session, number: int) -> StoredBatch:
    """Return the batch of a number that is known to exist."""
    return next(batch for batch in list_batches(session) if batch.id == number)


def put_made_folder(session: Session, batch: int, folder: Path) -> None:
    """Note that a batch is about to make a folder."""
    known = select(MadeFolder.id).where(MadeFolder.batch_id == batch, MadeFolder.path == folder)
    if session.scalar(known) is None:
        session.execute(insert(MadeFolder).values(batch_id=batch, path=folder))


def list_made_folders(session: Session, batch: int) -> list[Path]:
    """Return the folders that a batch made, the deepest first."""
    folders = session.scalars(select(MadeFolder.path).where(MadeFolder.batch_id == batch))
    return sorted(folders, key=lambda folder: (-len(folder.parts), folder))


def list_folders_made_in(session: Session, destination: Path) -> list[Path]:
    """Return the folders that the batches with this destination made."""
    query = (
        select(MadeFolder.path)
        .join(MoveBatch, MadeFolder.batch_id == MoveBatch.id)
        .where(MoveBatch.destination == destination)
    )
    return list(session.scalars(query))


def forget_made_folder(session: Session, batch: int, folder: Path) -> None:
    """Note that a folder that a batch made is gone again."""
    session.execute(
        delete(MadeFolder).where(MadeFolder.batch_id == batch, MadeFolder.path == folder)
    )


def put_pruned_folder(session: Session, batch: int, folder: PrunedFolder) -> None:
    """Note that a batch is about to remove an empty folder."""
    table = PrunedFolderRow
    known = select(table.id).where(table.batch_id == batch, table.path == folder.path)
    if session.scalar(known) is None:
        session.execute(insert(table).values(batch_id=batch, **asdict(folder)))


def list_pruned_folders(session: Session, batch: int) -> list[PrunedFolder]:
    """Return the folders that a batch removed, each after those that it lies in."""
    rows = session.scalars(select(PrunedFolderRow).where(PrunedFolderRow.batch_id == batch))
    folders = [PrunedFolder(row.path, row.permissions, row.uid, row.gid) for row in rows]
    return sorted(folders, key=lambda folder: (len(folder.path.parts), folder.path))


def forget_pruned_folder(session: Session, batch: int, folder: Path) -> None:
    """Note that a folder that a batch removed, or was about to, is there."""
    table = PrunedFolderRow
    session.execute(delete(table).where(table.batch_id == batch, table.path == folder))


def _is_put_back() -> ColumnElement[bool]:
    """Whether another move has undone a move.

    A link that the update of a view had removed, and that came back when that was undone, can be
    removed again.
    """
    undo, again = aliased(Move), aliased(Move)
    batch = aliased(MoveBatch)
    standing = ("done", *IN_FLIGHT)
    came_back = (
        select(again.id).where(again.undoes_move == undo.id, again.state.in_(standing)).exists()
    )
    return (
        select(undo.id)
        .join(batch, undo.batch_id == batch.id)
        .where(
            undo.undoes_move == Move.id,
            undo.state.in_(standing),
            ~((batch.kind == "apply") & came_back),
        )
        .exists()
    )


def _identity(stat: FileStat) -> dict[str, int]:
    return {
        "size_bytes": stat.size_bytes,
        "mtime_ns": stat.mtime_ns,
        "device": stat.device,
        "inode": stat.inode,
    }


def _to_move(row: Move) -> JournalledMove:
    stat = FileStat(row.source, row.size_bytes, row.mtime_ns, row.device, row.inode)
    return JournalledMove(
        row.id,
        row.source,
        row.target,
        stat,
        row.blake3,
        row.state,
        row.reason,
        cast(Action, row.action),
        row.is_sidecar,
    )
