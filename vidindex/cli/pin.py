"""`vidindex pin`."""

from __future__ import annotations

from typing import Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.completion import complete_path_or_cluster
from vidindex.cli.escaping import printable
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.wishes import path_text, video_data
from vidindex.errors import UsageError


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, pin, settings=WRITER_SETTINGS, example="vidindex pin ~/Videos/beach.mp4 3")


def pin(
    call: Invocation,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH_OR_HASH... LABEL",
            help="Videos, and last the label or the name of a cluster of the run in use.",
            autocompletion=complete_path_or_cluster,
        ),
    ],
) -> Answer:
    """Keep videos in a cluster: in the run in use at once, and in every later clustering.

    Only its own place in the run in use changes, no centroid and no other video's place; the next
    clustering takes the pin into account from the start.
    """
    from vidindex.library import Library

    *paths, label = words
    if not paths:
        raise UsageError(
            f"a video and a label are wanted, and only {label} is given",
            "for example: vidindex pin beach.mp4 3",
        )
    result = Library(settings=call.settings).pin(paths, label, reporter=call.reporter)
    cluster = f"cluster {result.label}" + (f" {printable(result.name)}" if result.name else "")
    what = {
        "moved": f"pinned to {cluster}",
        "there": f"pinned to {cluster}, where it is",
        "later": f"pinned to {cluster} from the next clustering on; "
        f"it cannot be moved in run {result.run}",
    }
    lines = []
    for each in result.pinned:
        was = each.video.label
        before = "" if was is None or each.state != "moved" else f" (was in cluster {was})"
        lines.append(f"{path_text(each.video)}: {what[each.state]}{before}")
    data = {
        "run": result.run,
        "pinned_to": result.label,
        "name": result.name,
        "videos": [video_data(each.video) | {"state": each.state} for each in result.pinned],
    }
    return Answer(data, "\n".join(lines))
