"""Two charts as SVG: shares with their intervals, and shares along a few steps.

Without style sheet or script, so that they stand in any page; the classes ``ink-0`` to
``ink-5`` are there to be coloured. Lines also differ by dashes: paper may be grey.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

WIDTH = 460
_DASHES = ("", "7 4", "2 4", "10 3 2 3", "1 3", "5 5")
_GLYPH, _LETTER = 13.0, 7.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a chart of shares. All between 0 and 1; ``ink`` is the colour's number."""

    label: str
    share: float
    low: float
    high: float
    told: str
    ink: int = 0


def shares(bars: Sequence[Bar], title: str, *, middle: float | None = None) -> str:
    """Return a dot and its interval for every bar, from 0 to 100 %; ``middle`` marks a line."""
    left = 16 + max((_width(bar.label) for bar in bars), default=0.0)
    right = WIDTH - 28 - max((_width(bar.told) for bar in bars), default=0.0)

    def x(share: float) -> float:
        return round(left + (right - left) * share, 1)

    rows = [
        {
            "bar": bar,
            "y": 52 + 30 * at,
            "low": x(bar.low),
            "high": x(bar.high),
            "dot": x(bar.share),
        }
        for at, bar in enumerate(bars)
    ]
    return _template("shares").render(
        title=title,
        rows=rows,
        width=WIDTH,
        height=52 + 30 * len(rows) + 24,
        ticks=[(x(tick / 100), f"{tick}%") for tick in (0, 25, 50, 75, 100)],
        left=left,
        middle=None if middle is None else x(middle),
        right=WIDTH - 8,
    )


def lines(
    series: Mapping[str, Sequence[float | None]],
    steps: Sequence[str],
    title: str,
    *,
    inks: Mapping[str, int],
) -> str:
    """Return a line for every series over ``steps``; shares from 0 to 1, gaps where None."""
    left, right, top, bottom = 44.0, WIDTH - 16.0, 64.0, 268.0
    apart = (right - left) / max(1, len(steps))

    def place(at: int, share: float) -> tuple[float, float]:
        x, y = left + apart * (at + 0.5), bottom - (bottom - top) * share
        return round(x, 1), round(y, 1)

    drawn: list[dict[str, Any]] = []
    legend = left
    for name, values in series.items():
        points = [place(at, share) for at, share in enumerate(values) if share is not None]
        ink = inks.get(name, 0)
        drawn.append(
            {
                "name": name,
                "ink": ink,
                "dashes": _DASHES[ink % len(_DASHES)],
                "points": points,
                "path": " ".join(f"{x},{y}" for x, y in points),
                "legend": legend,
            }
        )
        legend += 44 + _width(name)
    return _template("lines").render(
        title=title,
        series=drawn,
        steps=[(place(at, 0)[0], step) for at, step in enumerate(steps)],
        ticks=[(place(0, tick / 100)[1], f"{tick}%") for tick in (0, 25, 50, 75, 100)],
        left=left,
        right=right,
        bottom=bottom,
        width=WIDTH,
        height=int(bottom) + 34,
    )


def _width(text: str) -> float:
    return sum(_GLYPH if ord(char) > 0x2E80 else _LETTER for char in text)


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("fencun.evaluate", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(f"{name}.svg.j2")
