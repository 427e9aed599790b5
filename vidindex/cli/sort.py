"""`vidindex sort`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli.apply import DryRun, Yes, apply_data, control, move_exit_code, move_text
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.escaping import json_path
from vidindex.cli.filters import RecipeNumber
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.signals import stop_request
from vidindex.cli.tables import columns, counted

if TYPE_CHECKING:
    from vidindex.sorting import Proposal, SortResult


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        sort,
        settings=("normalize", *WRITER_SETTINGS),
        example="vidindex sort ~/Inbox --like ~/Videos/Arranged --dry-run",
    )


def sort(
    call: Invocation,
    inbox: Annotated[
        str, typer.Argument(metavar="INBOX", help="The folder with the new, indexed videos.")
    ],
    *,
    like: Annotated[
        str,
        typer.Option("--like", metavar="DIR", help="The folder whose subfolders you arranged."),
    ],
    least: Annotated[
        float,
        typer.Option("--min", metavar="CONFIDENCE", help="0 to 1; what is less sure stays."),
    ] = 0.3,
    recipe: RecipeNumber = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> Answer:
    """Move new videos into those subfolders of DIR whose videos they are like; unsure ones stay.

    The confidence is the smallest of three: how much nearer the best folder's mean is than the
    second, in units of the folders' spread; the share of the nearest 5 arranged videos that are in
    that folder; and how well the video fits there at all. Never overwrites; undo puts all back.
    """
    from vidindex.library import Library

    with stop_request() as stop:
        result = Library(settings=call.settings).sort(
            inbox,
            like,
            least_confidence=least,
            recipe=recipe,
            dry_run=dry_run,
            control=control(call, stop, yes=yes or dry_run, shown=None),
        )
    return Answer(
        _data(result), _text(result), result.moves.problems, move_exit_code(result.moves, stop)
    )


def _data(result: SortResult) -> dict[str, Any]:
    confidences = {proposal.path: proposal.confidence for proposal in result.proposals}
    data = apply_data(result.moves)
    moves = [
        move | {"confidence": confidences.get(outcome.source)}
        for move, outcome in zip(data["moves"], result.moves.outcomes, strict=True)
    ]
    unsure = [
        json_path(each.path) | json_path(each.folder, "best") | {"confidence": each.confidence}
        for each in result.unsure
    ]
    return data | {"moves": moves, "unsure": unsure, "known": result.known}


def _text(result: SortResult) -> str:
    parts = []
    if result.proposals:
        parts.append("proposed\n" + _table(result.proposals))
    if result.unsure:
        parts.append("not sure enough, and left where they are\n" + _table(result.unsure))
    lines = [move_text(result.moves)]
    if result.known:
        lines.append(f"{counted(result.known, 'file')} left: in one of the folders already")
    return "\n\n".join([*parts, "\n".join(lines)])


def _table(proposals: tuple[Proposal, ...]) -> str:
    rows = [(f"{each.confidence:.2f}", each.folder.name, each.path) for each in proposals]
    return columns(["confidence", "folder", "path"], rows)
