"""Plain text for people: columns, and numbers with their units."""

from __future__ import annotations

from collections.abc import Sequence

from vidindex.cli.escaping import printable
from vidindex.units import counted, duration, size

__all__ = ["columns", "counted", "duration", "size"]

_GAP = "  "


def columns(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay rows out in columns below a header; numbers to the right, texts to the left."""
    cells = [[printable(value) for value in row] for row in rows]
    is_number = [
        bool(rows) and all(isinstance(row[place], int | float) for row in rows)
        for place in range(len(header))
    ]
    widths = [
        max(len(line[place]) for line in [list(header), *cells]) for place in range(len(header))
    ]

    def lay_out(line: Sequence[str]) -> str:
        parts = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, is_number, strict=True)
        ]
        return _GAP.join(parts).rstrip()

    return "\n".join(lay_out(line) for line in [list(header), *cells])
