"""One language at a time: every sentence has both, and neither holds a piece of the other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import fencun
from fencun.language import enumerated, language, say, titled

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


def outside_of_sentences(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the strings that no call tells in two languages: joined, put before a colon, bare."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in {"say", "option", "argument", "verb", "rstrip"} or name.endswith("Error"):
                continue
        if node in getattr(tree, "elts", ())[:1] and len(getattr(tree, "elts", ())) == 2:
            continue  # the Chinese of a pair
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and written(node)):
            yield node.lineno, written(node)
        for part in node.values if isinstance(node, ast.JoinedStr) else [node]:
            yield from outside_of_sentences(part)


@pytest.mark.parametrize("path", sorted(SOURCE.glob("cli/*.py")), ids=lambda path: path.stem)
def test_no_chinese_mark_stands_between_english_words(path: Path) -> None:
    """、 and ： are of one language too: lists by ``enumerated``, titles by ``titled``."""
    for line, text in outside_of_sentences(ast.parse(path.read_text(encoding="utf-8"))):
        alone = not re.search(r"[\u4e00-\u9fff]", text)  # a whole sentence is one of a pair
        assert not (alone and CHINESE.search(text)), f"{path}:{line}: {text}"


@pytest.mark.parametrize(
    ("asked", "told"), [("zh", "理由：套话、篇幅"), ("en", "理由: 套话, 篇幅")]
)
def test_lists_and_titles_are_told_with_the_marks_of_the_language(
    monkeypatch: pytest.MonkeyPatch, asked: str, told: str
) -> None:
    monkeypatch.setenv("FENCUN_LANG", asked)
    assert titled("理由", enumerated(["套话", "篇幅"])) == told


PAGES = sorted([*SOURCE.glob("web/templates/*.html"), *SOURCE.glob("evaluate/templates/*.j2")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_and_reports_hold_no_chinese_of_their_own(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", text, flags=re.DOTALL)
    assert CHINESE.findall(bare.replace(">福<", "")) == []  # drawn on a card, not said
    for expression in re.findall(r"\{\{.*?\}\}", text, re.DOTALL):
        assert "say(" in expression or not CHINESE.search(expression), expression


def english(node: object) -> Iterator[str]:
    """Yield what a declaration says in English, however deep: values of ``en`` and ``…_en``."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str) and re.fullmatch(r"en|\w+_en", str(key)):
                yield value
            else:
                yield from english(value)
    elif isinstance(node, list):
        for item in node:
            yield from english(item)


def test_what_is_declared_with_the_program_says_its_english_in_english() -> None:
    found = 0
    for path in SOURCE.rglob("*.yaml"):
        for text in english(yaml.safe_load(path.read_text(encoding="utf-8"))):
            found += 1
            assert not CHINESE.search(NAMES.sub("", text)), f"{path}: {text}"
    assert found > 20
