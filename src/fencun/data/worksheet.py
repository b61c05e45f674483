"""A plan as a worksheet for people: CSV or Excel, one row a child, four cells to fill."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from fencun.data.breeder import free_fields
from fencun.data.breeding_plan import PlannedChild
from fencun.data.lines import Line
from fencun.errors import FencunError
from fencun.files import inert, replacing, write_bytes
from fencun.scenario import Scenario

_OWN = {"text": "正文", "why": "为什么好"}


def write_worksheet(
    path: Path, scenario: Scenario, children: Sequence[PlannedChild], parents: Mapping[str, Line]
) -> None:
    """Write ``children`` to ``path`` (.csv or .xlsx); ``fencun data import`` reads it back.

    Raises:
        FencunError: the suffix is neither, or the disk refused.
    """
    rows = [
        _header(scenario),
        *(_row(scenario, child, parents[child.parent]) for child in children),
    ]
    if path.suffix.lower() == ".csv":
        sheet = io.StringIO()
        csv.writer(sheet).writerows(rows)
        write_bytes(path, sheet.getvalue().encode("utf-8-sig"))  # Excel needs the BOM
    elif path.suffix.lower() == ".xlsx":
        _write_excel(path, rows)
    else:
        raise FencunError(
            f"{path.name}：工作表要以 .csv 或 .xlsx 结尾。",
            f"{path.name}: a worksheet ends in .csv or .xlsx.",
        )


def _header(scenario: Scenario) -> list[str]:
    choices = [d.label for d in scenario.dimensions if d.kind != "text"]
    labels = {d.name: d.label for d in scenario.dimensions}
    free = [_OWN.get(name) or labels[name] for name in free_fields(scenario)]
    return [
        "id",
        "parent",
        *choices,
        "分寸话题",
        "细节写法",
        "参考：亲本怎么写（不要改写它）",
        *free,
    ]


def _row(scenario: Scenario, child: PlannedChild, parent: Line) -> list[str]:
    choices = [child.values[d.name] for d in scenario.dimensions if d.kind != "text"]
    empty = [""] * len(free_fields(scenario))
    return [child.id, child.parent, *choices, child.topic, child.typing, inert(parent.text), *empty]


def _write_excel(path: Path, rows: Sequence[Sequence[str]]) -> None:
    from openpyxl import Workbook  # type: ignore[import-untyped]

    book = Workbook(write_only=True)
    sheet = book.create_sheet("fencun")
    for row in rows:
        sheet.append(list(row))
    with replacing(path) as file:
        book.save(file)
