"""What a scan found, held against what the library knows: which files need to be read at all.

Pure: decides, changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vidindex.scanning import FileStat, Skipped
from vidindex.store.files import StoredFile
from vidindex.store.videos import KnownContent

# A file written within one step of its disk's clock after it was read keeps its time. FAT's
# clock has the coarsest step of those in use: 2 s.
CLOCK_STEP_NS = 2_000_000_000


@dataclass(frozen=True)
class Reading:
    """A file that must be read. blake3: None if its content must be hashed first."""

    stat: FileStat
    blake3: bytes | None


@dataclass(frozen=True)
class Reconciled:
    """The decision on each file.

    unchanged: have their vector. failed_before: have a stored failure, which stands.
    returned: rows that were missing or unreadable and are as they were. missing: rows whose file
    is gone. offline: roots without any video below which the library knows some.
    """

    unchanged: tuple[StoredFile, ...]
    failed_before: tuple[StoredFile, ...]
    to_read: tuple[Reading, ...]
    returned: tuple[StoredFile, ...]
    missing: tuple[StoredFile, ...]
    offline: tuple[Path, ...]


def reconcile(
    roots: Sequence[Path],
    found: Sequence[FileStat],
    skipped: Sequence[Skipped],
    *,
    known: Sequence[StoredFile],
    contents: Mapping[bytes, KnownContent],
    confirm_missing: bool = False,
) -> Reconciled:
    """Decide on each file that was found, and on each that was not.

    contents: what the library holds by the recipe in question.
    confirm_missing: no root is taken for offline.
    """
    rows = {row.stat.path: row for row in known}
    unchanged, failed_before, returned, to_read = [], [], [], []
    for stat in found:
        row = rows.get(stat.path)
        if row is None or row.blake3 is None or not is_trusted(row, stat):
            to_read.append(Reading(stat, None))
            continue
        if row.missing_since is not None:
            returned.append(row)
        content = contents[row.blake3]
        if content.has_vector:
            unchanged.append(row)
        elif content.failure is not None:
            failed_before.append(row)
        else:
            to_read.append(Reading(stat, row.blake3))
    offline = [] if confirm_missing else find_offline(roots, found, skipped, known)
    missing = find_missing(roots, offline, {stat.path for stat in found}, skipped, known)
    return Reconciled(
        tuple(unchanged),
        tuple(failed_before),
        tuple(to_read),
        tuple(returned),
        tuple(missing),
        tuple(offline),
    )


def is_trusted(row: StoredFile, stat: FileStat) -> bool:
    """Whether a file is certainly the one that was read, without reading it."""
    is_settled = row.stat.mtime_ns < row.checked_at_ns - CLOCK_STEP_NS
    return row.stat == stat and is_settled and row.read_error is None


def find_offline(
    roots: Iterable[Path],
    found: Iterable[FileStat],
    skipped: Sequence[Skipped],
    known: Iterable[StoredFile],
) -> list[Path]:
    """Return the roots that hold no video although the library knows some there.

    A drive that is not mounted looks just like this. A folder that cannot be read does not.
    """
    found_paths = [stat.path for stat in found]
    hidden = [entry.path for entry in skipped if entry.hides]
    present = [
        row.stat.path
        for row in known
        if row.missing_since is None
        and not any(row.stat.path.is_relative_to(path) for path in hidden)
    ]
    return [
        root
        for root in roots
        if not any(path.is_relative_to(root) for path in found_paths)
        and any(path.is_relative_to(root) for path in present)
    ]


def find_missing(
    roots: Sequence[Path],
    offline: Sequence[Path],
    found: set[Path],
    skipped: Sequence[Skipped],
    known: Iterable[StoredFile],
) -> list[StoredFile]:
    """Return the rows below the roots whose file is gone, where the scan could see."""
    hidden = [*offline, *(entry.path for entry in skipped if entry.hides)]
    return [
        row
        for row in known
        if row.missing_since is None
        and row.stat.path not in found
        and any(row.stat.path.is_relative_to(root) for root in roots)
        and not any(row.stat.path.is_relative_to(path) for path in hidden)
        and not os.path.lexists(row.stat.path)
    ]
