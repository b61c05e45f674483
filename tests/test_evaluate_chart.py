"""Charts as SVG."""

from fencun.evaluate import chart


def test_charts_have_gaps_where_nothing_was_measured() -> None:
    svg = chart.lines({"a": [0.5, None, 1.0]}, ["x", "y", "z"], "t", inks={"a": 3})
    assert svg.count("<circle") == 2
    assert 'class="ink-3"' in svg
    bars = chart.shares([chart.Bar("<a>", 0.5, 0.25, 0.75, "5/10")], "t", middle=0.5)
    assert "&lt;a&gt;" in bars
    assert bars.count("<circle") == 1
