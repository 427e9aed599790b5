"""`vidindex similar`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli import formats
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path
from vidindex.cli.filters import RecipeNumber
from vidindex.cli.formats import Format, FormatOption
from vidindex.cli.tables import columns, counted, duration

if TYPE_CHECKING:
    from vidindex.matching import SimilarAnswer, SimilarFile

_SETTINGS = ("weights", "precision", "decode_limit_s", "decode_memory_mb")
_COLUMNS = ("path", "cosine", "exact", "duration_s", "width_px", "height_px", "video", "hash")
_NOTES = (
    "\n\nA file that the library does not know is described as the library's videos are (same "
    "frames, same network) and not stored; the network is loaded for it, which takes seconds. "
    "--weights is needed only where the library's weights came from a file."
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    notes = _NOTES + formats.FORMAT_NOTES
    example = "vidindex similar ~/Videos/beach.mp4 --top 5"
    add_command(app, similar, settings=_SETTINGS, example=example, notes=notes)


def similar(
    call: Invocation,
    video: Annotated[
        str,
        typer.Argument(metavar="PATH_OR_HASH", help="A file, in the library or not, or a hash."),
    ],
    *,
    top: Annotated[int, typer.Option("--top", metavar="N", help="Videos at most.")] = 10,
    least: Annotated[
        float | None,
        typer.Option("--min", metavar="COSINE", help="The lowest cosine, from -1 to 1."),
    ] = None,
    recipe: RecipeNumber = None,
    output: FormatOption = Format.TABLE,
) -> Answer:
    """List the videos that are most like one: its exact copies, then others by their cosine.

    1 is the same direction of the vectors. What is like depends on the network: by one that was
    never trained, any two videos have a cosine of 0.98 and more.
    """
    from vidindex.library import Library

    answer = Library(settings=call.settings).similar(
        video, top=top, least=least, recipe=recipe, reporter=call.reporter
    )
    rows = [_data(row) for row in answer.rows]
    data = {
        "recipe": answer.recipe,
        "hash": answer.blake3.hex(),
        "in_library": answer.is_stored,
        "found": answer.found,
        "rows": rows,
    }
    paths = [row.path for row in answer.rows]
    listing = formats.Listing(data, rows, _COLUMNS, lambda: _text(answer), paths)
    return formats.answer(call, output, listing)


def _data(row: SimilarFile) -> dict[str, Any]:
    info = row.info
    return {
        **json_path(row.path),
        "cosine": row.cosine,
        "exact": row.is_exact,
        "duration_s": None if info is None else info.duration_s,
        "width_px": None if info is None else info.width_px,
        "height_px": None if info is None else info.height_px,
        "video": row.video_id,
        "hash": row.blake3.hex(),
    }


def _text(answer: SimilarAnswer) -> str:
    if not answer.rows:
        return "no other video is so like it"
    lines = [
        (
            "exact copy" if row.is_exact else f"{row.cosine:.6f}",
            "" if row.info is None else f"{row.info.width_px}x{row.info.height_px}",
            ""
            if row.info is None or row.info.duration_s is None
            else duration(row.info.duration_s),
            row.path,
        )
        for row in answer.rows
    ]
    text = columns(["cosine", "size", "length", "path"], lines)
    left = answer.found - len(answer.rows)
    return f"{text}\n{counted(left, 'more video')}; --top lists more" if left else text
