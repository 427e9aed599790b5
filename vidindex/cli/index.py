"""`vidindex index`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.options import INDEX_SETTINGS
from vidindex.cli.tables import counted, duration
from vidindex.errors import ExitCode

if TYPE_CHECKING:
    from vidindex.indexing import IndexResult


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, index, settings=INDEX_SETTINGS, example="vidindex index ~/Videos")


def index(
    call: Invocation,
    paths: Annotated[list[str], typer.Argument(metavar="PATH…", help="Files and folders.")],
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try videos again that failed before.")
    ] = False,
    confirm_missing: Annotated[
        bool,
        typer.Option("--confirm-missing", help="A folder that is empty now is no absent disk."),
    ] = False,
) -> Answer:
    """Bring files and folders (recursively) up to date in the library."""
    from vidindex.library import Library

    result = Library(settings=call.settings).index(
        paths,
        reporter=call.reporter,
        retry_failed=retry_failed,
        confirm_missing=confirm_missing,
    )
    is_incomplete = bool(result.failed or result.failed_before)
    return Answer(
        index_data(result),
        index_text(result),
        result.problems,
        ExitCode.INCOMPLETE if is_incomplete else ExitCode.DONE,
    )


def index_data(result: IndexResult) -> dict[str, float]:
    """Return the counts for JSON."""
    return {key: value for key, value in vars(result).items() if key != "problems"}


def index_text(result: IndexResult) -> str:
    """Sum a run up in a line or two."""
    parts = [f"{result.indexed} indexed", f"{result.unchanged} unchanged"]
    for count, word in (
        (result.relinked, "relinked"),
        (result.failed, "failed"),
        (result.missing, "missing"),
    ):
        if count:
            parts.append(f"{count} {word}")
    frames = f" ({counted(result.frames, 'frame')})" if result.frames else ""
    lines = [f"{', '.join(parts)}{frames} in {duration(result.seconds)}"]
    if result.failed_before:
        lines.append(
            f"{counted(result.failed_before, 'file')} failed before and did not change; "
            "vidindex status lists them, --retry-failed tries them again"
        )
    return "\n".join(lines)
