"""`vidindex prune`."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli.command import Answer, Invocation, add_command, require_consent
from vidindex.cli.escaping import json_path
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.tables import columns, counted, size
from vidindex.errors import ExitCode, Refused

if TYPE_CHECKING:
    from vidindex.pruning import PruneResult


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, prune, settings=WRITER_SETTINGS, example="vidindex prune --older-than 90")


def prune(
    call: Invocation,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH…", help="Only files at or below these; all by default."),
    ] = None,
    *,
    older_than: Annotated[
        int,
        typer.Option(
            "--older-than", metavar="DAYS", min=0, help="Only what has been missing for so long."
        ),
    ] = 0,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also most of the files, and those of an absent disk."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Only say what would be dropped.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Drop it, and do not ask.")] = False,
) -> Answer:
    """Drop what the library stores of files that are gone, vectors too. Touches no video.

    Shows what it would drop, and asks on a terminal; elsewhere it drops only with --yes.
    """
    from vidindex.library import Library

    is_terminal = sys.stdin is not None and sys.stdin.isatty()
    asks = not (yes or dry_run or call.is_json) and is_terminal
    result = Library(settings=call.settings).prune(
        paths or (),
        older_than_days=older_than,
        force=force,
        dry_run=dry_run or not (yes or asks),
        confirm=_ask if asks else lambda _: True,
        reporter=call.reporter,
    )
    code = ExitCode.INCOMPLETE if result.problems else ExitCode.DONE
    return Answer(_data(result), _text(result, was_shown=asks), result.problems, code)


def _ask(plan: PruneResult) -> bool:
    typer.echo(f"{_table(plan)}\n{_kept(plan)}".strip(), err=True)
    return require_consent(
        f"Drop {_summary(plan)}?",
        Refused("nothing was dropped, as you did not agree", "--yes drops without asking"),
    )


def _data(result: PruneResult) -> dict[str, Any]:
    """Return what went, or would go, for JSON: counts, and a row of each file.

    dropped: whether it was done. bytes: how large the files were. returned: files that are there
    again. absent: files that are left because their disk seems to be absent.
    """
    return {
        "dropped": result.is_done,
        "files": len(result.files),
        "videos": len(result.video_ids),
        "vectors": result.vectors,
        "failures": result.failures,
        "bytes": result.size_bytes,
        "returned": result.returned,
        "absent": result.absent,
        "rows": [
            json_path(file.stat.path)
            | {"bytes": file.stat.size_bytes, "missing_since": _since(file.missing_since)}
            for file in result.files
        ],
    }


def _since(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _text(result: PruneResult, *, was_shown: bool) -> str:
    if not (result.files or result.video_ids):
        return f"nothing to drop\n{_kept(result)}".strip()
    if was_shown:
        return f"dropped {_summary(result)}"
    if result.is_done:
        return f"dropped {_summary(result)}\n{_kept(result)}".strip()
    end = f"{_summary(result)} would be dropped; nothing was changed, --yes drops them"
    return "\n".join(part for part in (_table(result), _kept(result), end) if part)


def _table(result: PruneResult) -> str:
    rows = [
        (f"{file.missing_since:%Y-%m-%d %H:%M}", size(file.stat.size_bytes), file.stat.path)
        for file in result.files
    ]
    return columns(["missing since(UTC)", "size", "path"], rows) if rows else ""


def _kept(result: PruneResult) -> str:
    lines = []
    if result.returned:
        lines.append(f"{counted(result.returned, 'file')} there again: vidindex index takes it up")
    if result.absent:
        left = counted(result.absent, "file")
        lines.append(f"{left} left, as the disk seems to be absent (--force: drop them too)")
    return "\n".join(lines)


def _summary(result: PruneResult) -> str:
    videos = counted(len(result.video_ids), "video")
    vectors = counted(result.vectors, "vector")
    return f"{counted(len(result.files), 'file')}, {videos} and {vectors}"
