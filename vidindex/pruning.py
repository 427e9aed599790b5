"""Let go of files that are gone: the one way by which the library loses a vector.

A file may only seem to be gone, because its disk is absent. So a row is dropped only if an index
run has missed its file, and the file is not there now either, and the disk that held it is; and
never most rows of a folder or of the library at once, but by force.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.errors import Refused
from vidindex.grounds import existing_ancestor
from vidindex.recovering import recover
from vidindex.reporting import Problem, Reporter
from vidindex.scanning import FileStat
from vidindex.store import files, pruning
from vidindex.store.files import StoredFile
from vidindex.store.pruning import StoredResults


@dataclass(frozen=True)
class PruneRequest:
    """What may be dropped.

    paths: only files at or below these, each of which must be known; all files if there is none.
    older_than_days: only files that have been missing for so long.
    force: also most files of a folder, and files whose disk seems to be absent.
    """

    paths: tuple[Path, ...] = ()
    older_than_days: int = 0
    force: bool = False


@dataclass(frozen=True)
class PruneResult:
    """What was dropped, or would be: is_done tells which.

    files: the rows of files that are gone, by path. video_ids: the contents that no file holds
    any more; vectors, failures: what is stored of those. returned: how many files were missed
    once and are there again. absent: how many are left because their disk seems to be absent.
    problems: what an earlier apply or undo had left in a state that could not be settled.
    """

    files: tuple[StoredFile, ...]
    video_ids: tuple[int, ...]
    vectors: int
    failures: int
    returned: int
    absent: int
    problems: tuple[Problem, ...] = ()
    is_done: bool = False

    @property
    def size_bytes(self) -> int:
        """How large the files were."""
        return sum(file.stat.size_bytes for file in self.files)


def prune(
    library: Path,
    request: PruneRequest,
    reporter: Reporter,
    *,
    now: datetime,
    dry_run: bool = False,
    confirm: Callable[[PruneResult], bool] = lambda _: True,
    wait: bool = False,
) -> PruneResult:
    """Drop the rows of files that are gone, and the contents that no file holds any more.

    Without paths and without an age, contents go too that had lost their last file before, by an
    edit for example. dry_run: only say what would be dropped. confirm: asked once, before that.
    wait: until another vidindex has finished.

    Raises:
        Refused: a path is not known, or most files of a path or of the library would be dropped.
    """
    if dry_run:
        with schema.open_for_reading(library) as database:
            return _plan(database, request, now)
    schema.require(library)
    with schema.open_for_writing(library, reporter.notice, wait=wait) as database:
        unsettled = recover(database, reporter)  # it may find a file that seems to be gone
        plan = replace(_plan(database, request, now), problems=tuple(unsettled))
        if not (plan.files or plan.video_ids) or not confirm(plan):
            return plan
        with database.writing() as session:
            pruning.drop_files(session, [file.id for file in plan.files])
            pruning.drop_videos(session, plan.video_ids)
    return replace(plan, is_done=True)


def _plan(database: Database, request: PruneRequest, now: datetime) -> PruneResult:
    with database.reading() as session:
        rows = files.list_files(session)
        results = pruning.count_results(session)
    gone, returned, absent = _find_gone(_below(rows, request.paths), request, now)
    if not request.force:
        _require_few(rows, gone, request.paths)
    unheld = _find_unheld(rows, gone, results, request)
    return PruneResult(
        files=tuple(gone),
        video_ids=unheld,
        vectors=sum(results[video_id].vectors for video_id in unheld),
        failures=sum(results[video_id].failures for video_id in unheld),
        returned=returned,
        absent=absent,
    )


def _below(rows: Sequence[StoredFile], paths: Collection[Path]) -> list[StoredFile]:
    """Return the files at or below some paths, or all if there is no path.

    Raises:
        Refused: the library knows no file at or below one of them.
    """
    if not paths:
        return list(rows)
    chosen: dict[int, StoredFile] = {}
    for path in paths:
        known = [row for row in rows if row.stat.path.is_relative_to(path)]
        if not known:
            raise Refused(f"the library knows no file at or below {path}", "check the spelling")
        chosen |= {row.id: row for row in known}
    return [chosen[number] for number in sorted(chosen, key=lambda id_: chosen[id_].stat.path)]


def _find_gone(
    rows: Sequence[StoredFile], request: PruneRequest, now: datetime
) -> tuple[list[StoredFile], int, int]:
    """Return the files that are gone, how many are there again, and how many seem absent only."""
    latest = now - timedelta(days=request.older_than_days)
    missing = [row for row in rows if row.missing_since is not None and row.missing_since <= latest]
    gone = [row for row in missing if _is_gone(row.stat.path)]
    present_disk = [row for row in gone if request.force or _is_disk_there(row.stat)]
    return present_disk, len(missing) - len(gone), len(gone) - len(present_disk)


def _is_gone(path: Path) -> bool:
    """Whether there is certainly nothing at a path; where one may not look, there may be."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _is_disk_there(stat: FileStat) -> bool:
    """Whether a file that is gone lay on the disk which holds its folder, or what is left, now.

    If not, that is the disk on which the other one was mounted.
    """
    ground = existing_ancestor(stat.path.parent)
    return FileStat.of(ground, ground.lstat()).device == stat.device


def _require_few(
    rows: Sequence[StoredFile], gone: Sequence[StoredFile], paths: Collection[Path]
) -> None:
    """Refuse to drop more than half of the known files of any path, or of the library."""
    for path in paths or (Path("/"),):
        known = sum(row.stat.path.is_relative_to(path) for row in rows)
        dropped = sum(row.stat.path.is_relative_to(path) for row in gone)
        if 2 * dropped > known:
            where = f"in {path}" if paths else "of the library"
            raise Refused(
                f"{dropped} of the {known} known files {where} are gone, which is most of them",
                "is a disk absent? If not: --force --dry-run shows them, --force --yes drops them",
            )


def _find_unheld(
    rows: Sequence[StoredFile],
    gone: Sequence[StoredFile],
    results: Mapping[int, StoredResults],
    request: PruneRequest,
) -> tuple[int, ...]:
    """Return the contents that no file holds once some rows are dropped."""
    dropped = {row.id for row in gone}
    held = {row.video_id for row in rows if row.id not in dropped}
    # Since when a content has been without a file, and where its last one lay, nobody knows.
    is_for_all = not request.paths and not request.older_than_days
    candidates = set(results) if is_for_all else {row.video_id for row in gone}
    return tuple(sorted(id_ for id_ in candidates - held if id_ is not None))
