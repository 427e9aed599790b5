"""`vidindex distinct`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli.cannot import One, Other
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.options import WRITER_SETTINGS

if TYPE_CHECKING:
    from vidindex.distinguishing import DistinctVideo


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        distinct,
        settings=WRITER_SETTINGS,
        example="vidindex distinct take1.mp4 take2.mp4",
    )


def distinct(
    call: Invocation,
    one: One,
    other: Other,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
) -> Answer:
    """Note that two videos are no duplicates: `duplicates` never puts them into one group again.

    It is a wish as others are: `wishes` lists it, and it outlives every clustering.
    """
    from vidindex.library import Library

    library = Library(settings=call.settings)
    change = library.unset_distinct if undo else library.set_distinct
    pair = change(one, other, reporter=call.reporter)
    are = "may be duplicates again" if undo else "are no duplicates"
    text = f"{_place(pair[0])} and {_place(pair[1])} {are}"
    return Answer({"videos": [_data(video) for video in pair], "distinct": not undo}, text)


def _place(video: DistinctVideo) -> str:
    return video.blake3.hex()[:12] if video.path is None else printable(video.path)


def _data(video: DistinctVideo) -> dict[str, Any]:
    path = {"path": None} if video.path is None else json_path(video.path)
    return {**path, "video": video.video_id, "hash": video.blake3.hex()}
