"""A table of the coverage map as a picture: SVG that reads in light and in dark, with numbers.

Inside a page the SVG takes its ink from ``currentColor`` and carries no style sheet (a strict
content policy refuses one); the classes ``heat``, ``heat-cell`` and ``heat-thin`` are there
to be coloured. On its own (``alone``) it brings both palettes along.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from fencun.data.coverage import Table
from fencun.data.targets import Targets
from fencun.language import language, say

_PAD = 12
_CELL_WIDTH = 46
_CELL_HEIGHT = 28
_GLYPH = 12  # pixels of a Chinese character; a Latin letter takes about half
_LETTER = 6.4
_SUMS = 48
_WRAP = 3  # characters of a column's name on a line
_PALEST, _DARKEST = 0.04, 0.55  # beyond that, ink on the colour is hard to read

Wants = Mapping[tuple[str, str], int] | Mapping[tuple[str, ...], int]


def heatmap(
    table: Table,
    title: str,
    *,
    wants: Wants | None = None,
    targets: Targets | None = None,
    href: Callable[[str, str], str] | None = None,
    alone: bool = False,
) -> str:
    """Return ``table`` as an SVG.

    ``wants`` says how many lines a (row, column) should have: cells with fewer get a dashed
    frame; cells that ``targets`` rules out get a dash. ``href`` makes a link of every cell.
    """
    wants = wants or {}
    left = _PAD + 8 + max(_width(table.rows.value_label(value)) for value in table.rows.values)
    slanted = language() == "en"
    top = 30 + _head(table, slanted)
    bottom = top + _CELL_HEIGHT * len(table.rows.values)
    sums_x = left + _CELL_WIDTH * len(table.columns.values) + _SUMS - 8
    most = max(max(row, default=0) for row in table.counts)

    def cell(row: str, column: str, at: int, count: int) -> dict[str, Any]:
        want = wants.get((row, column), 0)
        never = targets is not None and not targets.allows(
            {table.rows.name: row, table.columns.name: column}
        )
        return {
            "x": left + _CELL_WIDTH * at,
            "count": count,
            "shade": _shade(count, most),
            "never": never and not count,
            "thin": count < want,
            "href": href(row, column) if href else "",
            "told": _cell_title(table, row, column, count, want),
        }

    rows = [
        {
            "name": table.rows.value_label(value),
            "y": top + _CELL_HEIGHT * line,
            "sum": table.row_sums[line],
            "cells": [
                cell(value, column, at, table.counts[line][at])
                for at, column in enumerate(table.columns.values)
            ],
        }
        for line, value in enumerate(table.rows.values)
    ]
    return _template().render(
        title=title,
        alone=alone,
        slanted=slanted,
        pad=_PAD,
        left=left,
        top=top,
        bottom=bottom,
        sums_x=sums_x,
        sums_name=say("合计", "all"),
        total=table.total,
        width=round(sums_x + _PAD + (_head(table, slanted) if slanted else 0)),
        height=bottom + _CELL_HEIGHT + 36,
        cell_width=_CELL_WIDTH,
        cell_height=_CELL_HEIGHT,
        columns=_columns(table, left, slanted),
        rows=rows,
        note=_note(any(c["thin"] for row in rows for c in row["cells"])),  # type: ignore[attr-defined]
    )


def _columns(table: Table, left: float, slanted: bool) -> list[dict[str, Any]]:
    columns = []
    for at, value in enumerate(table.columns.values):
        name = table.columns.value_label(value)
        middle = left + _CELL_WIDTH * (at + 0.5)
        size = -(-len(name) // -(-len(name) // _WRAP))  # lines as even as they can be
        lines = [name[i : i + size] for i in range(0, len(name), size)]
        columns.append(
            {
                "name": name,
                "x": middle,
                "middle": middle,
                "lines": lines,
                "sum": table.column_sums[at],
            }
        )
    return columns


def _head(table: Table, slanted: bool) -> int:
    """Return how high the names of the columns stand, in pixels."""
    names = [table.columns.value_label(value) for value in table.columns.values]
    if slanted:
        return round(0.67 * max(map(_width, names))) + 12
    return 15 * max(-(-len(name) // _WRAP) for name in names) + 10


def _width(name: str) -> float:
    return sum(_GLYPH if ord(char) > 0x2E80 else _LETTER for char in name)


def _shade(count: int, most: int) -> str:
    """Return the opacity of a cell: by the square root, so that small counts differ too."""
    part = (count / most) ** 0.5 if most else 0.0
    return f"{_PALEST + (_DARKEST - _PALEST) * part:.3f}"


def _cell_title(table: Table, row: str, column: str, count: int, want: int) -> str:
    cell = f"{table.rows.value_label(row)} × {table.columns.value_label(column)}"
    if count < want:
        missing = want - count
        return say(f"{cell}：{count} 条，还差 {missing} 条", f"{cell}: {count}, {missing} missing")
    return say(f"{cell}：{count} 条", f"{cell}: {count}")


def _note(thin: bool) -> str:
    zh, en = "数字是条数，越深越多。", "Numbers are lines; the deeper, the more."
    if thin:
        zh, en = f"{zh}虚线框里的还不够。", f"{en} A dashed frame: too few."
    return say(zh, en)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("fencun.data", "."), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("heatmap.svg.j2")
