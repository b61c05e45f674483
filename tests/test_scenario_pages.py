"""Every page answers for scenarios that have nothing of the first: no choices, no salutation."""

import ast
import re
from pathlib import Path

import pytest
import web_app
from evaluate_study import study_now

import fencun
from fencun.author.new import make
from fencun.evaluate.find import studies_of
from fencun.scenario import Scenario, load_scenario
from fencun.store.database import Store

BARE = """\
name: note
title: 便条
dimensions:
  - {name: what, label: 说什么}
  - {name: to_whom, label: 贴在哪里, required: false}
"""
SOURCE = Path(fencun.__file__).parent


def is_documented(node: ast.AST) -> bool:
    return isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)


def scenes(folder: Path) -> list[Scenario]:
    (folder / "scenario.yaml").write_text(BARE, encoding="utf-8")
    return [load_scenario(folder), load_scenario(make("mine", "reply"))]


def test_every_page_answers_and_tells_of_no_festival(tmp_path: Path) -> None:
    for scenario in scenes(tmp_path):
        web = web_app.app(scenario, store=lambda: Store(f"sqlite:///{tmp_path / 'a.db'}"))
        with web_app.client(web) as client:
            web_app.enter(client)
            for path in web_app.PAGES:
                page = client.get(path)
                assert page.status_code == 200, (scenario.name, path, page.text[-800:])
                told = re.sub(r'<details class="scenes">.*?</details>', "", page.text, flags=re.S)
                for word in ("春节", "祝福", "拜年", "除夕", "饺子"):
                    assert word not in told, (scenario.name, path, word)
                assert "做贺卡</button>" not in page.text.partition("<template")[0]
            counted = client.get("/api/coverage").json()
            assert len(counted["axes"]) >= 2


def test_pages_show_the_studies_of_their_own_scenario(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_now(tmp_path, monkeypatch)
    other = scenes(tmp_path)[1]
    assert study.name in {one.name for one in studies_of(study.scenario)}
    assert studies_of(other) == []
    for shown, there in ((study.scenario, True), (other, False)):
        web = web_app.app(shown, store=lambda: Store(f"sqlite:///{tmp_path / 'b.db'}"))
        with web_app.client(web) as client:
            web_app.enter(client)
            for path in ("/ballot", "/verdict"):
                assert (study.name in client.get(path).text) is there, (shown.name, path)


def test_no_code_decides_by_a_word_of_the_festival() -> None:
    """What is said of it in code is comments, the calendar, and names of roles."""
    allowed = {"gates/calendar.py", "lunar.py"}  # what lunar days are called, whoever asks
    for path in SOURCE.rglob("*.py"):
        if path.relative_to(SOURCE).as_posix() in allowed:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {
            ast.get_docstring(node, clean=False) for node in ast.walk(tree) if is_documented(node)
        }
        strings = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)} - docs
        for said in filter(lambda one: isinstance(one, str), strings):
            assert not re.search("春节|祝福|拜年|过年|新春", said), (path, said)
            assert said not in ("relation", "occasion"), path
