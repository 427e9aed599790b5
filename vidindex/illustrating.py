"""Write what is known of a library as one page with pictures. Changes nothing but that file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vidindex import deduplicating, depicting, looking, mapping
from vidindex.db import schema
from vidindex.errors import Refused, SystemStopped, UsageError
from vidindex.paths import StrPath, resolve
from vidindex.report import pages
from vidindex.report.content import Place
from vidindex.reporting import Reporter
from vidindex.store import files, thumbnails
from vidindex.whole_files import written_whole

MOST_PICTURES = 9


@dataclass(frozen=True)
class ReportRequest:
    """What is asked for. run: the one in use by default. version: of vidindex.

    exact_only: of duplicates, only files of one content, which are found at once. force: whatever
    file is there is replaced, not only an earlier report.
    """

    path: Path
    run: int | None
    extent: depicting.Extent
    exact_only: bool
    force: bool
    version: str


@dataclass(frozen=True)
class ReportResult:
    """What was written. pictures: in the page; left_out: those that would have been too much.

    is_stream: whether it went to a device or a pipe.
    """

    path: Path
    is_stream: bool
    size_bytes: int
    run: int | None
    videos: int
    clusters: int
    pictures: int
    left_out: int


def find_place(path: StrPath) -> Path:
    """Return where a report goes: links are resolved, but for those to a device or a pipe."""
    return Path(path).absolute() if os.fspath(path) and _is_stream(Path(path)) else resolve(path)


def write_report(library: Path, request: ReportRequest, reporter: Reporter) -> ReportResult:
    """Write a page about a run. An earlier report there is replaced, whole or not at all.

    Raises:
        UsageError: a number that is asked for makes no sense.
        Refused: there is no such run; or another file is there, or none can be made there.
        SystemStopped: the disk is full or failing.
    """
    _check(request.extent)
    replaces = _may_replace(request, library)
    seen = looking.look(library, request.run)
    drawn = _draw(library, seen, request, reporter)
    report = depicting.depict(library, seen, drawn, request.extent, request.version)
    loaded = 0

    def load_pictures(places: tuple[Place, ...]) -> dict[Place, bytes]:
        nonlocal loaded
        with schema.open_for_reading(library) as database, database.reading() as session:
            found = thumbnails.load_jpegs(session, places)
        loaded += len(found)
        return found

    size_bytes = _write(request.path, pages.render(report, load_pictures), replaces=replaces)
    return ReportResult(
        request.path,
        _is_stream(request.path),
        size_bytes,
        report.run.number if report.run else None,
        report.summary.videos,
        len(report.sheets),
        loaded,
        report.left_out,
    )


def _draw(
    library: Path, seen: looking.Seen, request: ReportRequest, reporter: Reporter
) -> depicting.Drawn:
    """Return the map, made if the library has none yet, and the duplicates."""
    recipe = seen.recipe if seen.recipe is not None and seen.recipe.vectors else None
    points = mapping.get_map(library, reporter, recipe.id).points if recipe else ()
    wanted = deduplicating.DuplicatesRequest(
        exact_only=request.exact_only or recipe is None, recipe=recipe.id if recipe else None
    )
    reporter.start("looking for duplicates", len(seen.places))
    groups = deduplicating.find_duplicates(library, wanted).groups
    reporter.advance(len(seen.places))
    reporter.finish()
    return depicting.Drawn(points, groups)


def _check(extent: depicting.Extent) -> None:
    if extent.videos < 1:
        raise UsageError(
            f"at least 1 video of each cluster is shown, not {extent.videos}", "leave --videos out"
        )
    if not 1 <= extent.pictures <= MOST_PICTURES:
        raise UsageError(
            f"a video has 1 to {MOST_PICTURES} pictures, not {extent.pictures}", "try --pictures 3"
        )
    if extent.max_bytes < 0:
        raise UsageError("the page cannot be smaller than nothing", "leave --max-mb out")


def _may_replace(request: ReportRequest, library: Path) -> bool:
    """Whether a file is there that the report takes the place of.

    Raises:
        Refused: it is another program's, or the user's, or one that the library needs.
    """
    path = request.path
    try:
        if _is_stream(path):
            return False
        if not stat.S_ISREG(path.stat().st_mode):
            raise Refused(f"{path} is no regular file", "choose another name for the report")
        with path.open("rb") as file:
            is_report = file.read(len(pages.FIRST_BYTES)) == pages.FIRST_BYTES
    except FileNotFoundError:
        if not os.access(path.parent, os.W_OK | os.X_OK):  # told before the work, not after it
            raise Refused(
                f"cannot write into {path.parent}",
                "check that the folder exists and may be written",
            ) from None
        return False
    except OSError as error:
        raise Refused(
            f"cannot look at {path}: {error.strerror}", "choose another name for the report"
        ) from error
    if is_report:
        return True
    if not request.force:
        raise Refused(
            f"{path} is there already, and no report of vidindex",
            "choose another name, or replace it with --force",
        )
    with schema.open_for_reading(library) as database, database.reading() as session:
        is_needed = files.find_file(session, path) is not None
    if is_needed or path.samefile(library):
        raise Refused(f"{path} belongs to the library", "choose another name for the report")
    return True


def _write(path: Path, pieces: Iterable[bytes], *, replaces: bool) -> int:
    size_bytes = 0
    if _is_stream(path):
        try:
            with path.open("wb", buffering=0) as stream:
                for piece in pieces:
                    size_bytes += _pour(stream.fileno(), piece)
        except OSError as error:
            raise SystemStopped(
                f"cannot write {path}: {error.strerror}", "choose another place for the report"
            ) from error
        return size_bytes
    with written_whole(path, replaces=replaces) as file:
        for piece in pieces:
            size_bytes += file.write(piece)
    return size_bytes


def _is_stream(path: Path) -> bool:
    """Whether a device or a pipe is there, which is written to as it is."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _pour(opened: int, piece: bytes) -> int:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(opened, rest) :]
    return len(piece)
