"""Which of several copies of a video is the best, and which of them belong together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vidindex.embedding import VideoInfo


@dataclass(frozen=True)
class NearPair:
    """Two videos that are near each other: their places in order of quality. cosine: of both."""

    better: int
    worse: int
    cosine: float


@dataclass(frozen=True)
class Star:
    """A group of near videos: the best of them, and the others with their cosine to it."""

    best: int
    others: Mapping[int, float]


def quality(
    info: VideoInfo | None, size_bytes: int, mtime_ns: int, path: Path
) -> tuple[int, float, int, Path]:
    """Return what copies are sorted by, the best first.

    More pixels are better; of equally many, more bytes a second; of equally many of these, the
    older file. What is not known counts as nothing.
    """
    pixels = 0 if info is None else info.width_px * info.height_px
    duration_s = 0.0 if info is None else info.duration_s or 0.0
    return -pixels, -size_bytes / duration_s if duration_s > 0 else 0.0, mtime_ns, path


def gather_stars(pairs: Iterable[NearPair], distinct: Iterable[tuple[int, int]]) -> list[Star]:
    """Group videos around the best of them: each other one is near to that very one.

    Near is not the same: of a chain of videos, each near to the next, the ends may be unlike. So
    the best of all that are left takes those that are near to it, the nearest first, and then the
    best of the rest. Two that are distinct are never in one group. Returns the groups of two or
    more, the best first.
    """
    near: dict[int, list[tuple[float, int]]] = {}
    for pair in pairs:
        near.setdefault(pair.better, []).append((-pair.cosine, pair.worse))
    apart: dict[int, set[int]] = {}
    for one, other in distinct:
        apart.setdefault(one, set()).add(other)
        apart.setdefault(other, set()).add(one)
    taken: set[int] = set()
    stars = []
    for best in sorted(near):
        if best in taken:
            continue
        others: dict[int, float] = {}
        barred = set(apart.get(best, ()))
        for negative, worse in sorted(near[best]):
            if worse not in taken and worse not in barred:
                others[worse] = -negative
                barred |= apart.get(worse, set())
        if others:
            taken |= {best, *others}
            stars.append(Star(best, others))
    return stars


def count_saveable(size_bytes: int, places: Sequence[tuple[int, int]]) -> int:
    """Return how many bytes all but one of some files of one size take.

    places: device and inode of each. Names of one file (hard links) take its bytes but once.
    """
    return size_bytes * (len(set(places)) - 1)
