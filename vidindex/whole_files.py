"""Files of results that are there whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from blake3 import blake3

from vidindex.disk_errors import FULL, STOPS, TargetTaken
from vidindex.errors import ItemError, Refused, SystemStopped
from vidindex.folders import fsync_folder
from vidindex.places import FileIdentity
from vidindex.renames import publish
from vidindex.scanning import PART_PREFIX


@contextmanager
def written_whole(path: Path, *, replaces: bool = False) -> Iterator[BinaryIO]:
    """Have a stream whose content becomes the file at a path when the block ends without an error.

    Until then the name is free, or still that of the earlier file. replaces: an earlier regular
    file, which the new one takes the permissions of; otherwise nothing is replaced.

    Raises:
        Refused: something has the name, no file can be made there, or another process is writing
            the same one.
        SystemStopped: the disk is full or failing; an earlier file is as it was.
    """
    earlier = _earlier(path, replaces=replaces)
    # One name for each target: what a killed run has left is written over by the next.
    part = path.with_name(f"{PART_PREFIX}{blake3(os.fsencode(path.name)).hexdigest(8)}.part")
    try:
        with _opened_part(part, path) as stream:
            try:
                yield stream
                if earlier is not None:
                    os.fchmod(stream.fileno(), stat.S_IMODE(earlier.st_mode))
                stream.flush()
                os.fsync(stream.fileno())
                _give_name(part, path, replaces=replaces)
            finally:
                with contextlib.suppress(FileNotFoundError):  # it has its name
                    part.unlink()
    except TargetTaken as error:
        raise _taken(path) from error
    except ItemError as error:
        raise Refused(error.message, "choose another place for the file") from error
    except OSError as error:
        raise _unwritable(path, error) from error


def _earlier(path: Path, *, replaces: bool) -> os.stat_result | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unwritable(path, error) from error
    if not stat.S_ISREG(found.st_mode):
        raise Refused(f"{path} is there already, and is no regular file", "choose another name")
    if not replaces:
        raise _taken(path)
    return found


@contextmanager
def _opened_part(part: Path, path: Path) -> Iterator[BinaryIO]:
    """Open the part, emptied, for this process alone."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(part, flags, 0o666), "wb") as stream:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_mine = os.path.samestat(os.fstat(stream.fileno()), part.lstat())
        except (BlockingIOError, FileNotFoundError):  # or finished between the opening and the lock
            is_mine = False
        if not is_mine:
            raise Refused(f"another process is writing {path}", "wait until it has finished")
        stream.truncate(0)
        yield stream


def _give_name(part: Path, path: Path, *, replaces: bool) -> None:
    if replaces:
        part.replace(path)
        fsync_folder(path.parent)
    else:
        publish(part, path, FileIdentity.of(part), root=path.parent)


def _taken(path: Path) -> Refused:
    return Refused(f"{path} is there already", "choose another name, or replace it with --force")


def _unwritable(path: Path, error: OSError) -> Refused | SystemStopped:
    message = f"cannot write {path}: {error.strerror}"
    if error.errno in FULL:
        return SystemStopped(message, "make room, then run the command again")
    if error.errno in STOPS:
        return SystemStopped(message, "check the disk, then run the command again")
    return Refused(message, "check that its folder exists and may be written")
