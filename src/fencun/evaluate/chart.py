"""Two charts as SVG: shares with their intervals, and shares along a few steps.

Without style sheet or script, so that they stand in any page; the classes ``ink-0`` to
``ink-5`` are there to be coloured. Lines also differ by dashes: paper may be grey.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

WIDTH = 340  # about a phone's, so that letters are there as large as the text around them
_DASHES = ("", "7 4", "2 4", "10 3 2 3", "1 3", "5 5")
_GLYPH, _LETTER = 12.0, 6.8
_EDGE = 16  # room for half a tick's label
_ROW, _LINE = 42, 18


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
    """Return a dot and its interval for every bar, from 0 to 100 %; ``middle`` marks a line.

    Names stand above their bars: they may be long, and a phone is narrow.
    """

    def x(share: float) -> float:
        return round(_EDGE + (WIDTH - 2 * _EDGE) * share, 1)

    places = [44 + _ROW * at for at in range(len(bars))]
    rows = [
        {"bar": bar, "y": y, "low": x(bar.low), "high": x(bar.high), "dot": x(bar.share)}
        for bar, y in zip(bars, places, strict=True)
    ]
    return _template("shares").render(
        title=title,
        rows=rows,
        width=WIDTH,
        edge=_EDGE,
        bottom=34 + _ROW * len(rows),
        ticks=[(x(tick / 100), f"{tick}%") for tick in (0, 25, 50, 75, 100)],
        middle=None if middle is None else x(middle),
    )


def lines(
    series: Mapping[str, Sequence[float | None]],
    steps: Sequence[str],
    title: str,
    *,
    inks: Mapping[str, int],
) -> str:
    """Return a line for every series over ``steps``; shares from 0 to 1, gaps where None."""
    legend = _legend(list(series))
    left, right, top = 38.0, WIDTH - 8.0, 34.0 + _LINE * (1 + max(y for _, y in legend))
    bottom = top + 180
    apart = (right - left) / max(1, len(steps))

    def place(at: int, share: float) -> tuple[float, float]:
        x, y = left + apart * (at + 0.5), bottom - (bottom - top) * share
        return round(x, 1), round(y, 1)

    drawn: list[dict[str, Any]] = []
    for (name, values), (x, row) in zip(series.items(), legend, strict=True):
        ink = inks.get(name, 0)
        drawn.append(
            {
                "name": name,
                "ink": ink,
                "dashes": _DASHES[ink % len(_DASHES)],
                "runs": _runs([None if v is None else place(at, v) for at, v in enumerate(values)]),
                "legend": (x, 34 + _LINE * row),
            }
        )
    named = [(place(at, 0)[0], _wrapped(step, apart)) for at, step in enumerate(steps)]
    return _template("lines").render(
        title=title,
        series=drawn,
        steps=named,
        ticks=[(place(0, tick / 100)[1], f"{tick}%") for tick in (0, 25, 50, 75, 100)],
        left=left,
        right=right,
        bottom=bottom,
        width=WIDTH,
        height=round(bottom) + 12 + 14 * max((len(words) for _, words in named), default=1),
    )


def _legend(names: Sequence[str]) -> list[tuple[float, int]]:
    """Where each name of the legend stands: x, and the row, as many rows as it takes."""
    places, x, row = [], 0.0, 0
    for name in names:
        wide = 44 + _width(name)
        if x and x + wide > WIDTH:
            x, row = 0.0, row + 1
        places.append((round(x, 1), row))
        x += wide
    return places


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Part ``points`` where one is missing: nothing is drawn across a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _wrapped(step: str, room: float) -> list[str]:
    """Part the name of a step so that it fits ``room``: words at spaces, Chinese in halves."""
    if _width(step) <= room - 4:
        return [step]
    if step.isascii():
        return step.split()
    half = -(-len(step) // 2)
    return [step[:half], step[half:]]


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
