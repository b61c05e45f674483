"""``fencun data check`` on the command line."""

import json
from collections import Counter
from pathlib import Path

from data_case import row, write
from typer.testing import CliRunner, Result

from fencun.cli import app_for

TEXTS = (
    "妈，窗台上那盆水仙开了，给您拜年，您歇着，锅我刷。",
    "妈，三十晚上我到家，灶上给我留碗热汤就成。",
    "妈，门口的灯我换了新的，夜里出来您看得清道。",
)


def fencun(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app_for(words), words)


def test_check_on_the_command_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", (row(f"s{at}", TEXTS[0]) for at in range(300)))
    ended = fencun("data", "check", path)
    assert ended.exit_code == 1
    assert ended.stdout.splitlines()[0].startswith("a.jsonl:2 s1  [near] ")
    assert len(ended.stdout.splitlines()) == 201
    assert "还有 99 处" in ended.stdout
    assert "300 行：299 处要改" in ended.stderr
    told = json.loads(fencun("data", "check", path, "--json").stdout)
    assert (told["lines"], told["faults"], len(told["remarks"])) == (300, 299, 299)
    assert Counter(remark["gate"] for remark in told["remarks"]) == {"near": 299}
    clean = fencun("data", "check", write(tmp_path / "b.jsonl", [row()]), "--json")
    assert (clean.exit_code, json.loads(clean.stdout)["remarks"]) == (0, [])
