"""`vidindex duplicates`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli import formats
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.filters import RecipeNumber
from vidindex.cli.formats import Format, FormatOption
from vidindex.cli.tables import columns, counted, duration, size
from vidindex.errors import ExitCode

if TYPE_CHECKING:
    from vidindex.deduplicating import DuplicateFile, DuplicateGroup, DuplicatesAnswer
    from vidindex.reporting import Problem

_COLUMNS = (
    *("group", "kind", "best", "path", "cosine", "size_bytes", "duration_s"),
    *("width_px", "height_px", "codec", "video", "hash"),
)
_NOTES = (
    "\n\nExact: files of one content. Near: versions of a video, in another size, codec, bitrate "
    "or container. Their durations differ by 0.3 s or 1 % at most. Most of their thumbnails of the "
    "same moments are the same: in 16 x 16 grey levels, no part differs by more than 12 of 255. "
    "And 1 - cosine is at most 0.3 times the library's mean of it (its spread), so that the same "
    "rule holds for any network; where two have no thumbnails to compare, at most 0.001 times, "
    "which finds only the likest versions: vidindex index --add-thumbnails makes them. In a "
    "library of fewer than 100 videos the thumbnails alone decide. --min COSINE takes the place of "
    "both numbers."
    "\n\nThe best of a group has most pixels; then most bytes a second; then it is the oldest. An "
    "enlarged copy has more pixels and shows no more: look before you delete. Each other file of "
    "a near group is near to the best one itself."
    "\n\nNothing is deleted. --format paths0 lists all files but the best ones, where both are "
    "still as they were indexed: vidindex duplicates --exact-only --format paths0 | xargs -0 rm"
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    notes = _NOTES + formats.FORMAT_NOTES
    add_command(app, duplicates, example="vidindex duplicates --within ~/Videos", notes=notes)


def duplicates(
    call: Invocation,
    *,
    within: Annotated[
        Path | None,
        typer.Option("--within", metavar="FOLDER", help="Only files at or below it."),
    ] = None,
    exact_only: Annotated[
        bool, typer.Option("--exact-only", help="Only files of one content.")
    ] = False,
    least: Annotated[
        float | None,
        typer.Option(
            "--min", metavar="COSINE", help="The lowest cosine; by the library's own, by default."
        ),
    ] = None,
    recipe: RecipeNumber = None,
    output: FormatOption = Format.TABLE,
) -> Answer:
    """Find files of one content, and versions of one video; mark the best of each group.

    Videos that `vidindex distinct` tells apart are never in one group.
    """
    from vidindex.library import Library

    library = Library(settings=call.settings)
    answer = library.duplicates(within=within, exact_only=exact_only, least=least, recipe=recipe)
    data = {
        "groups": [_group_data(group) for group in answer.groups],
        "saveable_bytes": answer.saveable_bytes,
        "recipe": answer.recipe,
        "spread": answer.spread,
        "unpictured": answer.unpictured,
        "unclear": answer.unclear,
    }
    paths: list[Path] = []
    problems: list[Problem] = []
    if output is Format.PATHS0:
        paths, problems = library.lesser_copies(answer)
        for problem in problems:
            call.reporter.problem(problem)
    listing = formats.Listing(data, list(_rows(answer)), _COLUMNS, lambda: _text(answer), paths)
    answered = formats.answer(call, output, listing)
    if not problems:
        return answered
    return Answer(answered.data, answered.text, problems, ExitCode.INCOMPLETE, raw=answered.raw)


def _group_data(group: DuplicateGroup) -> dict[str, Any]:
    return {
        "kind": group.kind,
        "paths": [printable(file.path) for file in group.files],
        "best": printable(group.files[0].path),
        "saveable_bytes": group.saveable_bytes,
        "files": [_file_data(file) for file in group.files],
    }


def _file_data(file: DuplicateFile) -> dict[str, Any]:
    info = file.info
    return {
        **json_path(file.path),
        "best": file.is_best,
        "cosine": file.cosine,
        "size_bytes": file.size_bytes,
        "duration_s": None if info is None else info.duration_s,
        "width_px": None if info is None else info.width_px,
        "height_px": None if info is None else info.height_px,
        "codec": None if info is None else info.codec,
        "video": file.video_id,
        "file": file.file_id,
        "hash": file.blake3.hex(),
    }


def _rows(answer: DuplicatesAnswer) -> Iterator[dict[str, Any]]:
    for number, group in enumerate(answer.groups, start=1):
        for file in group.files:
            yield {"group": number, "kind": group.kind, **_file_data(file)}


def _text(answer: DuplicatesAnswer) -> str:
    parts = [
        f"{group.kind}: {counted(len(group.files), 'file')}, {size(group.saveable_bytes)} could be "
        "saved\n" + columns(["", "cosine", "size", "", "length", "path"], _lines(group))
        for group in answer.groups
    ]
    counts = {
        kind: sum(group.kind == kind for group in answer.groups) for kind in ("exact", "near")
    }
    parts.append(
        f"{counted(counts['exact'], 'exact group')}, {counted(counts['near'], 'near group')}; "
        f"{size(answer.saveable_bytes)} could be saved; nothing was deleted"
    )
    if answer.unpictured:
        parts[-1] += (
            f"\n{counted(answer.unpictured, 'video')} without thumbnails: "
            "of these only the likest versions are found; vidindex index --add-thumbnails PATH"
        )
    if answer.unclear:
        parts[-1] += (
            f"\n{counted(answer.unclear, 'video')} of unknown duration or with a damaged vector: "
            "no versions of these are found"
        )
    return "\n\n".join(parts)


def _lines(group: DuplicateGroup) -> list[tuple[str, ...]]:
    return [
        (
            "best" if file.is_best else "",
            "" if file.cosine is None or file.is_best else f"{file.cosine:.6f}",
            size(file.size_bytes),
            "" if file.info is None else f"{file.info.width_px}x{file.info.height_px}",
            *_length_and_path(file),
        )
        for file in group.files
    ]


def _length_and_path(file: DuplicateFile) -> tuple[str, str]:
    length_s = None if file.info is None else file.info.duration_s
    return "" if length_s is None else duration(length_s), str(file.path)
