"""The command line as a whole: its help, its languages, its errors."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_case import BRIEF, fencun

from fencun.cli import VERBS

TREE = Path(__file__).with_name("cli_tree.py")
CHINESE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]")


def test_help_lists_every_verb_and_imports_none_of_them() -> None:
    code = (
        "import sys; sys.argv = ['fencun', '--help']\n"
        "from fencun.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'torch', 'fastapi', 'sqlalchemy', 'httpx', 'yaml', 'numpy', 'PIL'}))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    for verb, (zh, _) in VERBS.items():
        assert re.search(rf"^  {verb} +{zh[:6]}", told, re.MULTILINE)
    assert told.strip().endswith("[]")


def commands_in(language: str) -> dict[str, Any]:
    """Every command with its help, as a process of that language shows it."""
    told = subprocess.run(
        [sys.executable, TREE], env={**os.environ, "FENCUN_LANG": language},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def test_every_command_speaks_one_language_at_a_time() -> None:
    english, chinese = commands_in("en"), commands_in("zh")
    assert english.keys() == chinese.keys()
    assert {f"fencun {verb}" for verb in VERBS} < english.keys()
    for command, told in chinese.items():
        about = told["page"].split("\n\n")[1]
        helps = {**told["parameters"], "": about}
        assert not [name for name, said in helps.items() if not CHINESE.search(said or "")], command
    for command, told in english.items():
        assert not CHINESE.search(told["page"]), command
        assert all(told["parameters"].values()), command


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("write", *BRIEF),
        ("write", *BRIEF, "--arm", "best"),
        ("data", "check", "nowhere.jsonl"),
        ("data", "import", "nowhere.csv"),
        ("data", "export", "--format", "best", "--out", "x"),
        ("eval", "verdict", "nowhere"),
        ("eval", "run", "--arms", "best"),
        ("model", "info", "nowhere"),
        ("tune", "export", "nowhere", "--out", "x"),
        ("tune", "resume", "nowhere"),
        ("advise",),
        ("doctor", "--no-speed"),
    ],
)
def test_errors_speak_one_language_too(
    arguments: tuple[str, ...], language: str, tmp_path: Path
) -> None:
    ended = fencun(*arguments, env={**os.environ, "FENCUN_LANG": language}, cwd=tmp_path)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1, said
    quoted = re.compile(r"'[^']*'")  # what was typed is quoted as it was typed
    assert bool(CHINESE.search(quoted.sub("", said))) == (language == "zh"), said
