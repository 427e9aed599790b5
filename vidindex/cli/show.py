"""`vidindex show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.completion import complete_known_path
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.tables import counted, duration, size

if TYPE_CHECKING:
    from vidindex.querying import VideoAnswer


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, show, example="vidindex show ~/Videos/beach.mp4")


def show(
    call: Invocation,
    video: Annotated[
        str,
        typer.Argument(
            metavar="PATH_OR_HASH",
            help="A file, or the start of a hash.",
            autocompletion=complete_known_path,
        ),
    ],
) -> Answer:
    """Tell all that the library knows of one video."""
    from vidindex.library import Library

    answer = Library(settings=call.settings).show(video)
    return Answer(_data(answer), _text(answer))


def _data(answer: VideoAnswer) -> dict[str, Any]:
    return {
        "hash": answer.video.blake3.hex(),
        "size_bytes": answer.video.size_bytes,
        "added_at": answer.video.added_at.isoformat(),
        "info": None if answer.video.info is None else vars(answer.video.info),
        "files": [
            json_path(file.stat.path)
            | {"missing_since": file.missing_since and file.missing_since.isoformat()}
            for file in answer.files
        ],
        "vectors": [
            {
                "recipe": vector.recipe_id,
                "frames": vector.frame_count,
                "precision": vector.precision,
                "software": vector.software,
                "incomplete": vector.incomplete,
            }
            for vector in answer.vectors
        ],
        "failures": [
            {"recipe": failure.recipe_id, "reason": failure.reason} for failure in answer.failures
        ],
        "labels": [
            {"run": run, "label": label, "name": name, "distance": distance}
            for run, label, name, distance in answer.labels
        ],
        "pinned_to": answer.pinned_to,
    }


def _text(answer: VideoAnswer) -> str:
    video, info = answer.video, answer.video.info
    lines = [f"hash    {video.blake3.hex()}", f"size    {size(video.size_bytes)}"]
    if info is not None:
        length = "unknown length" if info.duration_s is None else duration(info.duration_s)
        lines.append(f"video   {info.width_px}x{info.height_px} {info.codec}, {length}")
    for file in answer.files:
        gone = f" (missing since {file.missing_since:%Y-%m-%d})" if file.missing_since else ""
        lines.append(f"file    {printable(file.stat.path)}{gone}")
    for vector in answer.vectors:
        frames = counted(vector.frame_count, "frame")
        lines.append(
            f"vector  recipe {vector.recipe_id}: mean of {frames}, "
            f"{vector.precision}, {vector.software}"
        )
        if vector.incomplete is not None:
            lines.append(f"        of a part of the video: {printable(vector.incomplete)}")
    for failure in answer.failures:
        lines.append(f"failed  recipe {failure.recipe_id}: {printable(failure.reason)}")
    for run, label, name, distance in answer.labels:
        named = f" {printable(name)}" if name else ""
        shown = "unsorted" if label is None else label
        lines.append(f"label   run {run}: {shown}{named}, distance {distance:.4f}")
    if answer.pinned_to is not None:
        lines.append(f"pinned  to cluster {answer.pinned_to}")
    return "\n".join(lines)
