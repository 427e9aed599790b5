"""What the Tab key offers: the library's runs, labels, names and paths.

Nothing is offered where there is no library, or it cannot be read: a shell asks in the midst of a
line, where no message belongs.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from vidindex.config import from_process
from vidindex.errors import VidindexError

if TYPE_CHECKING:
    from vidindex.library import Library

PATHS_OFFERED = 100
SORTS = ("path", "size", "duration", "added", "label", "distance")
# A shell puts what it is offered into the line as it is, and zsh even evaluates it: a file's name
# must not become a command. So only these are offered, and letters and digits of any alphabet.
_SAFE = frozenset(" ._-+,@%/=()[]^")
_NEEDS_BACKSLASH = re.compile(r"([ =()\[\]^])")  # in bash; the other shells quote by themselves

Offers = list[tuple[str, str]]  # a value, and what is said of it
Offering = Callable[[typer.Context, str], Offers]


def _quiet(offer: Offering) -> Offering:
    """Let it offer nothing where the library cannot be asked."""

    @functools.wraps(offer)
    def offer_quietly(context: typer.Context, incomplete: str) -> Offers:
        try:
            return offer(context, incomplete)
        except (VidindexError, OSError):
            return []

    return offer_quietly


@_quiet
def complete_run(context: typer.Context, incomplete: str) -> Offers:
    """Offer the numbers of the runs, the newest first."""
    runs = [
        (str(run.id), f"{run.algorithm}, k={run.k}, {run.created_at:%Y-%m-%d}")
        for run in reversed(_library(context).runs())
    ]
    return _fitting(runs, incomplete)


@_quiet
def complete_label(context: typer.Context, incomplete: str) -> Offers:
    """Offer the labels of the run."""
    return _fitting(_labels(context), incomplete)


@_quiet
def complete_name(context: typer.Context, incomplete: str) -> Offers:
    """Offer the names of the run's clusters."""
    return _fitting([(name, label) for label, name in _labels(context) if name], incomplete)


@_quiet
def complete_path_or_cluster(context: typer.Context, incomplete: str) -> Offers:
    """Offer known paths if one is begun, else labels and names."""
    if incomplete.startswith("/"):
        return complete_known_path(context, incomplete)
    labels = _labels(context)
    return _fitting(labels + [(name, label) for label, name in labels if name], incomplete)


@_quiet
def complete_known_path(context: typer.Context, incomplete: str) -> Offers:
    """Offer paths that the library knows; the shell itself offers those of the current folder."""
    if not incomplete.startswith("/"):
        return []
    known = _library(context).paths(incomplete, PATHS_OFFERED)
    return _fitting([(os.fspath(path), "") for path in known], incomplete)


def complete_sort(incomplete: str) -> Offers:
    """Offer what lists can be sorted by, either way round."""
    keys = [sign + key for sign in ("", "-") for key in SORTS]
    return [(key, "") for key in keys if key.startswith(incomplete)]


def _library(context: typer.Context) -> Library:
    """Return the library that the line so far is about."""
    from vidindex.library import Library

    values = context.params
    configuration = from_process({"db": values.get("db")}, values.get("config"))
    return Library(settings=configuration.settings)


def _labels(context: typer.Context) -> Offers:
    """Return label and name of the clusters of the run that the line so far names, or in use."""
    run = context.params.get("run")
    clusters = _library(context).clusters(run if isinstance(run, int) else None).clusters
    return [(str(cluster.label), cluster.name or "") for cluster in clusters]


def _fitting(offers: Offers, incomplete: str) -> Offers:
    """Return the harmless ones that go on from what is typed, as the shell takes them."""
    return [
        (_as_typed(value, incomplete), _plain(text))
        for value, text in offers
        if value.startswith(incomplete) and value == _plain(value) and not value.startswith("-")
    ]


def _plain(text: str) -> str:
    """Return a text with a space for each character that means something to a shell."""
    return "".join(sign if sign.isalnum() or sign in _SAFE else " " for sign in text)


def _as_typed(value: str, incomplete: str) -> str:
    """Return a value as it must stand in the line; only bash leaves that to us."""
    if os.environ.get("_VIDINDEX_COMPLETE") != "complete_bash":
        return value
    is_quoted = os.environ.get("COMP_WORDS", "").endswith((f'"{incomplete}', f"'{incomplete}"))
    return value if is_quoted else _NEEDS_BACKSLASH.sub(r"\\\1", value)
