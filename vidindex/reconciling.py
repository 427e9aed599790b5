"""What a scan found, held against what the library knows: which files need to be read at all.

Decides, changes nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vidindex.paths import PathSet, is_file_at
from vidindex.scanning import FileStat, Skipped
from vidindex.store.files import StoredFile
from vidindex.store.videos import KnownContent

# Of a file that was touched so lately more may come: it is read last.
RESTLESS_NS = 5_000_000_000
# A single file may well have got another name and another content at once. If several known files
# are gone and nothing of them is found anywhere, another disk is more likely.
FEWEST_OF_A_DISK = 2


@dataclass(frozen=True)
class Reading:
    """A file that must be read.

    blake3: None if its content must be hashed first. expected: the hash that the library holds of
    a file that is only to be verified, as its stat says that it did not change.
    """

    stat: FileStat
    blake3: bytes | None
    expected: bytes | None = None


@dataclass(frozen=True)
class Reconciled:
    """The decision on each file.

    unchanged: have their vector. failed_before: have a stored failure, which stands. to_read: the
    lately touched last.
    returned: rows that were missing or unreadable and are as they were. missing: rows whose file
    is gone.
    offline: roots below which nothing is found of the files that the library knows there, as if
    their disk were not mounted, or another one were. unconfirmed: the rows of those files, which
    are not marked missing. foreign: files that were found there, which are not read.
    """

    unchanged: tuple[StoredFile, ...]
    failed_before: tuple[StoredFile, ...]
    to_read: tuple[Reading, ...]
    returned: tuple[StoredFile, ...]
    missing: tuple[StoredFile, ...]
    offline: tuple[Path, ...]
    unconfirmed: tuple[StoredFile, ...]
    foreign: tuple[FileStat, ...]


def reconcile(
    roots: Sequence[Path],
    found: Sequence[FileStat],
    skipped: Sequence[Skipped],
    *,
    known: Sequence[StoredFile],
    contents: Mapping[bytes, KnownContent],
    confirm_missing: bool = False,
    verify: bool = False,
    now_ns: int | None = None,
) -> Reconciled:
    """Decide on each file that was found, and on each that was not.

    roots: those of the scan, with the targets of the links that it followed.
    contents: what the library holds by the recipe in question.
    confirm_missing: no root is taken for offline.
    verify: files are read even if their stat says that they did not change.
    now_ns: the time; by default the clock's.
    """
    rows = {row.stat.path: row for row in known}
    gone, there = look(roots, rows, found, skipped)
    new = [stat for stat in found if stat.path not in rows]
    offline = [] if confirm_missing or not gone else find_offline(roots, gone, there, new)
    absent = PathSet(offline)
    sorter = _Sorter(contents, verify=verify)
    for stat in found:
        if not absent.covers(stat.path):
            sorter.add(stat, rows.get(stat.path))
    now_ns = time.time_ns() if now_ns is None else now_ns
    sorter.to_read.sort(key=lambda reading: reading.stat.mtime_ns > now_ns - RESTLESS_NS)
    return Reconciled(
        tuple(sorter.unchanged),
        tuple(sorter.failed_before),
        tuple(sorter.to_read),
        tuple(sorter.returned),
        tuple(row for row in gone if not absent.covers(row.stat.path)),
        tuple(offline),
        tuple(row for row in gone if absent.covers(row.stat.path)),
        tuple(stat for stat in found if absent.covers(stat.path)),
    )


class _Sorter:
    """Sorts the files that were found by what must be done with them."""

    def __init__(self, contents: Mapping[bytes, KnownContent], *, verify: bool) -> None:
        self._contents = contents
        self._verify = verify
        self.unchanged: list[StoredFile] = []
        self.failed_before: list[StoredFile] = []
        self.to_read: list[Reading] = []
        self.returned: list[StoredFile] = []

    def add(self, stat: FileStat, row: StoredFile | None) -> None:
        if row is None or row.blake3 is None or not is_trusted(row, stat):
            self.to_read.append(Reading(stat, None))
            return
        if row.missing_since is not None:
            self.returned.append(row)
        content = self._contents[row.blake3]
        if self._verify:
            self.to_read.append(Reading(stat, None, expected=row.blake3))
        elif content.has_vector:
            self.unchanged.append(row)
        elif content.failure is not None:
            self.failed_before.append(row)
        else:
            self.to_read.append(Reading(stat, row.blake3))


def is_trusted(row: StoredFile, stat: FileStat) -> bool:
    """Whether a file is certainly the one that was read, without reading it."""
    return row.stat == stat and row.stat.was_at_rest(row.checked_at_ns) and row.read_error is None


def look(
    roots: Iterable[Path],
    rows: Mapping[Path, StoredFile],
    found: Iterable[FileStat],
    skipped: Iterable[Skipped],
) -> tuple[list[StoredFile], list[StoredFile]]:
    """Return the rows whose file is gone since, where the scan could see, and those that are there.

    A file may be there and not be found: the suffixes in the settings are others now, say.
    """
    in_sight, hidden = PathSet(roots), PathSet(entry.path for entry in skipped if entry.hides)
    found_paths = {stat.path for stat in found}
    gone: list[StoredFile] = []
    there: list[StoredFile] = []
    for path, row in rows.items():
        if path in found_paths:
            there.append(row)
        elif row.missing_since is None and in_sight.covers(path) and not hidden.covers(path):
            (there if is_file_at(path) else gone).append(row)
    return gone, there


def find_offline(
    roots: Sequence[Path],
    gone: Iterable[StoredFile],
    there: Iterable[StoredFile],
    new: Sequence[FileStat],
) -> list[Path]:
    """Return the roots below which all known files are gone, as if their disk were not there.

    A disk that is not mounted leaves an empty folder, or none; another disk in its place holds
    other files. new: files that were found where the library knows none. If a known one is among
    them under another name, its folder was renamed, and is no other disk.
    """
    branches = PathSet(roots)
    identities = {identity_of(stat) for stat in new}
    lost: Counter[Path] = Counter()
    in_use = {root for row in there for root in branches.above(row.stat.path)}
    for row in gone:
        above = branches.above(row.stat.path)
        lost.update(above)
        if identity_of(row.stat) in identities:
            in_use.update(above)
    filled = {root for stat in new for root in branches.above(stat.path)}
    return [
        root
        for root in dict.fromkeys(roots)
        if lost[root] >= (FEWEST_OF_A_DISK if root in filled else 1) and root not in in_use
    ]


def identity_of(stat: FileStat) -> tuple[int, int, int]:
    """Return what a file keeps when it is renamed; the device's number may change at a boot."""
    return stat.size_bytes, stat.mtime_ns, stat.inode
