"""Line charts as geometry: axes in round steps, lines within them."""

import pytest

from fencun.web.chart import line_chart, nice_step, smooth


def test_a_chart_stays_within_its_axes() -> None:
    points = [(float(step), 4 - step / 1000 if step else float("nan")) for step in range(1000)]
    chart = line_chart([("training", points, True)], across=1000)
    [line] = chart.lines
    assert 100 < len(line.dots) <= 300
    assert all(
        chart.left <= x <= chart.right and chart.top <= y <= chart.bottom for x, y in line.dots
    )
    assert line.dots[-1][0] == pytest.approx(
        chart.left + (chart.right - chart.left) * 0.999, abs=0.1
    )
    assert [tick.label for tick in chart.x] == ["0", "200", "400", "600", "800", "1000"]
    assert len({tick.label for tick in chart.y}) == len(chart.y) >= 3
    flat = line_chart([("validation", [(4.0, 2.0)], True)], across=4)
    assert chart.top < flat.lines[0].dots[0][1] < chart.bottom


def test_steps_of_axes_and_running_means() -> None:
    assert [nice_step(x) for x in (0.013, 0.2, 3, 70)] == [0.02, 0.2, 5, 100]
    assert smooth([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])
    assert smooth([4.0, 0.0])[1] == pytest.approx(4 * 0.09 / 0.19)
