"""The tables of the journal of moves.

They copy what they need, so that undo works whatever happens to the other tables.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from vidindex.db.base import HASH_BYTES, Base, one_of, sized


class MoveBatch(Base):
    """One apply, undo, or redo: the undo of an undo.

    undoes_batch: what it puts back. mode: how files come to their targets, or came to where they
    are put back from.
    """

    __tablename__ = "move_batches"
    __table_args__ = (
        one_of("kind", "apply", "undo", "redo"),
        one_of("state", "running", "finished", "partial"),
        one_of("mode", "move", "copy", "hardlink", "symlink", "reflink", "reflink-auto"),
        CheckConstraint("(kind = 'apply') = (undoes_batch IS NULL)", name="names_what_it_undoes"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    destination: Mapped[Path]
    run: Mapped[int | None]
    undoes_batch: Mapped[int | None] = mapped_column(ForeignKey("move_batches.id"))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    mode: Mapped[str] = mapped_column(server_default="move")


class Move(Base):
    """One file's way from source to target, with what identifies the file.

    action: what is done to the disk. remove, unlink: the source, a copy or a symbolic link that
    another batch made of the target, goes. is_sidecar: it goes along with the video before it.
    """

    __tablename__ = "moves"
    __table_args__ = (
        UniqueConstraint("batch_id", "position"),
        one_of("state", "planned", "started", "copied", "done", "both", "skipped", "failed"),
        one_of("action", "move", "copy", "hardlink", "symlink", "reflink", "remove", "unlink"),
        sized("blake3", HASH_BYTES),
        CheckConstraint("source != target", name="goes_somewhere"),
        Index(None, "undoes_move"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("move_batches.id"))
    position: Mapped[int]
    source: Mapped[Path]
    target: Mapped[Path]
    size_bytes: Mapped[int]
    mtime_ns: Mapped[int]
    device: Mapped[int]
    inode: Mapped[int]
    blake3: Mapped[bytes]
    state: Mapped[str]
    reason: Mapped[str | None]
    undoes_move: Mapped[int | None] = mapped_column(ForeignKey("moves.id"))
    action: Mapped[str] = mapped_column(server_default="move")
    is_sidecar: Mapped[bool] = mapped_column(server_default=false())


class MadeFolder(Base):
    """A folder that a batch made, and that undo removes again when it is empty."""

    __tablename__ = "made_folders"
    __table_args__ = (UniqueConstraint("batch_id", "path"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("move_batches.id"))
    path: Mapped[Path]


class PrunedFolder(Base):
    """A folder that a batch emptied and removed, and that undo makes again as it was."""

    __tablename__ = "pruned_folders"
    __table_args__ = (UniqueConstraint("batch_id", "path"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("move_batches.id"))
    path: Mapped[Path]
    permissions: Mapped[int]
    uid: Mapped[int]
    gid: Mapped[int]
