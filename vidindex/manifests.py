"""The spare key of undo: each batch of moves as a text file beside the library.

The journal in the database is the record of truth. Should the database be lost, a manifest still
tells every name that a file may have: it is on the disk before the first file moves, and grows by
a line before a file gets another name than planned and before a folder is made.

JSON lines; paths are base64 of the bytes that the file system knows::

    {"batch": 1, "kind": "apply", "destination": …, "mode": "move"}
    {"move": 7, "source": …, "target": …, "size_bytes": …, "mtime_ns": …, "device": …,
     "inode": …, "blake3": …, "action": "move"}
    {"move": 7, "target": …}   the file will get another name
    {"made": …}                a folder will be made
    {"pruned": …, "permissions": …, "uid": …, "gid": …}    an empty folder will be removed
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from vidindex.errors import Refused, SystemStopped
from vidindex.folders import fsync_folder
from vidindex.scanning import FileStat
from vidindex.store.moves import (
    Action,
    JournalledMove,
    Mode,
    PlannedMove,
    PrunedFolder,
    StoredBatch,
)


@dataclass(frozen=True)
class ManifestContent:
    """What a manifest says: its moves with their last targets, and the folders that were made."""

    kind: str
    destination: Path
    moves: tuple[PlannedMove, ...]
    made_folders: tuple[Path, ...]
    pruned_folders: tuple[PrunedFolder, ...]
    mode: Mode


class Manifest:
    """The manifest of one batch, written line by line, each on the disk before the call returns.

    Raises, from every method:
        SystemStopped: it cannot be written.
    """

    def __init__(self, library: Path, batch: int) -> None:
        folder = library.with_name(library.name + ".moves")
        self.path = folder / f"batch-{batch:04d}.jsonl"

    def begin(self, batch: StoredBatch, moves: Iterable[JournalledMove]) -> None:
        """Write the planned moves of a batch, or add those of one that is taken up again."""
        lines: list[dict[str, Any]] = [
            {
                "batch": batch.id,
                "kind": batch.kind,
                "destination": _encoded(batch.destination),
                "mode": batch.mode,
            }
        ]
        lines += [
            {
                "move": move.id,
                "source": _encoded(move.source),
                "target": _encoded(move.target),
                "size_bytes": move.stat.size_bytes,
                "mtime_ns": move.stat.mtime_ns,
                "device": move.stat.device,
                "inode": move.stat.inode,
                "blake3": move.blake3.hex(),
                "action": move.action,
            }
            for move in moves
        ]
        self._append(lines)

    def rename(self, move: int, target: Path) -> None:
        """Note that a file will get another name than planned."""
        self._append([{"move": move, "target": _encoded(target)}])

    def add_folder(self, folder: Path) -> None:
        """Note that a folder will be made."""
        self._append([{"made": _encoded(folder)}])

    def add_pruned_folder(self, folder: PrunedFolder) -> None:
        """Note that an empty folder will be removed."""
        described = asdict(folder) | {"pruned": _encoded(folder.path)}
        del described["path"]
        self._append([described])

    def _append(self, lines: Iterable[dict[str, Any]]) -> None:
        text = "".join(json.dumps(line) + "\n" for line in lines)
        try:
            self.path.parent.mkdir(exist_ok=True)
            is_new = not self.path.exists()
            with self.path.open("a", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SystemStopped(
                f"cannot write {self.path}: {error.strerror}", "make room, then run it again"
            ) from error
        if is_new:
            fsync_folder(self.path.parent)
            fsync_folder(self.path.parent.parent)


def read_manifest(path: Path) -> ManifestContent:
    """Read a manifest; a last line that was cut off is passed over.

    Raises:
        Refused: it cannot be read, or is no manifest.
    """
    try:
        *lines, _cut_off = path.read_text(encoding="ascii").split("\n")
        entries = [json.loads(line) for line in lines]
        head = entries[0]
        moves: dict[int, PlannedMove] = {}
        made: list[Path] = []
        pruned: list[PrunedFolder] = []
        for entry in entries:
            if "made" in entry:
                made.append(_decoded(entry["made"]))
            elif "pruned" in entry:
                numbers = [int(entry[key]) for key in ("permissions", "uid", "gid")]
                pruned.append(PrunedFolder(_decoded(entry["pruned"]), *numbers))
            elif "source" in entry:
                moves[entry["move"]] = _to_move(entry)
            elif "move" in entry:
                target = _decoded(entry["target"])
                moves[entry["move"]] = replace(moves[entry["move"]], target=target)
        return ManifestContent(
            head["kind"],
            _decoded(head["destination"]),
            tuple(moves.values()),
            tuple(made),
            tuple(pruned),
            _one_of(head.get("mode", "move"), Mode),
        )
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}", "check its name") from error
    except (ValueError, LookupError, TypeError) as error:
        raise Refused(
            f"{path} is no manifest of moves", "they lie beside the library, in its .moves folder"
        ) from error


def _to_move(entry: dict[str, Any]) -> PlannedMove:
    numbers = [entry[key] for key in ("size_bytes", "mtime_ns", "device", "inode")]
    stat = FileStat(_decoded(entry["source"]), *numbers)
    action = _one_of(entry.get("action", "move"), Action)
    return PlannedMove(
        stat, bytes.fromhex(entry["blake3"]), _decoded(entry["target"]), action=action
    )


def _one_of(value: Any, choices: Any) -> Any:
    if value not in get_args(choices):
        raise ValueError(value)
    return value


def _encoded(path: Path) -> str:
    return base64.b64encode(os.fsencode(path)).decode("ascii")


def _decoded(text: str) -> Path:
    return Path(os.fsdecode(base64.b64decode(text, validate=True)))
