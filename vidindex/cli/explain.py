"""`vidindex explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidindex.cli.command import Answer, Invocation, add_command
from vidindex.cli.completion import complete_known_path
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.filters import RunNumber
from vidindex.cli.tables import columns

if TYPE_CHECKING:
    from vidindex.explaining import Explanation, NearCluster


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, explain, example="vidindex explain ~/Videos/beach.mp4")


def explain(
    call: Invocation,
    video: Annotated[
        str,
        typer.Argument(
            metavar="PATH_OR_HASH",
            help="A file, or the start of a hash.",
            autocompletion=complete_known_path,
        ),
    ],
    run: RunNumber = None,
    top: Annotated[int, typer.Option("--top", metavar="N", help="Neighbours at most.")] = 5,
) -> Answer:
    """Tell why a video is in its cluster: how near it is, its neighbours, and what it shows."""
    from vidindex.library import Library

    answer = Library(settings=call.settings).explain(video, run=run, top=top)
    return Answer(_data(answer), _text(answer))


def _data(answer: Explanation) -> dict[str, Any]:
    return {
        **json_path(answer.path),
        "hash": answer.blake3.hex(),
        "run": answer.run.id,
        "cluster": None if answer.own is None else vars(answer.own),
        "pinned_to": answer.pinned_to,
        "nearest": [vars(cluster) for cluster in answer.nearest],
        "margin": answer.margin,
        "percentile": answer.percentile,
        "neighbours": [
            json_path(row.path)
            | {"hash": row.blake3.hex(), "cosine": row.cosine, "label": row.label}
            for row in answer.neighbours
        ],
        "classes": [{"class": row.class_name, "score": row.score} for row in answer.classes],
        "deciding": [
            {"class": row.class_name, "score": row.score, "nearest": row.own, "second": row.other}
            for row in answer.deciding
        ],
    }


def _text(answer: Explanation) -> str:
    lines = [f"video     {printable(answer.path)}", f"run       {answer.run.id}"]
    if answer.own is None:
        why = "is unsorted" if answer.is_unsorted else "came after the run"
        lines.append(f"cluster   none: it {why}")
    else:
        lines.append(f"cluster   {_cluster(answer.own)}, distance {answer.own.distance:.4f}")
    if answer.pinned_to is not None:
        lines.append(f"pinned    to cluster {answer.pinned_to}")
    if answer.percentile is not None:
        share = f"{answer.percentile:.0f} % of its cluster, itself included,"
        lines.append(f"typical   {share} are as near to the centroid or nearer")
    lines += [
        f"{place:8}  {_cluster(cluster)}, distance {cluster.distance:.4f}"
        for place, cluster in zip(("nearest", "second"), answer.nearest, strict=False)
    ]
    if answer.margin is not None:
        scale = "1 at its centroid, 0 on the border, below 0 nearer to another"
        lines.append(f"margin    {answer.margin:.3f} ({scale})")
    parts = ["\n".join(lines)]
    if answer.neighbours:
        rows = [
            (f"{row.cosine:.4f}", "" if row.label is None else str(row.label), row.path)
            for row in answer.neighbours
        ]
        parts.append("nearest videos\n" + columns(["cosine", "label", "path"], rows))
    parts += _classes(answer)
    return "\n\n".join(parts)


def _classes(answer: Explanation) -> list[str]:
    """Show what the video shows, and what tells its two nearest clusters apart."""
    if not answer.classes:
        return []
    parts = [
        "what it shows, in deviations above the library's mean\n"
        + columns(
            ["score", "class"], [(f"{row.score:.2f}", row.class_name) for row in answer.classes]
        )
    ]
    if answer.deciding:
        header = ["video", *(str(cluster.label) for cluster in answer.nearest), "class"]
        rows = [
            (f"{row.score:.2f}", f"{row.own:.2f}", f"{row.other:.2f}", row.class_name)
            for row in answer.deciding
        ]
        labels = " from ".join(str(cluster.label) for cluster in answer.nearest)
        parts.append(f"what tells cluster {labels}\n{columns(header, rows)}")
    return parts


def _cluster(cluster: NearCluster) -> str:
    return f"{cluster.label} {printable(cluster.name)}" if cluster.name else str(cluster.label)
