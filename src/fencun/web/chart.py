"""Line charts as geometry: a template draws them as SVG, with classes for the colours."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 340, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 10, 12, 26
_SMOOTH = 0.9
_MOST = 240

Point = tuple[float, float]


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where it stands, in units of the drawing, and what it says."""

    place: float
    label: str


@dataclass(frozen=True)
class Series:
    """A line by name: ``path`` is its SVG path, ``dots`` its points where they should show."""

    name: str
    path: str
    dots: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Chart:
    """A chart of ``WIDTH`` by ``HEIGHT``; ticks of both axes, and its lines."""

    lines: tuple[Series, ...]
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]

    width = WIDTH
    height = HEIGHT
    left, right = _LEFT, WIDTH - _RIGHT
    top, bottom = _TOP, HEIGHT - _BOTTOM


def smooth(values: Sequence[float]) -> list[float]:
    """Return a running mean that begins at the first value (unbiased from the start on)."""
    kept, weight, found = 0.0, 0.0, []
    for value in values:
        kept = _SMOOTH * kept + (1 - _SMOOTH) * value
        weight = _SMOOTH * weight + (1 - _SMOOTH)
        found.append(kept / weight)
    return found


def line_chart(
    lines: Sequence[tuple[str, Sequence[Point], bool]],
    *,
    across: float,
    low: float | None = None,
    high: float | None = None,
    percent: bool = False,
) -> Chart:
    """Return the chart of ``lines`` (name, points, whether to show dots) over 0 to ``across``.

    ``low`` and ``high`` fix the upright axis; otherwise it spans what the lines hold.
    """
    values = [y for _, points, _ in lines for _, y in points if math.isfinite(y)] or [0.0, 1.0]
    bottom = min(values) if low is None else low
    top = max(values) if high is None else high
    if low is None and high is None:
        margin = 0.08 * (top - bottom) or 0.1
        bottom, top = bottom - margin, top + margin
    across = max(across, 1.0)

    def place(point: Point) -> Point:
        x = _LEFT + (WIDTH - _LEFT - _RIGHT) * point[0] / across
        share = (min(max(point[1], bottom), top) - bottom) / (top - bottom)
        return round(x, 1), round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * share, 1)

    drawn = []
    for name, points, dots in lines:
        placed = [place(point) for point in _thinned(points) if math.isfinite(point[1])]
        drawn.append(Series(name, _path(placed), tuple(placed) if dots else ()))
    step = nice_step((top - bottom) / 5)
    marks = _multiples(bottom, top, step)
    return Chart(
        tuple(drawn),
        tuple(Tick(place((x, bottom))[0], f"{x:g}") for x in _multiples(0, across, _whole(across))),
        tuple(Tick(place((0, y))[1], f"{y:.0%}" if percent else f"{y:.4g}") for y in marks),
    )


def nice_step(about: float) -> float:
    """Return the number of the form 1, 2 or 5 times a power of ten that is nearest above."""
    power = 10.0 ** math.floor(math.log10(about)) if about > 0 else 1.0
    return next(power * k for k in (1, 2, 5, 10) if power * k >= about * 0.999)


def _whole(across: float) -> float:
    return max(1.0, nice_step(across / 5))


def _multiples(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _thinned(points: Sequence[Point]) -> Iterable[Point]:
    """Return at most some hundreds of ``points``, the last one always among them."""
    every = max(1, math.ceil(len(points) / _MOST))
    return [*points[:-1][::every], *points[-1:]]


def _path(points: Sequence[Point]) -> str:
    return " ".join(f"{'L' if index else 'M'}{x} {y}" for index, (x, y) in enumerate(points))
