"""`vidindex report`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.filters import RunNumber
from vidindex.cli.tables import counted, size
from vidindex.errors import UsageError

if TYPE_CHECKING:
    from vidindex.illustrating import ReportResult

_MB = 1_000_000


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, report, example="vidindex report library.html")


def report(
    call: Invocation,
    out: Annotated[str, typer.Argument(metavar="OUT.html", help="The file to write.")],
    run: RunNumber = None,
    *,
    videos: Annotated[
        int,
        typer.Option(
            "--videos",
            metavar="N",
            help="Typical videos of each cluster, and a third of that of the least typical.",
        ),
    ] = 12,
    pictures: Annotated[
        int, typer.Option("--pictures", metavar="N", help="Pictures of each of them, up to 9.")
    ] = 1,
    max_mb: Annotated[
        float,
        typer.Option("--max-mb", metavar="MB", help="Leave out the pictures that are beyond this."),
    ] = 50,
    exact_only: Annotated[
        bool,
        typer.Option(
            "--exact-only",
            help="Of duplicates, only files of one content; to find near ones takes longer.",
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is no report, too.")
    ] = False,
) -> Answer:
    """Write one page with pictures of all clusters, a map, and what went wrong, for any browser.

    The page needs nothing else: it can be sent to others, and asks no other computer for anything.
    """
    from vidindex.library import Library

    if not math.isfinite(max_mb):
        raise UsageError(f"the page cannot have {max_mb} MB", "try --max-mb 100")
    result = Library(settings=call.settings).report(
        out,
        run=run,
        videos=videos,
        pictures=pictures,
        max_bytes=round(max_mb * _MB),
        exact_only=exact_only,
        force=force,
        reporter=call.reporter,
    )
    data = {
        **json_path(result.path),
        "size_bytes": result.size_bytes,
        "run": result.run,
        "videos": result.videos,
        "clusters": result.clusters,
        "pictures": result.pictures,
        "left_out": result.left_out,
    }
    return Answer(data, "" if result.is_stream else _text(result))


def _text(result: ReportResult) -> str:
    held = f"{counted(result.videos, 'video')}, {counted(result.pictures, 'picture')}"
    lines = [f"{printable(result.path)}: {size(result.size_bytes)}, {held}"]
    if result.left_out:
        lines.append(
            f"{counted(result.left_out, 'picture')} left out to keep it small; --max-mb allows more"
        )
    return "\n".join(lines)
