"""The command line as a whole: its help, its languages, its errors."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_case import BRIEF, fencun

import fencun as package
from fencun.cli import VERBS

SOURCE = Path(package.__file__).parent
TREE = Path(__file__).with_name("cli_tree.py")
FRAME = re.compile(r"Usage|OPTIONS|ARGS|Options:|Commands:|Arguments:|Show this|required|default:")
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


SAID = re.compile(r"\bfencun((?: +[a-z][a-z-]*)+)((?: +[^\s`，。；：）)]+)*)")


def said() -> Iterator[tuple[str, re.Match[str]]]:
    """Yield every command that a sentence, a page or a declaration tells a person to type."""
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = (getattr(part, "value", "{}") for part in node.values)
                    text = "".join(part if isinstance(part, str) else "{}" for part in parts)
                    yield from ((path.name, found) for found in SAID.finditer(text))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield from ((path.name, found) for found in SAID.finditer(node.value))
        elif path.suffix in {".html", ".j2", ".js", ".yaml", ".md"}:
            text = path.read_text(encoding="utf-8")
            yield from ((path.name, found) for found in SAID.finditer(text))


def test_every_command_that_somebody_is_told_to_type_exists() -> None:
    commands, count = commands_in("en"), 0
    for file, found in said():
        words, path = found.group(1).split(), "fencun"
        if words[0] not in VERBS:  # "fencun or llamafactory" is no command
            assert words[0] in {"or", "and"}, f"{file}: {found.group(0)}"
            continue
        for word in words:
            path = f"{path} {word}" if f"{path} {word}" in commands else path
        below = [name for name in commands if name.startswith(f"{path} ")]
        assert not (below and len(words) >= len(path.split())), f"{file}: {found.group(0)}"
        for option in re.findall(r"(?<= )--[a-z][a-z-]*", found.group(0)):
            there = re.search(rf"{option}(?![a-z-])", commands[path]["page"])
            assert there, f"{file}: {path} {option}"
        count += 1
    assert count > 200


def test_every_command_speaks_one_language_at_a_time() -> None:
    english, chinese = commands_in("en"), commands_in("zh")
    assert english.keys() == chinese.keys()
    assert {f"fencun {verb}" for verb in VERBS} < english.keys()
    for command, told in chinese.items():
        about = told["page"].split("\n\n")[1]
        helps = {**told["parameters"], "": about}
        assert not [name for name, said in helps.items() if not CHINESE.search(said or "")], command
        assert not FRAME.search(told["page"]), command
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


@pytest.mark.parametrize("verb", [["model", "list"], ["scenario", "list"]])
def test_a_full_disk_behind_the_output_is_a_sentence(verb: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fencun", *verb], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode != 0
    assert "系统不让读写" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_as_home_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "file"
    here.write_text("x", "utf-8")
    monkeypatch.setenv("FENCUN_HOME", str(here))
    done = fencun("model", "list")
    assert (done.returncode, "那是个文件" in done.stderr) == (1, True)
