"""Plain text for people: columns, and numbers with their units."""

from __future__ import annotations

from collections.abc import Sequence

from vidindex.cli.escaping import printable

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


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return "1 video", "2 videos"."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """Return seconds as 4.2 s, 3:07 min or 1:02:03 h."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"


def size(size_bytes: int) -> str:
    """Return bytes as 512 B, 3.4 MB and so on, in powers of 1000."""
    number, units = float(size_bytes), ["B", "kB", "MB", "GB", "TB"]
    while number >= 1000 and len(units) > 1:  # noqa: PLR2004 - the step between units
        number /= 1000
        units.pop(0)
    return f"{number:.0f} B" if units[0] == "B" else f"{number:.1f} {units[0]}"
