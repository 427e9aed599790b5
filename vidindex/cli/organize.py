"""`vidindex organize`: index, cluster and apply in one go."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vidindex.cli.apply import (
    ChosenMode,
    ChosenTemplate,
    DryRun,
    OnConflict,
    Yes,
    apply_data,
    control,
    move_exit_code,
    move_text,
)
from vidindex.cli.cluster import K, cluster_data, cluster_text
from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.filters import RecipeNumber
from vidindex.cli.index import index_data, index_text, index_until_stopped
from vidindex.cli.options import CLUSTER_SETTINGS, INDEX_SETTINGS, WRITER_SETTINGS
from vidindex.cli.signals import stop_request
from vidindex.errors import ExitCode


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        organize,
        settings=(*INDEX_SETTINGS, *CLUSTER_SETTINGS, *WRITER_SETTINGS),
        example="vidindex organize ~/Inbox ~/Sorted -k 30",
    )


def organize(
    call: Invocation,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The folder with the videos.")],
    destination: Annotated[
        str, typer.Argument(metavar="DEST", help="Where the cluster folders are made.")
    ],
    *,
    k: K = None,
    recipe: RecipeNumber = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try videos again that failed before.")
    ] = False,
    mode: ChosenMode = None,
    template: ChosenTemplate = None,
    on_conflict: OnConflict = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> Answer:
    """Index the videos of SOURCE, group them into K clusters, and move them into DEST.

    Only videos below SOURCE are grouped and moved, whatever else the library holds. A dry run
    indexes and clusters, which changes the library only, and says what would be moved.
    """
    from vidindex.library import Library
    from vidindex.templates import Template

    if template is not None:
        Template.parse(template)  # what is wrong with it is told before the long work
    library = Library(settings=call.settings)
    indexed = index_until_stopped(call, [source], retry_failed=retry_failed)
    own_recipe = indexed.recipe if recipe is None else recipe
    clustered = library.cluster(k, reporter=call.reporter, recipe=own_recipe, scope=source)
    with stop_request() as stop:
        moved = library.apply(
            destination,
            run=clustered.run,
            scope=source,
            mode=mode or "move",
            template=template,
            on_conflict=on_conflict or "rename",
            dry_run=dry_run,
            control=control(call, stop, yes=yes or dry_run),
        )
    data: dict[str, Any] = {
        "index": index_data(indexed),
        "cluster": cluster_data(clustered),
        "apply": apply_data(moved),
    }
    text = "\n".join(
        [
            index_text(indexed),
            cluster_text(clustered),
            move_text(moved, is_whole=call.verbosity > 0),
        ]
    )
    code = move_exit_code(moved, stop)
    if code == ExitCode.DONE and (indexed.failed or indexed.failed_before or clustered.left_out):
        code = ExitCode.INCOMPLETE
    return Answer(data, text, [*indexed.problems, *moved.problems], code)
