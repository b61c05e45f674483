"""What is installed is what is used: a bare environment, every verb in it, and the mending line."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from fencun.errors import FencunError
from fencun.extras import EXTRAS, how_to_install, missing, need

ROOT = Path(__file__).parents[1]

# What a command, or all below it, cannot do without; the longest name that fits decides.
NEEDS: dict[str, str | None] = {
    "write": None,
    "serve": "serve",
    "token": "serve",
    "scenario": None,
    "scenario draft": "data",
    "model": None,
    "data": "data",
    "data pairs": "evaluate",
    "tune": "tune",
    "eval": "evaluate",
    "eval read sheet": None,
    "eval read take": None,
    "advise": None,
    "doctor": None,
}


def needs(command: str) -> str | None:
    """Return the extra that ``command`` needs."""
    return NEEDS[max((name for name in NEEDS if f"{command} ".startswith(f"{name} ")), key=len)]


def test_the_table_is_what_the_package_declares() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    modules: dict[str, set[str]] = {}
    for module, packages in packages_distributions().items():
        for package in packages:
            modules.setdefault(package.lower().replace("_", "-"), set()).add(module)
    for extra, known in EXTRAS.items():
        listed = declared["optional-dependencies"][extra]
        names = [re.split(r"[\[<>=]", entry)[0].lower() for entry in listed]
        assert len(names) == len(known), extra
        for name in names:
            assert modules.get(name, {name}) & set(known), name


def test_what_is_missing_is_one_sentence_with_the_line_that_mends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(EXTRAS, "data", ("json", "no_such_module", "nor_this_one"))  # type: ignore[attr-defined]
    assert missing("data") == ["no_such_module", "nor_this_one"]
    with pytest.raises(FencunError) as told:
        need("data")
    for said in (told.value.zh, told.value.en):
        assert "no_such_module, nor_this_one" in said
        assert said.endswith(how_to_install("data"))
    need("data", "json")
    with pytest.raises(FencunError, match="nor_this_one"):
        need("data", "nor_this_one")


def run(python: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the interpreter of a bare environment, away from this one's packages."""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [python, *arguments], env={**clean, **environment}, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, cwd=environment.get("FENCUN_HOME"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that ``make demo`` makes: its interpreter."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    made = subprocess.run(
        ["make", f"PYTHON={sys._base_executable}", f"VENV={folder}", f"{folder}/.run"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr[-2000:]
    return folder / "bin" / "python"


@pytest.mark.slow
def test_every_verb_of_a_bare_environment_ends_in_a_sentence(bare: Path, own_home: Path) -> None:
    told = run(bare, str(ROOT / "tests" / "cli_tree.py"))
    tree: dict[str, Any] = json.loads(told.stdout)
    groups = {path.rpartition(" ")[0] for path in tree}
    own_home.mkdir(exist_ok=True)
    for path, found in tree.items():
        if path in groups:
            continue
        command, extra = path.removeprefix("fencun "), needs(path.removeprefix("fencun "))
        typed = [*command.split(), *found["typed"]]
        if command == "model fetch":
            typed.append("nowhere")  # without a name it would fetch a gigabyte
        ended = run(bare, "-m", "fencun", *typed, FENCUN_HOME=str(own_home))
        said = ended.stdout + ended.stderr
        assert ended.returncode in (0, 1), f"{command}: {said}"
        assert "Traceback" not in said, command
        assert ("fencun[" in ended.stderr) == (extra is not None), f"{command}: {said}"
        if extra:
            assert len(ended.stderr.splitlines()) == 1, command
            assert ended.stderr.rstrip().endswith(f"install 'fencun[{extra}]'"), command


@pytest.mark.slow
def test_the_line_that_mends_it_does_and_no_more_is_needed(bare: Path, own_home: Path) -> None:
    """The web app runs with ``serve`` alone; what it lacks for cards it says."""
    refused = run(bare, "-m", "fencun", "serve", FENCUN_LANG="en", FENCUN_HOME=str(own_home))
    line = refused.stderr.partition("Install them with: ")[2].strip()
    mended = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert mended.returncode == 0, mended.stderr[-2000:]
    script = str(ROOT / "tests" / "bare_app.py")
    told = run(bare, "-W", "ignore", script, FENCUN_HOME=str(own_home))
    answers = json.loads(told.stdout)
    assert answers.pop("/api/cards") == 400, answers
    assert len(answers) > 5
    assert {status for status in answers.values() if status >= 500} == set(), answers
