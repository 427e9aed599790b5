"""Where the parts of the page's drawings lie: charts of how good each K is, and the map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vidindex.report.content import Point, Tried

WIDTH, HEIGHT = 340, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 14, 30
_TICKS = 4
_FEWEST_DOTS = 2
MAP_SIDE = 1000  # the longer one of the map, in its own units
_MAP_MARGIN = 24
_LEAST_SIDE = 400


@dataclass(frozen=True)
class Dot:
    """A measured value, and what it says."""

    x: float
    y: float
    text: str
    is_shown: bool


@dataclass(frozen=True)
class Tick:
    """A number beside an axis, and where it stands on that axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A measure of the runs, drawn over K. path: of its line, as in SVG's d.

    is_better_high: whether more of it is better.
    """

    title: str
    is_better_high: bool
    path: str
    dots: tuple[Dot, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


@dataclass(frozen=True)
class Layer:
    """The points of a cluster on the map. path: of them all; x, y: where its number is written."""

    label: int | None
    path: str
    x: float
    y: float


@dataclass(frozen=True)
class Plane:
    """The part of the map that is drawn: what lies around the points, upright."""

    left: float
    top: float
    scale: float
    width: int
    height: int

    @classmethod
    def around(cls, points: Sequence[Point]) -> Plane:
        """Choose it so that the longer side is MAP_SIDE."""
        across, up = [point.x for point in points] or [0.0], [point.y for point in points] or [0.0]
        extents = max(across) - min(across), max(up) - min(up)
        scale = (MAP_SIDE - 2 * _MAP_MARGIN) / (max(extents) or 1)
        width, height = (
            max(_LEAST_SIDE, round(extent * scale) + 2 * _MAP_MARGIN) for extent in extents
        )
        return cls(min(across), max(up), scale, width, height)

    def place(self, point: Point) -> tuple[float, float]:
        """Return where a point lies, from the upper left corner."""
        x, y = (point.x - self.left) * self.scale, (self.top - point.y) * self.scale
        return round(_MAP_MARGIN + x, 1), round(_MAP_MARGIN + y, 1)


def draw_charts(tried: Sequence[Tried]) -> tuple[Chart, ...]:
    """Draw each measure that at least two of the runs have; tried: by K."""
    drawn = (
        _draw("Inertia", False, [(each, each.inertia) for each in tried]),
        _draw("Silhouette", True, [(each, each.silhouette) for each in tried]),
        _draw("Stability", True, [(each, each.stability) for each in tried]),
    )
    return tuple(chart for chart in drawn if chart is not None)


def draw_layers(points: Sequence[Point], plane: Plane) -> tuple[Layer, ...]:
    """Draw the points of each cluster, those that are in none first: below the others."""
    labels = {point.label for point in points}
    layers = []
    for label in sorted(labels, key=lambda label: -1 if label is None else label):
        places = [plane.place(point) for point in points if point.label == label]
        middle = len(places) // 2
        # A line of no length with round ends is a dot, and one path for all of them is quick.
        path = "".join(f"M{x:g} {y:g}h.01" for x, y in places)
        x, y = sorted(x for x, _ in places)[middle], sorted(y for _, y in places)[middle]
        layers.append(Layer(label, path, x, y))
    return tuple(layers)


def _draw(
    title: str, is_better_high: bool, measured: Sequence[tuple[Tried, float | None]]
) -> Chart | None:
    values = [(each, value) for each, value in measured if value is not None]
    if len(values) < _FEWEST_DOTS:
        return None
    ks = [each.k for each, _ in values]
    low, high, step = _scale([value for _, value in values])

    def across(k: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (k - ks[0]) / (ks[-1] - ks[0]), 1)

    def up(value: float) -> float:
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (value - low) / (high - low), 1)

    dots = tuple(
        Dot(across(each.k), up(value), f"K = {each.k}: {value:.4g} (run {each.run})", each.is_shown)
        for each, value in values
    )
    path = "M" + "L".join(f"{dot.x:g} {dot.y:g}" for dot in dots)
    ticks = [low + number * step for number in range(round((high - low) / step) + 1)]
    return Chart(
        title,
        is_better_high,
        path,
        dots,
        tuple(Tick(across(k), str(k)) for k in _some(ks)),
        tuple(Tick(up(tick), f"{tick:.6g}") for tick in ticks),
    )


def _scale(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the ends of an axis that starts at 0 or below, and the step between its ticks."""
    low, high = min(0.0, *values), max(0.0, *values)
    if high <= low:
        high = low + 1
    rough = (high - low) / _TICKS
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    return math.floor(low / step) * step, math.ceil(high / step) * step, step


def _some(ks: Sequence[int]) -> list[int]:
    """Return the first and last of some numbers, and a few between, none so near as to touch."""
    apart = max(1, (ks[-1] - ks[0]) / 8)
    chosen = [ks[0]]
    for k in ks[1:-1]:
        if k - chosen[-1] >= apart and ks[-1] - k >= apart:
            chosen.append(k)
    return [*chosen, ks[-1]]
