"""`vidindex cluster`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.options import CLUSTER_SETTINGS, WRITER_SETTINGS
from vidindex.cli.tables import columns, counted
from vidindex.errors import ExitCode

if TYPE_CHECKING:
    from vidindex.clustering import ClusterResult

K = Annotated[int, typer.Option("-k", "--clusters", metavar="K", help="How many clusters.")]
RecipeNumber = Annotated[
    int | None,
    typer.Option(
        "--recipe", metavar="N", help="Whose vectors, if the library has several recipes."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    settings = (*CLUSTER_SETTINGS, *WRITER_SETTINGS)
    add_command(app, cluster, settings=settings, example="vidindex cluster -k 20")


def cluster(
    call: Invocation,
    k: K,
    recipe: RecipeNumber = None,
    within: Annotated[
        str | None,
        typer.Option("--within", metavar="FOLDER", help="Only videos below this folder."),
    ] = None,
) -> Answer:
    """Group the stored vectors into K clusters and keep the run. Opens no video."""
    from vidindex.library import Library

    result = Library(settings=call.settings).cluster(
        k, reporter=call.reporter, recipe=recipe, scope=within
    )
    code = ExitCode.INCOMPLETE if result.left_out else ExitCode.DONE
    return Answer(cluster_data(result), cluster_text(result), exit_code=code)


def cluster_data(result: ClusterResult) -> dict[str, Any]:
    """Return the run for JSON."""
    clusters = [
        {"label": each.label, "name": each.name, "size": each.size} for each in result.clusters
    ]
    return vars(result) | {"clusters": clusters}


def cluster_text(result: ClusterResult) -> str:
    """Show the sizes of the clusters."""
    head = (
        f"run {result.run}: {counted(result.videos, 'video')} in "
        f"{counted(result.k, 'cluster')}, inertia {result.inertia:.4g}"
    )
    rows = [(each.label, each.size) for each in result.clusters]
    return f"{head}\n{columns(['label', 'videos'], rows)}"
