"""What a file carries beside its content: owner, extended attributes, permissions and times."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Callable
from functools import partial

from vidindex.disk_errors import FULL, STOPS

_ACCESS_LIST = "system.posix_acl_access"
_OWNING_GROUP = 0x04  # the tag ACL_GROUP_OBJ of an entry (linux/posix_acl.h)
_GET_FLAGS = 0x80086601  # ioctl_iflags(2)
_FLAGS = {0x10: "immutable flag", 0x20: "append-only flag"}


def copy_metadata(source: int, target: int, found: os.stat_result) -> tuple[str, ...]:
    """Give an open file the owner, attributes, mode and times of another.

    found: the stat of the source before it was read. Returns what could not be kept: see `Copied`.

    Raises:
        OSError: the disk is failing.
    """
    lost: list[str] = []

    def keep(what: str, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as error:
            if error.errno in STOPS - FULL:  # "full" is here said of an attribute's room
                raise
            if what not in lost:
                lost.append(what)

    # In this order, as each changes those before it.
    keep("owner", partial(_copy_owner, target, found))
    names = _list_attributes(source)
    if _ACCESS_LIST in set(_list_attributes(target)) - set(names):
        # From its folder; it would let others in than the source does.
        keep("permissions", partial(os.removexattr, target, _ACCESS_LIST))
    for name in names:
        keep(f"attribute {name}", partial(_copy_attribute, source, target, name))
    mode = stat.S_IMODE(found.st_mode)
    if lost:
        mode &= 0o777  # another owner must not inherit a set-id bit
    if f"attribute {_ACCESS_LIST}" in lost:
        mode = _without_list(mode, os.getxattr(source, _ACCESS_LIST))
    keep("permissions", partial(os.fchmod, target, mode))
    keep("times", partial(os.utime, target, ns=(found.st_atime_ns, found.st_mtime_ns)))
    return (*lost, *_silently_lost(target, found, mode, lost), *_list_flags(source))


def _copy_owner(target: int, found: os.stat_result) -> None:
    try:
        os.fchown(target, found.st_uid, found.st_gid)
    except PermissionError:
        with contextlib.suppress(PermissionError):
            os.fchown(target, -1, found.st_gid)  # the group may be one's own all the same
        raise


def _list_attributes(opened: int) -> list[str]:
    try:
        return sorted(os.listxattr(opened))
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return []
        raise


def _copy_attribute(source: int, target: int, name: str) -> None:
    os.setxattr(target, name, os.getxattr(source, name))


def _without_list(mode: int, access_list: bytes) -> int:
    """Return the mode for a file that cannot have its access list.

    With one, the group's bits of a mode are the most that anybody on the list may do, not what
    the group may (acl(5)).
    """
    entries = struct.iter_unpack("<HHI", access_list[4:])
    group_bits: int = next(bits for tag, bits, _ in entries if tag == _OWNING_GROUP)
    return mode & (~0o070 | group_bits << 3)


def _silently_lost(target: int, found: os.stat_result, mode: int, lost: list[str]) -> list[str]:
    """Look for what the disk took without an error: it may have no rights, or a coarser clock."""
    now = os.fstat(target)
    differs = {
        "permissions": stat.S_IMODE(now.st_mode) != mode,
        "times": now.st_mtime_ns != found.st_mtime_ns,
        "hard links": found.st_nlink > 1,
    }
    return [what for what, is_lost in differs.items() if is_lost and what not in lost]


def _list_flags(opened: int) -> list[str]:
    try:
        (flags,) = struct.unpack("=i4x", fcntl.ioctl(opened, _GET_FLAGS, bytes(8)))
    except OSError:
        return []  # its file system has no such thing
    return [name for flag, name in _FLAGS.items() if flags & flag]
