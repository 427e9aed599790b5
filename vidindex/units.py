"""Numbers with their units, as people read them."""

from __future__ import annotations


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
