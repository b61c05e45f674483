"""One language at a time: every sentence has both, and neither holds a piece of the other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import fencun
from fencun.language import language, say

SOURCE = Path(fencun.__file__).parent
CHINESE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]")
# Named as they are named in files: columns and cells of a paper ballot, values of a record.
NAMES = re.compile(r"编号|选择|会直接发|不会|会|不提|轻提")


@pytest.mark.parametrize(
    ("asked", "spoken"), [("", "zh"), ("zh", "zh"), ("fr", "zh"), ("en", "en"), ("EN_GB", "en")]
)
def test_chinese_unless_english_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: str, spoken: str
) -> None:
    monkeypatch.setenv("FENCUN_LANG", asked)
    assert language() == spoken
    assert say("好", "good") == {"zh": "好", "en": "good"}[spoken]


def written(node: ast.expr) -> str:
    """Return what is written out in a string expression, what is filled in left out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(map(written, node.values))
    if isinstance(node, ast.BinOp):
        return written(node.left) + written(node.right)
    return ""


def pairs(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the sentences of a module, Chinese and English: what is said, and what is raised."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and len(node.args) >= 2:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name == "say" or name.endswith("Error"):
                yield node.lineno, written(node.args[0]), written(node.args[1])


def test_every_sentence_and_every_error_has_both_languages() -> None:
    found = 0
    for path in SOURCE.rglob("*.py"):
        for line, zh, en in pairs(path):
            found += 1
            assert not CHINESE.search(NAMES.sub("", en)), f"{path}:{line}: {en}"
            assert CHINESE.search(zh) or not re.search(r"[A-Za-z]{4}", zh), f"{path}:{line}: {zh}"
    assert found > 500


PAGES = sorted([*SOURCE.glob("web/templates/*.html"), *SOURCE.glob("evaluate/templates/*.j2")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_and_reports_hold_no_chinese_of_their_own(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", text, flags=re.DOTALL)
    assert CHINESE.findall(bare.replace(">福<", "")) == []  # drawn on a card, not said
    for expression in re.findall(r"\{\{.*?\}\}", text, re.DOTALL):
        assert "say(" in expression or not CHINESE.search(expression), expression
