"""`vidindex learn`."""

from __future__ import annotations

from typing import Annotated

import typer

from vidindex.cli.cluster import churn_text
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.filters import RecipeNumber
from vidindex.cli.options import WRITER_SETTINGS
from vidindex.cli.tables import columns, counted
from vidindex.errors import ExitCode


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    settings = ("normalize", *WRITER_SETTINGS)
    add_command(app, learn, settings=settings, example="vidindex learn ~/Videos/Arranged")


def learn(
    call: Invocation,
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="The folder with a subfolder for each cluster.")
    ],
    recipe: RecipeNumber = None,
) -> Answer:
    """Take the subfolders of DIR, which you arranged by hand, over as clusters of their names.

    The run that is made of them is the one in use then, and later clusterings keep its labels and
    names where they can. Nothing is moved. Files in DIR itself are in no cluster.
    """
    from vidindex.library import Library

    result = Library(settings=call.settings).learn(folder, recipe=recipe, reporter=call.reporter)
    clusters = [
        {"label": each.label, "name": each.name, "size": each.size} for each in result.clusters
    ]
    data = {
        "run": result.run,
        "k": len(result.clusters),
        "videos": result.videos,
        "inertia": result.inertia,
        "clusters": clusters,
        "churn": None if result.churn is None else vars(result.churn),
        "loose": result.loose,
        "left_out": len(result.problems),
    }
    lines = [
        f"run {result.run}: {counted(result.videos, 'video')} in "
        f"{counted(len(result.clusters), 'folder')}"
    ]
    if result.churn is not None:
        lines.append(churn_text(result.churn))
    rows = [(each.label, each.name or "", each.size) for each in result.clusters]
    lines.append(columns(["label", "name", "videos"], rows))
    if result.loose:
        lines.append(f"{counted(result.loose, 'file')} in no subfolder, and in no cluster")
    if result.problems:
        lines.append(f"{counted(len(result.problems), 'file')} left out")
    code = ExitCode.INCOMPLETE if result.problems else ExitCode.DONE
    return Answer(data, "\n".join(lines), result.problems, code)
