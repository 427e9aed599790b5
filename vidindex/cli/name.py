"""`vidindex name`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.completion import complete_label
from vidindex.cli.escaping import printable
from vidindex.cli.filters import RunNumber
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.tables import columns, counted
from vidindex.errors import UsageError

if TYPE_CHECKING:
    from vidindex.library import Library
    from vidindex.querying import ClustersAnswer


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    settings = ("class_index", *WRITER_SETTINGS)
    add_command(app, name, settings=settings, example='vidindex name 3 "Holidays"')


def name(
    call: Invocation,
    label: Annotated[
        int | None,
        typer.Argument(
            metavar="LABEL",
            help="Which cluster.",
            show_default=False,
            autocompletion=complete_label,
        ),
    ] = None,
    text: Annotated[
        str | None, typer.Argument(metavar="NAME", help="What to call it.", show_default=False)
    ] = None,
    *,
    clear: Annotated[bool, typer.Option("--clear", help="Take the cluster's name away.")] = False,
    auto: Annotated[
        bool,
        typer.Option("--auto", help="Name all clusters that you did not name by what they show."),
    ] = False,
    run: RunNumber = None,
) -> Answer:
    """Give a cluster a name, which stays with it in later clusterings; alone: list the names."""
    from vidindex.library import Library

    library = Library(settings=call.settings)
    if auto and (label is not None or clear):
        raise UsageError(
            "--auto names all clusters, so it takes no LABEL and no --clear",
            "for example: vidindex name --auto",
        )
    if auto:
        return _name_automatically(library, call, run)
    if label is None and not clear:
        return _list(library, run)
    if label is None or (text is None) is not clear:
        raise UsageError(
            "name takes a LABEL and a NAME, or a LABEL and --clear",
            'for example: vidindex name 3 "Holidays"',
        )
    result = library.name(label, text, run=run, reporter=call.reporter)
    was = "" if result.before in (None, result.name) else f" (was {printable(result.before)})"
    called = "has no name now" if result.name is None else f"is called {printable(result.name)}"
    return Answer(vars(result), f"cluster {result.label} of run {result.run} {called}{was}")


def _name_automatically(library: Library, call: Invocation, run: int | None) -> Answer:
    result = library.name_automatically(run, reporter=call.reporter)
    clusters = [
        {
            "label": each.label,
            "name": each.name,
            "source": each.name_source,
            "score": each.name_score,
            "size": each.size,
        }
        for each in result.clusters
    ]
    rows = [
        (
            each.label,
            each.name or "",
            each.name_source or "",
            "" if each.name_score is None else f"{each.name_score:.2f}",
            each.size,
        )
        for each in result.clusters
    ]
    text = columns(["label", "name", "by", "score", "videos"], rows)
    head = f"run {result.run}: {counted(result.changed, 'name')} changed"
    data = {"run": result.run, "changed": result.changed, "clusters": clusters}
    return Answer(data, f"{head}\n{text}")


def _list(library: Library, run: int | None) -> Answer:
    answer = library.clusters(run)
    header = ["label", "name", "by", "videos", *(["placed later"] * bool(answer.placed))]
    rows = [
        (
            each.label,
            each.name or "",
            each.name_source or "",
            each.size,
            *([answer.placed.get(each.label, 0)] * bool(answer.placed)),
        )
        for each in answer.clusters
    ]
    text = columns(header, rows)
    unsorted = answer.unsorted_later
    if unsorted:
        text += f"\n{counted(unsorted, 'video')} came later and fit none of them"
    return Answer(clusters_data(answer), text)


def clusters_data(answer: ClustersAnswer) -> dict[str, object]:
    """Return the clusters of a run for JSON."""
    return {
        "run": answer.run.id,
        "clusters": [
            {
                "label": each.label,
                "name": each.name,
                "source": each.name_source,
                "score": each.name_score,
                "size": each.size,
                "placed_later": answer.placed.get(each.label, 0),
            }
            for each in answer.clusters
        ],
        "unsorted_later": answer.unsorted_later,
    }
