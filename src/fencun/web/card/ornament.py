"""What decorates a card, drawn from scratch: paper-cut, seal, hills, plum branch, lanterns.

Every function returns a mask (mode "L") of the size it is told, drawn at four times that size
and scaled down, for smooth edges; the design pours a colour through it.
"""

import math
import random
from collections.abc import Iterable

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from fencun.web.card import fonts

Point = tuple[float, float]
_FINE = 4


def _canvas(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    mask = Image.new("L", (width * _FINE, height * _FINE), 0)
    return mask, ImageDraw.Draw(mask)


def _done(mask: Image.Image) -> Image.Image:
    return mask.resize((mask.width // _FINE, mask.height // _FINE), Image.Resampling.LANCZOS)


def seal(size: int, char: str = "福") -> Image.Image:
    """Return a square seal with ``char`` cut out of it."""
    mask, draw = _canvas(size, size)
    full = size * _FINE
    draw.rounded_rectangle((0, 0, full - 1, full - 1), full // 9, fill=255)
    inset = full // 14
    draw.rounded_rectangle(
        (inset, inset, full - inset, full - inset), full // 12, outline=0, width=full // 40
    )
    font = fonts.serif(int(full * 0.68))
    draw.text((full / 2, full / 2 - full * 0.02), char, fill=0, font=font, anchor="mm",
              stroke_width=full // 90)  # fmt: skip
    return _done(mask)


def lozenge(size: int, char: str = "福") -> Image.Image:
    """Return a square of paper standing on its corner (斗方), ``char`` cut out of it."""
    mask, draw = _canvas(size, size)
    full = size * _FINE
    half = full / 2
    for reach, fill in ((1.0, 255), (0.9, 0), (0.865, 255)):
        r = half * reach
        draw.polygon([(half, half - r), (half + r, half), (half, half + r), (half - r, half)], fill)
    font = fonts.serif(int(full * 0.5))
    draw.text((half, half - full * 0.015), char, fill=0, font=font, anchor="mm",
              stroke_width=full // 110)  # fmt: skip
    return _done(mask)


def rosette(size: int, folds: int = 8) -> Image.Image:
    """Return a round window flower (团花): one fold of a cut paper, repeated ``folds`` times."""
    mask, draw = _canvas(size, size)
    full = size * _FINE
    centre, radius = full / 2, full / 2

    def at(distance: float, turn: float) -> Point:
        angle = math.tau * turn
        return (
            centre + radius * distance * math.sin(angle),
            centre - radius * distance * math.cos(angle),
        )

    for fold in range(folds):
        middle = fold / folds
        half = 0.5 / folds
        draw.polygon([at(*p) for p in _petal(0.30, 0.985, middle, half * 0.98)], 255)
        draw.polygon([at(*p) for p in _petal(0.70, 0.93, middle, half * 0.62)], 0)
        draw.polygon([at(*p) for p in _petal(0.76, 0.885, middle, half * 0.34)], 255)
        for side in (-1, 1):
            cut = [
                (distance, middle + side * half * share)
                for distance, share in ((0.46, 0.2), (0.58, 0.66), (0.66, 0.5), (0.57, 0.34))
            ]
            draw.polygon([at(*p) for p in cut], 0)
    _disc(draw, centre, radius * 0.41, 255)
    for tooth in range(folds * 4):
        turn = tooth / (folds * 4)
        step = 0.28 / (folds * 4)
        teeth = [at(0.40, turn - step), at(0.40, turn + step), at(0.335, turn)]
        draw.polygon(teeth, 0)
    _disc(draw, centre, radius * 0.30, 0)
    _disc(draw, centre, radius * 0.275, 255)
    return _done(mask)


def _petal(start: float, end: float, middle: float, half: float) -> Iterable[tuple[float, float]]:
    """Yield the outline of a petal in polar coordinates (distance, turn)."""
    steps = 24
    for step in range(steps + 1):
        share = step / steps
        yield start + (end - start) * share, middle + half * math.sin(math.pi * share) ** 0.8
    for step in range(steps, -1, -1):
        share = step / steps
        yield start + (end - start) * share, middle - half * math.sin(math.pi * share) ** 0.8


def _disc(draw: ImageDraw.ImageDraw, centre: float, radius: float, fill: int) -> None:
    box = (centre - radius, centre - radius, centre + radius, centre + radius)
    draw.ellipse(box, fill)


def meander(width: int, height: int, unit: int, line: int) -> Image.Image:
    """Return a frame of 回纹: squares that wind inwards, all round; ``unit`` and ``line`` in px."""
    mask, draw = _canvas(width, height)
    across, down = round(width / unit), round(height / unit)
    step_x, step_y = width * _FINE / across, height * _FINE / down
    for column in range(across):
        for row in range(down):
            if column in (0, across - 1) or row in (0, down - 1):
                box = (column * step_x, row * step_y, step_x, step_y)
                _winding(draw, box, line * _FINE, flip=(column + row) % 2 == 1)
    return _done(mask)


def _winding(
    draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], line: int, *, flip: bool
) -> None:
    x, y, w, h = box
    low, high, near, far = 0.12, 0.88, 0.38, 0.62
    path = [(low, 0.9), (low, low), (high, low), (high, high), (near, high), (near, 0.4),
            (far, 0.4), (far, far)]  # fmt: skip
    points = [(x + (1 - u if flip else u) * w, y + v * h) for u, v in path]
    draw.line(points, 255, line)
    half = line / 2
    for px, py in points:
        draw.rectangle((px - half, py - half, px + half, py + half), 255)


def hills(width: int, height: int, seed: int, rough: float) -> Image.Image:
    """Return one range of distant hills in wash: dark at the ridge, fading downwards."""
    source = random.Random(seed)
    waves = [
        (source.uniform(0.6, 1.6) * rate, source.uniform(0, math.tau), rough / rate)
        for rate in (1, 2.3, 5, 11)
    ]
    ridge = []
    for x in range(width + 1):
        level = sum(
            size * math.sin(math.tau * rate * x / width + phase) for rate, phase, size in waves
        )
        ridge.append((float(x), height * (0.38 - 0.5 * level)))
    shape = Image.new("L", (width, height), 0)
    ImageDraw.Draw(shape).polygon([*ridge, (width, height), (0, height)], 255)
    fade = (
        Image.linear_gradient("L")
        .resize((width, height))
        .transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    )
    return ImageChops.multiply(shape.filter(ImageFilter.GaussianBlur(1.2)), fade)


def branch(width: int, height: int, seed: int) -> tuple[Image.Image, Image.Image]:
    """Return a plum branch that reaches in from the top right: the wood, and the blossom."""
    source = random.Random(seed)
    wood, pen = _canvas(width, height)
    bloom, brush = _canvas(width, height)
    flowers: list[Point] = []

    def grow(x: float, y: float, angle: float, thick: float, length: int) -> None:
        aim = angle
        for step in range(length):
            bend = source.choice((-0.45, 0.45)) if step % 6 == 5 else source.uniform(-0.16, 0.16)
            angle += bend + 0.18 * (aim - angle)
            reach = 13 * _FINE
            nx, ny = x + reach * math.cos(angle), y + reach * math.sin(angle)
            pen.line([(x, y), (nx, ny)], 255, max(2, int(thick)))
            pen.ellipse((nx - thick / 2, ny - thick / 2, nx + thick / 2, ny + thick / 2), 255)
            x, y, thick = nx, ny, thick * 0.962
            if length > 14 and step % 7 == 4:
                side = 0.75 if step % 2 else -0.7
                grow(x, y, angle + side, thick * 0.6, int(length * 0.42))
            if thick < 9 * _FINE and source.random() < 0.25:
                off = 13 * _FINE
                flowers.append((x + source.uniform(-off, off), y + source.uniform(-off, off)))

    grow(width * _FINE * 1.01, height * _FINE * 0.62, math.pi * 1.03, 15 * _FINE, 54)
    for x, y in flowers:
        _blossom(brush, x, y, source.uniform(9, 19) * _FINE, source.uniform(0, math.tau))
    return _done(wood), _done(bloom)


def _blossom(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, turn: float) -> None:
    for petal in range(5):
        angle = turn + math.tau * petal / 5
        px, py = x + radius * 0.62 * math.cos(angle), y + radius * 0.62 * math.sin(angle)
        r = radius * 0.52
        draw.ellipse((px - r, py - r, px + r, py + r), 235)
    for stamen in range(5):
        angle = turn + math.tau * (stamen + 0.5) / 5
        sx, sy = x + radius * 0.45 * math.cos(angle), y + radius * 0.45 * math.sin(angle)
        draw.line([(x, y), (sx, sy)], 70, max(1, int(radius * 0.08)))
    r = radius * 0.16
    draw.ellipse((x - r, y - r, x + r, y + r), 60)


def lantern(width: int, height: int) -> Image.Image:
    """Return a lantern with its ribs cut out, cap and tassel."""
    mask, draw = _canvas(width, height)
    w, h = width * _FINE, height * _FINE
    draw.line([(w / 2, 0), (w / 2, h * 0.16)], 255, int(w * 0.03))
    draw.rounded_rectangle((w * 0.33, h * 0.14, w * 0.67, h * 0.19), w * 0.02, 255)
    draw.ellipse((w * 0.04, h * 0.18, w * 0.96, h * 0.62), 255)
    for share in (0.30, 0.62):
        box = (w * (0.5 - 0.46 * share), h * 0.18, w * (0.5 + 0.46 * share), h * 0.62)
        draw.ellipse(box, outline=0, width=int(w * 0.022))
    draw.rounded_rectangle((w * 0.33, h * 0.61, w * 0.67, h * 0.66), w * 0.02, 255)
    for thread in range(7):
        x = w * (0.38 + 0.04 * thread)
        draw.line([(x, h * 0.66), (x, h * (0.90 - 0.02 * abs(3 - thread)))], 255, int(w * 0.018))
    return _done(mask)


def fibres(width: int, height: int, seed: int, count: int) -> Image.Image:
    """Return the faint fibres of hand-made paper."""
    source = random.Random(seed)
    mask = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(mask)
    for _ in range(count):
        x, y, angle = (
            source.uniform(0, width),
            source.uniform(0, height),
            source.uniform(0, math.tau),
        )
        points = [(x, y)]
        for _ in range(source.randint(3, 9)):
            angle += source.uniform(-0.5, 0.5)
            x, y = x + 7 * math.cos(angle), y + 7 * math.sin(angle)
            points.append((x, y))
        draw.line(points, source.randint(12, 46), 1)
    return mask.filter(ImageFilter.GaussianBlur(0.6))


def stars(width: int, height: int, seed: int, count: int) -> Image.Image:
    """Return a clear night: small stars, fewer and fainter towards the ground."""
    source = random.Random(seed)
    mask, draw = _canvas(width, height)
    for _ in range(count):
        x, y = source.uniform(0, width), height * source.random() ** 1.6
        r, light = source.uniform(0.8, 2.4), int(source.uniform(60, 190) * (1 - 0.6 * y / height))
        draw.ellipse([(v + d) * _FINE for v, d in ((x, -r), (y, -r), (x, r), (y, r))], light)
    return _done(mask)
