"""The options that several commands have, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

_COMMON_PANEL = "Common options"
_SETTINGS_PANEL = "Settings (also in the configuration file and as VIDINDEX_… variables)"


def _setting(kind: Any, flag: str, text: str, metavar: str | None = None) -> Any:
    option = typer.Option(
        flag, help=text, metavar=metavar, rich_help_panel=_SETTINGS_PANEL, show_default=False
    )
    return Annotated[kind | None, option]


SETTINGS: dict[str, Any] = {
    "symlinks": _setting(
        str, "--symlinks", "Pass over symbolic links, or index what they lead to.", "skip|follow"
    ),
    "weights": _setting(
        str,
        "--weights",
        "imagenet, a .h5 or .weights.h5 file, or untrained[:SEED] to try it offline.",
        "WEIGHTS",
    ),
    "class_index": _setting(
        str, "--class-index", "The names of the weights' classes, where Keras has none.", "FILE"
    ),
    "interval_s": _setting(float, "--interval-s", "Seconds between the sampled frames.", "SECONDS"),
    "min_frames": _setting(int, "--min-frames", "Frames at least, of short videos too.", "N"),
    "sampling": _setting(
        str, "--sampling", "The exact frame, or the nearest keyframe: quicker.", "exact|keyframe"
    ),
    "skip_blank": _setting(
        bool, "--skip-blank/--no-skip-blank", "Pass over nearly uniform frames."
    ),
    "precision": _setting(
        str, "--precision", "The network's number format; bf16 is quicker.", "fp32|bf16|auto"
    ),
    "batch_size": _setting(
        int, "--batch-size", "Frames that the network takes at once; 0 chooses.", "N"
    ),
    "workers": _setting(int, "--workers", "Videos read at the same time; 0 chooses.", "N"),
    "decode_limit_s": _setting(
        float, "--decode-limit-s", "Seconds that decoding a frame may take.", "SECONDS"
    ),
    "decode_memory_mb": _setting(
        int, "--decode-memory-mb", "Memory that a decoder may use, in MiB.", "MIB"
    ),
    "thumbnails": _setting(int, "--thumbnails", "Small pictures kept of each video, 0 to 9.", "N"),
    "algorithm": _setting(
        str,
        "--algorithm",
        "How to cluster; hdbscan finds the number of clusters itself.",
        "kmeans|bisecting|agglomerative|hdbscan",
    ),
    "seed": _setting(int, "--seed", "The seed of the clustering.", "N"),
    "normalize": _setting(
        str,
        "--normalize",
        "Before clustering: each vector to length 1, each number to spread 1, or neither.",
        "l2|standard|none",
    ),
    "n_init": _setting(int, "--n-init", "K-Means starts, the best of which counts.", "N"),
    "wait": _setting(
        bool, "--wait/--no-wait", "While another vidindex is changing the library, wait, or end."
    ),
}

INDEX_SETTINGS = (
    "symlinks",
    "weights",
    "class_index",
    "interval_s",
    "min_frames",
    "sampling",
    "skip_blank",
    "precision",
    "batch_size",
    "workers",
    "decode_limit_s",
    "decode_memory_mb",
    "thumbnails",
)
CLUSTER_SETTINGS = ("algorithm", "seed", "normalize", "n_init")
WRITER_SETTINGS = ("wait",)  # of every command that changes the library


def _common(kind: Any, *flags: str, **keywords: Any) -> Any:
    return Annotated[kind, typer.Option(*flags, rich_help_panel=_COMMON_PANEL, **keywords)]


COMMON: dict[str, tuple[Any, Any]] = {
    "db": (
        _common(str | None, "--db", metavar="FILE", help="The library's database file."),
        None,
    ),
    "config": (
        _common(Path | None, "--config", metavar="FILE", help="A configuration file."),
        None,
    ),
    "json": (_common(bool, "--json", help="Print one JSON object."), False),
    "quiet": (_common(bool, "-q", "--quiet", help="No progress and no notices."), False),
    "verbose": (
        _common(
            int, "-v", "--verbose", count=True, help="Long lists whole; -vv: where an error arose."
        ),
        0,
    ),
}
