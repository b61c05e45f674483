"""What tests of tables share: a heading, a good row, and a file made of rows."""

from pathlib import Path
from typing import Any

from fencun.data.importing import ImportNotes, RefusedRow, read_rows
from fencun.scenario import Scenario

HEADER = "称呼,关系,交往细节,场合,风格,篇幅,正文"


GOOD = "王老师,高中班主任,总帮我改作文,大年三十,真诚,一句话,“王老师，作文本我还留着，给您拜年了。”"


class Found(ImportNotes):
    """All that a table held, in memory."""

    def __init__(self, path: Path, scenario: Scenario, **options: Any) -> None:
        super().__init__()
        self.entries = list(read_rows(path, scenario, self, **options))
        self.rows = [entry for entry in self.entries if not isinstance(entry, RefusedRow)]
        self.refused = [entry for entry in self.entries if isinstance(entry, RefusedRow)]


def table(tmp_path: Path, *lines: str, encoding: str = "utf-8", name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes("\n".join((HEADER, *lines)).encode(encoding))
    return path
