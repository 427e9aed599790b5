"""`vidindex merge`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.tables import counted
from vidindex.errors import ExitCode, UsageError
from vidindex.paths import StrPath

if TYPE_CHECKING:
    from vidindex.merging import MergeResult

_NOTES = """

Contents, vectors of all recipes, failures, pictures, class names, runs with their labels and
names, and what videos are kept apart or told to be no duplicates: of all these, what is lacking
here is taken. What is here stays as it is, and so does the run in use. Runs get new numbers. Pins
come only if no run was in use here, as they name its clusters. Of a file that both know, what was
seen later counts. Moves are not taken: undo them there."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        merge,
        settings=WRITER_SETTINGS,
        example="vidindex merge other.db --map /mnt/disk=/videos",
        notes=_NOTES,
    )


def merge(
    call: Invocation,
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="Another library's database; it is only read.")
    ],
    *,
    places: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="OLD=NEW",
            help="Files that were in the folder OLD are in NEW here; as often as need be.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Only say what would be taken.")
    ] = False,
) -> Answer:
    """Take in what another library knows. Nothing is computed again."""
    from vidindex.library import Library

    library = Library(settings=call.settings)
    result = library.merge(
        other, parse_places(places or []), dry_run=dry_run, reporter=call.reporter
    )
    code = ExitCode.INCOMPLETE if result.problems else ExitCode.DONE
    return Answer(_data(result), _text(result), result.problems, code)


def parse_places(texts: Sequence[str]) -> dict[StrPath, StrPath]:
    """Take each OLD=NEW apart; NEW begins with "/" or "~", so that OLD may hold a "=".

    Raises:
        UsageError: one is no such thing, could be taken apart in two ways, or has an OLD twice.
    """
    places: dict[StrPath, StrPath] = {}
    for text in texts:
        cuts = [match.start() for match in re.finditer("=(?=[/~])", text)]
        if len(cuts) != 1:
            raise UsageError(
                f"--map {text} is not OLD=NEW with absolute paths",
                "for example: --map /mnt/disk=/videos",
            )
        old, new = text[: cuts[0]], text[cuts[0] + 1 :]
        if old in places:
            raise UsageError(f"--map {old} is given twice", "leave one of them out")
        places[old] = new
    return places


def _data(result: MergeResult) -> dict[str, Any]:
    counts = {
        name: value
        for name, value in vars(result).items()
        if isinstance(value, int) and not isinstance(value, bool)
    }
    runs = [{"there": there, "here": here} for there, here in result.runs]
    return (
        json_path(result.other, "other")
        | counts
        | {
            "runs": runs,
            "different": sum(problem.code == "different" for problem in result.problems),
            "done": result.is_done,
        }
    )


def _text(result: MergeResult) -> str:
    taken = [
        counted(number, *noun)
        for number, *noun in (
            (result.videos, "video"),
            (result.vectors, "vector"),
            (result.files, "file"),
            (result.failures, "failure"),
            (result.thumbnails, "picture"),
            (len(result.runs), "run"),
            (result.heads, "classifier"),
            (result.apart, "pair kept apart", "pairs kept apart"),
            (result.distinct, "pair of no duplicates", "pairs of no duplicates"),
            (result.pins, "pin"),
        )
        if number
    ]
    would = "taken from" if result.is_done else "would be taken from"
    what = ", ".join(taken) if taken else "nothing"
    lines = [f"{what} {would} {printable(result.other)}"]
    if not taken:
        lines = [f"all that {printable(result.other)} knows is here already"]
    lines += [f"run {there} there is run {here} here" for there, here in result.runs if here]
    if result.files_later:
        were = "is" if result.files_later == 1 else "are"
        lines.append(f"{counted(result.files_later, 'file')} {were} as seen later there")
    if result.pins_left:
        lines.append(
            f"{counted(result.pins_left, 'pin')} left out, of clusters that are not in use here"
        )
    different = sum(problem.code == "different" for problem in result.problems)
    if different:
        lines.append(f"{counted(different, 'vector')} different here, and left as it is")
    if not result.is_done and taken:
        lines.append("nothing was changed")
    return "\n".join(lines)
