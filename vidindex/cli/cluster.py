"""`vidindex cluster`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.filters import RecipeNumber
from vidindex.cli.options import CLUSTER_SETTINGS, WRITER_SETTINGS
from vidindex.cli.plotting import can_print_blocks, draw_columns
from vidindex.cli.tables import columns, counted
from vidindex.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from vidindex.clustering import ClusterResult, RangeResult
    from vidindex.lineage import Churn

MOST_TRIED = 200
_EXAMPLES = "for example: vidindex cluster -k 20, or -k 2..40 to find out which K is good"

K = Annotated[int | None, typer.Option("-k", "--clusters", metavar="K", help="How many clusters.")]
KOrRange = Annotated[
    str | None,
    typer.Option(
        "-k", "--clusters", metavar="K", help="How many clusters; 2..40 tries each of these."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    settings = (*CLUSTER_SETTINGS, *WRITER_SETTINGS)
    add_command(app, cluster, settings=settings, example="vidindex cluster -k 20")


def cluster(
    call: Invocation,
    k: KOrRange = None,
    recipe: RecipeNumber = None,
    within: Annotated[
        str | None,
        typer.Option("--within", metavar="FOLDER", help="Only videos below this folder."),
    ] = None,
) -> Answer:
    """Group the stored vectors into K clusters and keep the run. Opens no video.

    A range of K, as 2..40, keeps a run of each, and recommends one, which becomes the one in use.
    """
    ks = parse_k(k)
    from vidindex.library import Library

    library = Library(settings=call.settings)
    if isinstance(ks, range):
        tried = library.cluster_range(ks, reporter=call.reporter, recipe=recipe, scope=within)
        return Answer(
            range_data(tried), range_text(tried), exit_code=cluster_exit_code(tried.recommended)
        )
    result = library.cluster(ks, reporter=call.reporter, recipe=recipe, scope=within)
    return Answer(cluster_data(result), cluster_text(result), exit_code=cluster_exit_code(result))


def parse_k(text: str | None) -> int | range | None:
    """Read a number, or a range with both its ends.

    Raises:
        UsageError: it is neither, or a range that holds nothing, or too much.
    """
    if text is None:
        return None
    if re.fullmatch("[+-]?[0-9]{1,9}", text, re.ASCII):
        return int(text)
    ends = re.fullmatch(r"([0-9]{1,9})\.\.\.?([0-9]{1,9})", text, re.ASCII)
    if ends is None:
        raise UsageError(f"K is neither a number nor a range: {text}", _EXAMPLES)
    first, last = map(int, ends.groups())
    if first > last:
        raise UsageError(f"the range {text} is the wrong way round", f"write -k {last}..{first}")
    if first < 1:
        raise UsageError(f"K must be at least 1, not {first}", _EXAMPLES)
    if last - first >= MOST_TRIED:
        raise UsageError(
            f"the range {text} has {last - first + 1} values; {MOST_TRIED} can be tried at once",
            "try a smaller range",
        )
    return range(first, last + 1)


def cluster_exit_code(result: ClusterResult) -> ExitCode:
    """Tell whether all videos could be clustered."""
    return ExitCode.INCOMPLETE if result.left_out else ExitCode.DONE


def cluster_data(result: ClusterResult) -> dict[str, Any]:
    """Return the run for JSON."""
    clusters = [
        {"label": each.label, "name": each.name, "size": each.size} for each in result.clusters
    ]
    churn = None if result.churn is None else vars(result.churn)
    return vars(result) | {"clusters": clusters, "churn": churn}


def cluster_text(result: ClusterResult) -> str:
    """Show the sizes of the clusters."""
    head = (
        f"run {result.run}: {counted(result.videos, 'video')} in "
        f"{counted(result.k, 'cluster')}, inertia {result.inertia:.4g}"
    )
    if result.unsorted:
        head += f"\n{counted(result.unsorted, 'video')} in no cluster: unsorted"
    if result.churn is not None:
        head += f"\n{churn_text(result.churn)}"
    has_names = any(each.name for each in result.clusters)
    rows = [(each.label, *([each.name or ""] * has_names), each.size) for each in result.clusters]
    return f"{head}\n{columns(['label', *(['name'] * has_names), 'videos'], rows)}"


def range_data(result: RangeResult) -> dict[str, Any]:
    """Return the runs of a range for JSON."""
    return {
        "recommended": result.recommended.run,
        "why": result.why,
        "runs": [vars(run) for run in result.runs],
        "videos": result.recommended.videos,
        "left_out": result.recommended.left_out,
    }


def range_text(result: RangeResult) -> str:
    """Show what each K came to, a picture of it, and the advice."""
    rows = [
        (
            run.k,
            run.run,
            f"{run.inertia:.4g}",
            _share(run.silhouette),
            _share(run.stability),
            run.smallest,
            run.largest,
            "<" if run.run == result.recommended.run else "",
        )
        for run in result.runs
    ]
    header = ["k", "run", "inertia", "silhouette", "stability", "smallest", "largest"]
    best = result.recommended
    picture = draw_columns(
        [run.k for run in result.runs],
        [run.silhouette for run in result.runs],
        best.k,
        is_ascii=not can_print_blocks(),
    )
    parts = [columns([*header, ""], rows)]
    if picture:
        parts.append(f"silhouette by K\n{picture}")
    advice = f"recommended: K = {best.k}: {result.why}; run {best.run} is the one in use now"
    if best.churn is not None:
        advice += f"\n{churn_text(best.churn)}"
    return "\n\n".join([*parts, advice])


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def churn_text(churn: Churn) -> str:
    """Sum up what a run changes: "214 stay, 9 move, 2 new clusters, 1 gone"."""
    new = f" (+ {counted(churn.new_videos, 'new video')})" if churn.new_videos else ""
    return (
        f"{churn.stay} stay, {churn.move} move, {counted(churn.new_clusters, 'new cluster')}, "
        f"{churn.gone_clusters} gone{new}"
    )
