"""The rows of the table, and how they are held against what is demanded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEADINGS = ("what", "size", "vidindex", "against", "ratio", "demand", "met")
NOTHING = "-"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    against: what the figure is held against, with its own figure. ratio: as shown. demand: of the
    issue, as shown. met: None where nothing is demanded.
    """

    what: str
    size: str
    vidindex: str
    against: str = NOTHING
    ratio: str = NOTHING
    demand: str = NOTHING
    met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """The row in the order of HEADINGS."""
        verdict = NOTHING if self.met is None else "yes" if self.met else "NO"
        return (
            *(self.what, self.size, self.vidindex, self.against),
            *(self.ratio, self.demand, verdict),
        )


def times_as_quick(
    what: str, size: str, own_s: float, *, other_s: float, other: str, demand: float | None
) -> Row:
    """Hold seconds against another's seconds. demand: how many times as quick it must be."""
    ratio = other_s / own_s
    return Row(
        *(what, size, seconds(own_s), f"{other} {seconds(other_s)}", f"{ratio:.1f}x"),
        demand=NOTHING if demand is None else f">= {demand:g}x",
        met=None if demand is None else ratio >= demand,
    )


def share_of_ceiling(
    what: str, size: str, own: float, *, ceiling: float, unit: str, demand: float | None
) -> Row:
    """Hold a rate against the machine's own. demand: the share that must be reached, 0 to 1."""
    share = own / ceiling
    return Row(
        *(what, size, f"{own:.1f} {unit}", f"ceiling {ceiling:.1f} {unit}", f"{share:.0%}"),
        demand=NOTHING if demand is None else f">= {demand:.0%}",
        met=None if demand is None else share >= demand,
    )


def at_most(what: str, size: str, own: float, limit: float, unit: str) -> Row:
    """Hold a figure against a limit."""
    return Row(*(what, size, f"{own:.2f} {unit}"), demand=f"<= {limit:g} {unit}", met=own <= limit)


def seconds(value: float) -> str:
    """Write a time so that its first digits are seen."""
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def draw(rows: Sequence[Row]) -> str:
    """Draw the table: aligned for a terminal, and Markdown as it stands."""
    lines = [HEADINGS, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    drawn = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    drawn.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(drawn)
