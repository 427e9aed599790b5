"""Where the parts of the drawings lie."""

import pytest

from vidindex.report.charts import HEIGHT, WIDTH, Plane, draw_charts, draw_layers
from vidindex.report.content import Point, Tried


def tried(*values):
    return [Tried(k, k, value, None, None, is_shown=k == 3) for k, value in values]


def point(x, y, label=0):
    return Point(1, x, y, label, "/videos", "a.mp4", None)


def test_a_chart_is_drawn_to_scale_from_zero_with_round_ticks():
    (chart,) = draw_charts(tried((2, 30.0), (3, 15.0), (10, 0.0)))

    assert [tick.text for tick in chart.up] == ["0", "10", "20", "30"]
    assert [tick.text for tick in chart.across] == ["2", "3", "10"]
    highest, middle, lowest = chart.dots
    assert highest.y < middle.y < lowest.y
    assert middle.y - highest.y == pytest.approx(lowest.y - middle.y, abs=0.2)
    assert middle.x - highest.x == pytest.approx((lowest.x - middle.x) / 7, abs=0.2)
    assert [dot.is_shown for dot in chart.dots] == [False, True, False]
    assert all(0 < dot.x < WIDTH and 0 < dot.y < HEIGHT for dot in chart.dots)


@pytest.mark.parametrize("values", [(0.0, 0.0), (-0.2, 0.1), (1e-9, 2e-9), (1e12, 5e11)])
def test_any_values_lie_inside_the_chart(values):
    (chart,) = draw_charts(tried((2, values[0]), (40, values[1])))

    assert all(0 < dot.y < HEIGHT for dot in chart.dots)
    assert 2 <= len(chart.up) <= 7


def test_a_single_run_has_no_chart():
    assert draw_charts(tried((3, 1.0))) == ()


def test_the_map_is_cut_to_its_points_and_not_stretched():
    points = [point(0.2, 0.4), point(0.8, 0.4), point(0.5, 0.6)]
    plane = Plane.around(points)

    left, right, top = (plane.place(each) for each in points)

    assert (plane.width, left, right) == (1000, (24, top[1] + 317.3), (976, top[1] + 317.3))
    assert top == (500, 24)
    assert plane.height == 400


@pytest.mark.parametrize("points", [[], [point(0.5, 0.5)], [point(0.1, 0.1)] * 3])
def test_few_points_or_equal_ones_have_a_map_too(points):
    plane = Plane.around(points)

    assert plane.width == plane.height == 400
    assert len(draw_layers(points, plane)) == (1 if points else 0)


def test_the_unsorted_points_lie_below_the_others():
    points = [point(0, 0, 2), point(0, 1, None), point(1, 0, 0)]

    layers = draw_layers(points, Plane.around(points))

    assert [layer.label for layer in layers] == [None, 0, 2]
