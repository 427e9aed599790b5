"""A plan of moves as a file: written, looked at, and carried out later, exactly as it is.

One JSON object::

    {"vidindex_plan": 1,
     "blake3": …   of the plan as compact JSON with sorted keys: an edited or damaged one is refused
     "plan": {"run": …, "destination": …, "mode": …, "prune_empty": …, "moves": [
        {"action": …, "source": …, "target": …, "is_sidecar": …, "undoes_move": …, "blake3": …,
         "size_bytes": …, "mtime_ns": …, "device": …, "inode": …}]}}

A path that is not UTF-8 is escaped under its key, and exact, as base64, under its key and _b64.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from blake3 import blake3

from vidindex.disk_errors import FULL, STOPS, TargetTaken
from vidindex.errors import ItemError, Refused, SystemStopped
from vidindex.places import FileIdentity, exists
from vidindex.renames import publish
from vidindex.scanning import PART_PREFIX, SIGNED_64, FileStat
from vidindex.store.moves import Action, Mode, PlannedMove

FORMAT = 1
_WRITE_AGAIN = "write it again: vidindex apply DEST --plan FILE"
# What an apply plans; copies are removed by undo alone.
_ACTIONS = frozenset(get_args(Action)) - {"remove"}
_MODES = frozenset(get_args(Mode))
_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class PlanFile:
    """The moves of an apply in their order, and what else it needs.

    run: the clustering that it goes by. destination: absolute; every target is below it, or the
    source where a link is removed. prune_empty: whether folders that it empties are removed.
    """

    run: int | None
    destination: Path
    mode: Mode
    prune_empty: bool
    moves: tuple[PlannedMove, ...]


def write_plan(path: Path, content: PlanFile) -> None:
    """Write a plan to a new file, on the disk when this returns. Never replaces anything.

    Raises:
        Refused: something has the name, or no file can be made there; nothing was written.
        SystemStopped: the disk is full or failing; nothing of it stays.
    """
    _refuse_taken(path)
    plan = _to_json(content)
    whole = {"vidindex_plan": FORMAT, "blake3": _digest(plan), "plan": plan}
    unfinished = path.with_name(f"{PART_PREFIX}{secrets.token_hex(4)}.part")
    try:
        with unfinished.open("x", encoding="ascii") as file:
            file.write(json.dumps(whole, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        publish(unfinished, path, FileIdentity.of(unfinished), root=path.parent)
    except TargetTaken as error:
        raise _taken(path) from error
    except OSError as error:
        raise _unwritable(path, error) from error
    except ItemError as error:
        raise Refused(error.message, "choose another place for the plan") from error
    finally:
        with contextlib.suppress(OSError):  # such a file is passed over by every scan
            unfinished.unlink()


def read_plan(path: Path) -> PlanFile:
    """Read a plan that `write_plan` wrote.

    Raises:
        Refused: it cannot be read, is no plan or that of another format, was changed since it was
            written, or would lead out of its destination.
    """
    try:
        whole = json.loads(_read(path))
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}", "check its name") from error
    except (ValueError, RecursionError) as error:
        raise _no_plan(path) from error
    if not isinstance(whole, dict) or "vidindex_plan" not in whole:
        raise _no_plan(path)
    if whole["vidindex_plan"] != FORMAT:
        raise Refused(
            f"{path} is a plan of another format than {FORMAT}, as of a newer vidindex",
            f"update vidindex, or {_WRITE_AGAIN}",
        )
    plan = whole.get("plan")
    try:
        is_intact = whole.get("blake3") == _digest(plan)
    except RecursionError as error:
        raise _no_plan(path) from error
    if not is_intact:
        raise Refused(f"{path} was changed since it was written, or is damaged", _WRITE_AGAIN)
    try:
        return _from_json(plan)
    except ValueError as error:
        raise Refused(
            f"{path} is no plan that can be carried out: {error}", _WRITE_AGAIN
        ) from error


def _read(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise ValueError("opening a named pipe could wait for ever")
    with path.open("rb") as file:
        start = file.read(1)
        if start != b"{":
            raise ValueError("no JSON object, and perhaps a video of many gigabytes")
        return (start + file.read()).decode()


def _no_plan(path: Path) -> Refused:
    return Refused(f"{path} is no plan of moves", "vidindex apply DEST --plan FILE writes one")


def _taken(path: Path) -> Refused:
    return Refused(f"{path} is there already", "choose another name for the plan")


def _refuse_taken(path: Path) -> None:
    try:
        is_taken = exists(path)
    except ItemError as error:
        raise Refused(error.message, "choose another place for the plan") from error
    if is_taken:
        raise _taken(path)


def _unwritable(path: Path, error: OSError) -> Refused | SystemStopped:
    message = f"cannot write {path}: {error.strerror}"
    if error.errno in FULL | STOPS:
        return SystemStopped(message, "make room or check the disk; nothing was moved")
    return Refused(message, "choose another place for the plan")


def _digest(plan: Any) -> str:
    text = json.dumps(plan, sort_keys=True, separators=(",", ":"))
    return blake3(text.encode("ascii")).hexdigest()


def _to_json(content: PlanFile) -> dict[str, Any]:
    moves: list[dict[str, Any]] = [
        {"action": move.action}
        | _encoded("source", move.stat.path)
        | _encoded("target", move.target)
        | {
            "is_sidecar": move.is_sidecar,
            "undoes_move": move.undoes_move,
            "blake3": move.blake3.hex(),
            "size_bytes": move.stat.size_bytes,
            "mtime_ns": move.stat.mtime_ns,
            "device": move.stat.device,
            "inode": move.stat.inode,
        }
        for move in content.moves
    ]
    return {
        "run": content.run,
        **_encoded("destination", content.destination),
        "mode": content.mode,
        "prune_empty": content.prune_empty,
        "moves": moves,
    }


def _encoded(key: str, path: Path) -> dict[str, Any]:
    raw = os.fsencode(path)
    try:
        return {key: raw.decode()}
    except UnicodeDecodeError:
        readable = raw.decode(errors="backslashreplace")
        return {key: readable, f"{key}_b64": base64.b64encode(raw).decode()}


def _from_json(plan: Any) -> PlanFile:
    """Raises ValueError with what is wrong."""
    found = _of_type(plan, dict, "plan")
    destination = _path(found, "destination")
    moves = tuple(
        _to_move(_of_type(entry, dict, "move"), destination)
        for entry in _of_type(found.get("moves"), list, "moves")
    )
    arriving = [move.target for move in moves if move.action != "unlink"]
    if len(set(arriving)) < len(arriving):
        raise ValueError("two files would go to one place")
    return PlanFile(
        _number_or_none(found, "run"),
        destination,
        cast(Mode, _one_of(found, "mode", _MODES)),
        _of_type(found.get("prune_empty"), bool, "prune_empty"),
        moves,
    )


def _to_move(entry: dict[str, Any], destination: Path) -> PlannedMove:
    source, target = _path(entry, "source"), _path(entry, "target")
    action = cast(Action, _one_of(entry, "action", _ACTIONS))
    ours = source if action == "unlink" else target
    if destination not in ours.parents:
        raise ValueError(f"{ours} is not below {destination}")
    if source == target:
        raise ValueError(f"{source} would not go anywhere")
    digest = _of_type(entry.get("blake3"), str, "blake3")
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError("a blake3 is not 64 hexadecimal digits")
    stat = FileStat(
        source,
        _number(entry, "size_bytes"),
        _number(entry, "mtime_ns", least=-SIGNED_64 - 1),
        _number(entry, "device"),
        _number(entry, "inode"),
    )
    return PlannedMove(
        stat,
        bytes.fromhex(digest),
        target,
        undoes_move=_number_or_none(entry, "undoes_move"),
        action=action,
        is_sidecar=_of_type(entry.get("is_sidecar"), bool, "is_sidecar"),
    )


def _path(entry: dict[str, Any], key: str) -> Path:
    text = _of_type(entry.get(key), str, key)
    raw = text.encode()
    if f"{key}_b64" in entry:
        raw = base64.b64decode(_of_type(entry[f"{key}_b64"], str, f"{key}_b64"), validate=True)
    path = Path(os.fsdecode(raw))
    is_plain = raw == os.fsencode(path) and not raw.startswith(b"//")
    if not path.is_absolute() or not is_plain or ".." in path.parts or b"\0" in raw:
        raise ValueError(f"{text!r} is no absolute path, or not a plain one")
    return path


def _one_of(entry: dict[str, Any], key: str, allowed: frozenset[str]) -> str:
    value = _of_type(entry.get(key), str, key)
    if value not in allowed:
        raise ValueError(f"the {key} {value!r} is unknown")
    return value


def _number(entry: dict[str, Any], key: str, *, least: int = 0) -> int:
    value = _of_type(entry.get(key), int, key)
    if not least <= value <= SIGNED_64:
        raise ValueError(f"the {key} {value} is out of range")
    return value


def _number_or_none(entry: dict[str, Any], key: str) -> int | None:
    return None if entry.get(key) is None else _number(entry, key)


def _of_type(value: Any, kind: type[_Kind], what: str) -> _Kind:
    if type(value) is not kind:
        raise ValueError(f"it has no right {what}")
    return value
