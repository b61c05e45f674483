"""What scripts of pages may not do: parse what people type, know a scenario, speak one language."""

import re
from pathlib import Path

import pytest

from fencun.scenario import load_scenario, scenario_names
from fencun.web.static import FOLDER

SCRIPTS = sorted((FOLDER / "js").glob("*.js"))
_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.DOTALL)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
# How a script takes text apart; each has one place, and none looks at what a brief says.
_PARSES = re.compile(
    r"\.(?:match|matchAll|search|exec|replace|replaceAll|split|test)\(|\bRegExp\b|\bparse(?:Int|Float)\("
)
_MAY_PARSE = {
    "common.js": {'error.field?.split(".")'},  # which control an error of the server means
    "gates.js": {'text.replace(/\\s/g, "")'},  # characters as people count them
    "review.js": {"/INPUT|TEXTAREA|SELECT/.test("},  # whether a key was meant for a control
    "stream.js": {'held.split("\\n\\n")', 'block.split("\\n")'},  # server-sent events
}
_OF_GATES = {"fault", "doubt"}  # what a finding is; a field may be called so too


def code(path: Path) -> str:
    return _COMMENT.sub("", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_takes_nothing_apart_that_the_server_reads(path: Path) -> None:
    text = code(path)
    for allowed in _MAY_PARSE.get(path.name, ()):
        assert text.count(allowed) == 1, allowed
        text = text.replace(allowed, "")
    assert not _PARSES.findall(text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_knows_no_scenario(path: Path) -> None:
    """Fields and their values come from the server: `settings.salutation` is such a name."""
    text = code(path)
    for name in scenario_names():
        for dimension in load_scenario(name).dimensions:
            assert dimension.name in _OF_GATES or f'"{dimension.name}"' not in text
            assert f"fields.{dimension.name}" not in text
            for choice in dimension.choices:
                assert f'"{choice.value}"' not in text


def sentences(text: str) -> list[str]:
    """Return the literals of ``text`` that hold Chinese, with what stands before each."""
    literal = r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`'
    return [
        text[max(0, found.start() - 6) : found.end()]
        for found in re.finditer(literal, text)
        if _CHINESE.search(found[0])
    ]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_everything_in_both_languages(path: Path) -> None:
    """Chinese stands only as the first of the two that ``say`` chooses from."""
    for sentence in sentences(code(path)):
        assert re.match(r".*?say\(\[?[\"`]", sentence, re.DOTALL), sentence
