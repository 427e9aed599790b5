"""What the tests of reconciling share: files as a scan finds them and as the library knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vidindex.reconciling import reconcile
from vidindex.scanning import FileStat, Skipped
from vidindex.store.files import StoredFile
from vidindex.store.videos import KnownContent

ROOT = Path("/nowhere/videos")
HASH, OTHER_HASH = bytes(32), bytes([1] * 32)
WRITTEN_NS = 1_600_000_000_000_000_000
READ_NS = WRITTEN_NS + 60_000_000_000
YESTERDAY = datetime(2020, 1, 1, tzinfo=UTC)
WITH_VECTOR = {HASH: KnownContent(1, has_vector=True)}
WITH_FAILURE = {HASH: KnownContent(1, failure="no frame could be decoded")}
OF_ANOTHER_RECIPE = {HASH: KnownContent(1)}


def stat_of(name: str, **changes: Any) -> FileStat:
    """A file as a scan finds it."""
    return replace(FileStat(ROOT / name, 1000, WRITTEN_NS, 5, 77), **changes)


def row_of(name: str, **changes: Any) -> StoredFile:
    """The same file as the library knows it, read when it was at rest."""
    row = StoredFile(1, stat_of(name), READ_NS, 1, HASH, missing_since=None, read_error=None)
    return replace(row, **changes)


def decide(
    found: Iterable[FileStat] = (),
    known: Iterable[StoredFile] = (),
    *,
    contents: Mapping[bytes, KnownContent] | None = None,
    skipped: Iterable[Skipped] = (),
    roots: Sequence[Path] = (ROOT,),
    **keywords: Any,
) -> dict[str, list[Any]]:
    """The parts of the decision that are not empty."""
    decided = reconcile(
        roots,
        list(found),
        list(skipped),
        known=list(known),
        contents=WITH_VECTOR if contents is None else contents,
        **keywords,
    )
    return {name: list(part) for name, part in vars(decided).items() if part}
