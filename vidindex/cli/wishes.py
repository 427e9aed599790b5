"""`vidindex wishes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.tables import columns

if TYPE_CHECKING:
    from vidindex.wishing import WishedVideo


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, wishes, example="vidindex wishes")


def wishes(call: Invocation) -> Answer:
    """List the videos that are pinned to a cluster, kept apart, or noted as no duplicates."""
    from vidindex.library import Library

    answer = Library(settings=call.settings).wishes()
    data = {
        "pins": [
            video_data(each.video) | {"pinned_to": each.label, "name": each.name}
            for each in answer.pins
        ],
        "apart": [[video_data(video) for video in pair] for pair in answer.apart],
        "distinct": [[video_data(video) for video in pair] for pair in answer.distinct],
    }
    parts = []
    if answer.pins:
        rows = [
            (
                each.label,
                each.name or "",
                "" if each.video.label is None else each.video.label,
                path_text(each.video),
            )
            for each in answer.pins
        ]
        parts.append("pinned\n" + columns(["label", "name", "is in", "path"], rows))
    for title, listed in (
        ("never in one cluster", answer.apart),
        ("no duplicates", answer.distinct),
    ):
        if listed:
            pairs = [(path_text(one), path_text(other)) for one, other in listed]
            parts.append(f"{title}\n" + columns(["path", "and"], pairs))
    text = "\n\n".join(parts) or "there are no wishes; try: vidindex pin PATH LABEL"
    return Answer(data, text)


def video_data(video: WishedVideo) -> dict[str, Any]:
    """Return a video for JSON; its label is that of its cluster in the run in use."""
    path = {"path": None} if video.path is None else json_path(video.path)
    return {**path, "hash": video.blake3.hex(), "label": video.label}


def path_text(video: WishedVideo) -> str:
    """Return where a video lies, or the beginning of its hash if it has no file any more."""
    return video.blake3.hex()[:12] if video.path is None else printable(video.path)
