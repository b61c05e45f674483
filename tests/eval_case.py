"""``fencun eval`` as tests type it: a study that was answered, and what a command prints."""

import csv
import io
import json
from pathlib import Path

from typer.testing import CliRunner, Result

from fencun.cli import app_for


def run(*arguments: str) -> Result:
    words = ["eval", *arguments]
    return CliRunner().invoke(app_for(words), words)


def printed(*arguments: str) -> dict:  # type: ignore[type-arg]
    ended = run(*arguments, "--json")
    assert ended.exit_code == 0, ended.output
    answer: dict = json.loads(ended.stdout)  # type: ignore[type-arg]
    return answer


def filled(path: Path, **cells: str) -> None:
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(row | cells for row in rows)
    path.write_text(out.getvalue(), encoding="utf-8")
