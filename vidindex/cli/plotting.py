"""Small pictures of plain characters for the terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

HEIGHT = 8
WIDTH = 70  # with the scale at the left it fits 80 columns
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_MARK = "^"


def draw_columns(
    numbers: Sequence[int], values: Sequence[float | None], marked: int, *, is_ascii: bool
) -> str:
    """Draw a column for each number, as high as its value, and a mark below one of the numbers.

    numbers: ascending. values: None leaves a gap. If the numbers are too many, each column is of
    several that follow each other, and shows the highest of their values.
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    merged = math.ceil(len(numbers) / WIDTH)
    heights = [_highest(values[start : start + merged]) for start in range(0, len(values), merged)]
    wide = max(1, min(3, WIDTH // len(heights)))
    low, high = min(0.0, *known), max(known)
    lines = []
    for row in reversed(range(HEIGHT)):
        cells = [_cell(value, low, high, row, is_ascii=is_ascii) for value in heights]
        scale = {HEIGHT - 1: f"{high:.2f}", 0: f"{low:.2f}"}.get(row, "")
        lines.append(
            f"{scale:>6} |" + "".join(cell * max(1, wide - 1) + " " * (wide > 1) for cell in cells)
        )
    place = numbers.index(marked) // merged * wide
    lines.append(" " * 8 + " " * place + f"{_MARK} {marked}")
    lines.append(f"{'K':>6}  {numbers[0]} to {numbers[-1]}")
    return "\n".join(line.rstrip() for line in lines)


def can_print_blocks() -> bool:
    """Tell whether stdout's encoding has block characters."""
    try:
        _EIGHTHS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _highest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _cell(value: float | None, low: float, high: float, row: int, *, is_ascii: bool) -> str:
    """Return the character of a column in a row; row 0 is the lowest."""
    if value is None or high <= low:
        return " "
    eighths = round(((value - low) / (high - low) * HEIGHT - row) * 8)
    eighths = min(8, max(0, eighths))
    return ("#" if eighths >= 4 else " ") if is_ascii else _EIGHTHS[eighths]  # noqa: PLR2004 - half
