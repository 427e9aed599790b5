"""`vidindex index`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.options import INDEX_SETTINGS, WRITER_SETTINGS
from vidindex.cli.signals import stop_request
from vidindex.cli.stdin_paths import choose_paths
from vidindex.cli.tables import counted, duration
from vidindex.errors import ExitCode

if TYPE_CHECKING:
    from vidindex.indexing import IndexResult
    from vidindex.paths import StrPath


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    settings = (*INDEX_SETTINGS, *WRITER_SETTINGS)
    add_command(app, index, settings=settings, example="vidindex index ~/Videos")


def index(
    call: Invocation,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH…", help="Files and folders.")
    ] = None,
    *,
    stdin0: Annotated[
        bool,
        typer.Option("--stdin0", help="Take the paths from the standard input, ended by NULs."),
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try videos again that failed before.")
    ] = False,
    confirm_missing: Annotated[
        bool,
        typer.Option("--confirm-missing", help="A folder that is empty now is no absent disk."),
    ] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Read unchanged files too, and report silent corruption."),
    ] = False,
    add_thumbnails: Annotated[
        bool,
        typer.Option(
            "--add-thumbnails", help="Also make thumbnails of unchanged videos that have none."
        ),
    ] = False,
) -> Answer:
    """Bring files and folders (recursively) up to date in the library."""
    result = index_until_stopped(
        call,
        choose_paths(paths, stdin0=stdin0),
        retry_failed=retry_failed,
        confirm_missing=confirm_missing,
        verify=verify,
        add_thumbnails=add_thumbnails,
    )
    is_incomplete = bool(result.failed or result.failed_before)
    return Answer(
        index_data(result),
        index_text(result),
        result.problems,
        ExitCode.INCOMPLETE if is_incomplete else ExitCode.DONE,
    )


def index_until_stopped(
    call: Invocation,
    paths: Sequence[StrPath],
    *,
    retry_failed: bool,
    confirm_missing: bool = False,
    verify: bool = False,
    add_thumbnails: bool = False,
) -> IndexResult:
    """Run Library.index; a signal stops it at the next safe moment, and ends the command."""
    from vidindex.library import Library

    with stop_request() as stop:
        result = Library(settings=call.settings).index(
            paths,
            reporter=call.reporter,
            stopping=stop,
            retry_failed=retry_failed,
            confirm_missing=confirm_missing,
            verify=verify,
            add_thumbnails=add_thumbnails,
        )
        if result.was_stopped:
            stop.raise_if_asked()
    return result


def index_data(result: IndexResult) -> dict[str, float]:
    """Return the counts for JSON."""
    return {
        key: value for key, value in vars(result).items() if key not in ("problems", "was_stopped")
    }


def index_text(result: IndexResult) -> str:
    """Sum a run up in a line or two."""
    parts = [f"{result.indexed} indexed", f"{result.unchanged} unchanged"]
    for count, word in (
        (result.relinked, "relinked"),
        (result.incomplete, "in part"),
        (result.failed, "failed"),
        (result.missing, "missing"),
    ):
        if count:
            parts.append(f"{count} {word}")
    frames = f" ({counted(result.frames, 'frame')})" if result.frames else ""
    lines = [f"{', '.join(parts)}{frames} in {duration(result.seconds)}"]
    if result.placed or result.unsorted:
        lines.append(f"{result.placed} placed, {result.unsorted} unsorted")
    if result.pictured:
        lines.append(f"{counted(result.pictured, 'video')} got thumbnails")
    if result.failed_before:
        lines.append(
            f"{counted(result.failed_before, 'file')} failed before and did not change; "
            "vidindex failures lists them, --retry-failed tries them again"
        )
    return "\n".join(lines)
