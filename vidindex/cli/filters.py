"""The options that say which files are listed, and how what they are given is read."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from vidindex.cli import completion
from vidindex.cli.completion import SORTS
from vidindex.errors import UsageError
from vidindex.paths import resolve

if TYPE_CHECKING:
    from vidindex.store.listings import Sort

_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_LONGEST_S = 100 * 366 * 86400  # what a date can still be reckoned from
_PANEL = "Which files"

FILTER_NOTES = (
    "\n\nDurations and ages are numbers with w, d, h, m, s, such as 90s, 1h30m or 7d; a duration "
    "alone is in seconds. In a pattern * and ? stand for / too, and [[] for [."
)

RunNumber = Annotated[
    int | None,
    typer.Option(
        "--run",
        metavar="N",
        help="Which clustering; the one in use by default.",
        autocompletion=completion.complete_run,
    ),
]
RecipeNumber = Annotated[
    int | None,
    typer.Option(
        "--recipe", metavar="N", help="Whose vectors, if the library has several recipes."
    ),
]
LabelNumber = Annotated[
    int | None,
    typer.Option(
        "--label",
        metavar="N",
        help="Only this cluster.",
        autocompletion=completion.complete_label,
    ),
]
Label = Annotated[
    int | None,
    typer.Option(
        "--label",
        metavar="N",
        help="Only this cluster.",
        rich_help_panel=_PANEL,
        autocompletion=completion.complete_label,
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Only clusters of this name.",
        rich_help_panel=_PANEL,
        autocompletion=completion.complete_name,
    ),
]
Unsorted = Annotated[
    bool,
    typer.Option("--unsorted", help="Only the files that fit no cluster.", rich_help_panel=_PANEL),
]
PathGlob = Annotated[
    str | None,
    typer.Option(
        "--path",
        metavar="GLOB",
        help="Only below this folder, or where the whole path fits this pattern.",
        rich_help_panel=_PANEL,
    ),
]
Longer = Annotated[
    str | None,
    typer.Option(
        "--longer", metavar="DURATION", help="Only longer videos.", rich_help_panel=_PANEL
    ),
]
Shorter = Annotated[
    str | None,
    typer.Option(
        "--shorter", metavar="DURATION", help="Only shorter videos.", rich_help_panel=_PANEL
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="DATE|AGE",
        help="Only what was indexed since: 2026-01-31, 2026-01-31T18:00, 7d.",
        rich_help_panel=_PANEL,
    ),
]
Codec = Annotated[
    str | None,
    typer.Option("--codec", metavar="CODEC", help="Only of this codec.", rich_help_panel=_PANEL),
]
SortKey = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="KEY",
        help=f"By {', '.join(SORTS)}; -KEY: the greatest first.",
        autocompletion=completion.complete_sort,
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", help="Files at most.")]


def to_seconds(text: str | None, option: str, *, is_unit_needed: bool = False) -> float | None:
    """Read a duration such as 90, 90s, 5m or 1h30m.

    Raises:
        UsageError: it is none, or so long that nobody means it.
    """
    if text is None:
        return None
    number = r"\d+(?:\.\d+)?"
    parts = re.findall(f"({number})([wdhms])", text)
    if re.fullmatch(number, text) and not is_unit_needed:
        parts = [(text, "s")]
    elif not parts or "".join(map("".join, parts)) != text:
        raise UsageError(
            f"{option} {text} is not understood",
            f"give for example {'2026-01-31 or 7d' if is_unit_needed else '90s, 5m or 1h30m'}",
        )
    seconds = sum(float(amount) * _SECONDS[unit] for amount, unit in parts)
    if seconds > _LONGEST_S:
        raise UsageError(f"{option} {text} is more than a hundred years", "give less")
    return seconds


def to_moment(text: str | None, option: str, now: datetime) -> datetime | None:
    """Read a date, a date and time (of this place, unless it tells its own), or an age.

    Raises:
        UsageError: it is none of these.
    """
    if text is None:
        return None
    if re.match(r"\d{4}-\d", text):
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise UsageError(
                f"{option} {text} is no date", "give for example 2026-01-31 or 7d"
            ) from error
    seconds = to_seconds(text, option, is_unit_needed=True)
    return now - timedelta(seconds=seconds or 0)


def to_sort(text: str | None) -> tuple[Sort | None, bool]:
    """Return what to sort by, and whether the greatest is first.

    Raises:
        UsageError: it is not known.
    """
    if text is None:
        return None, False
    key = text.removeprefix("-")
    if key not in SORTS:
        raise UsageError(f"--sort {text} is not known", f"choose one of {', '.join(SORTS)}")
    return cast("Sort", key), text.startswith("-")


def to_limit(limit: int | None) -> int | None:
    """Check a number of rows.

    Raises:
        UsageError: it is below one.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit} shows nothing", "give 1 or more, or leave it out")
    return limit


def to_pattern(text: str | None) -> Path | None:
    """Return a pattern, or the path that it may be as well, as the library stores paths.

    It is of the current folder, unless it begins with "/", "~" or "*".
    """
    if text is None:
        return None
    return Path(text) if text.startswith("*") else resolve(text)


def require_one_kind(label: int | None, name: str | None, *, unsorted: bool) -> None:
    """Check that not both a cluster and none is asked for.

    Raises:
        UsageError: they are.
    """
    if unsorted and (label is not None or name is not None):
        given = "--label" if label is not None else "--name"
        raise UsageError(f"{given} and --unsorted cannot both hold", "leave one of them out")
