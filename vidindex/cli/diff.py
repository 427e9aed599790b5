"""`vidindex diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.completion import complete_run
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.tables import columns, counted

if TYPE_CHECKING:
    from vidindex.comparing import DiffAnswer
    from vidindex.lineage import Change

MOVED_SHOWN = 10


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, diff, example="vidindex diff 2 5")


def diff(
    call: Invocation,
    before: Annotated[
        int | None,
        typer.Argument(
            metavar="RUN",
            help="By default the one before the other.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ] = None,
    after: Annotated[
        int | None,
        typer.Argument(
            metavar="RUN",
            help="By default the one in use.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ] = None,
    *,
    show_all: Annotated[bool, typer.Option("--all", help="Show every file that moved.")] = False,
) -> Answer:
    """Show how a clustering differs from another: which clusters split, merged, and which moved."""
    from vidindex.library import Library

    answer = Library(settings=call.settings).diff(before, after)
    return Answer(_data(answer, show_all=show_all), _text(answer, show_all=show_all))


def _data(answer: DiffAnswer, *, show_all: bool) -> dict[str, Any]:
    shown = answer.moved if show_all else answer.moved[:MOVED_SHOWN]
    return {
        "from": answer.before.id,
        "to": answer.after.id,
        "stay": answer.stay,
        "move": answer.move,
        "only_from": answer.only_before,
        "only_to": answer.only_after,
        "clusters": [
            {
                "kind": change.kind,
                "from": list(change.before),
                "to": list(change.after),
                "videos": change.videos,
            }
            for change in answer.changes
        ],
        "moved": [json_path(file.path) | {"from": file.before, "to": file.after} for file in shown],
        "moved_files": len(answer.moved),
    }


def _text(answer: DiffAnswer, *, show_all: bool) -> str:
    gone = f", {answer.only_before} only in run {answer.before.id}" if answer.only_before else ""
    new = f", {answer.only_after} only in run {answer.after.id}" if answer.only_after else ""
    lines = [
        f"run {answer.before.id} -> run {answer.after.id}: {counted(answer.stay, 'video')} "
        f"with the same label, {answer.move} with another{gone}{new}",
        columns(
            ["cluster", "from", "to", "videos"],
            [_row(change, answer) for change in answer.changes],
        ),
    ]
    shown = answer.moved if show_all else answer.moved[:MOVED_SHOWN]
    if shown:
        rows = [(_label(file.before), _label(file.after), file.path) for file in shown]
        lines += ["", columns(["from", "to", "path"], rows)]
    if len(answer.moved) > len(shown):
        lines.append(f"and {len(answer.moved) - len(shown)} more files: --all shows them")
    return "\n".join(lines)


def _row(change: Change, answer: DiffAnswer) -> tuple[str, str, str, int]:
    return (
        change.kind,
        _labels(change.before, answer.names_before),
        _labels(change.after, answer.names_after),
        change.videos,
    )


def _labels(labels: tuple[int, ...], names: dict[int, str]) -> str:
    return " + ".join(
        f"{label} {printable(names[label])}" if label in names else str(label) for label in labels
    )


def _label(label: int | None) -> str:
    return "unsorted" if label is None else str(label)
