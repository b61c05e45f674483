import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fencun.files import read_jsonl
from fencun.scenario import load_scenario, scenario_names
from fencun.words import Patterns, Span, Words, required

_SHIPPED = [load_scenario(name) for name in scenario_names()]
_CUES = [cue for topic in load_scenario("spring_festival").tact for cue in topic.cues]
_ALL = [
    *(c for s in _SHIPPED for t in s.tact for c in t.cues),
    *(p for s in _SHIPPED for p in (*s.rules.cliches, *s.rules.endings, *s.rules.stiff)),
    *(p for s in _SHIPPED for p in (*s.rules.favours, *s.rules.insults)),
    *(p for s in _SHIPPED for case in s.rules.cases for p in case.refuse),
]
_EACH = {pattern: re.compile(pattern) for pattern in _ALL}  # more than `re` itself keeps
_EVERY = 8  # details looked at one pattern at a time: one in so many


def test_the_longest_of_the_leftmost_is_found() -> None:
    assert Words(["年", "年夜饭", "夜饭"]).find("吃年夜饭年") == [
        Span(1, 4, "年夜饭"),
        Span(4, 5, "年"),
    ]
    assert Words([]).find("年") == []


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("离婚", {"离婚"}),
        ("再次(?:祝|感谢)", {"再次"}),
        ("[您你]的(?:鼓励|教诲)(?:和|是)", {"鼓励", "教诲"}),
        ("(?:店|馆)(?!x).{0,8}(?:关了(?!店)|刚关)", {"店", "馆"}),
        ("借(?:了|我)?.{0,5}(?:钱|万)", {"借"}),
        ("收到+了?", {"收到"}),
        ("(?<!我)复读", {"复读"}),
        ("吗?呢*", set()),
        ("a|b", set()),
        ("[^，]*?退款", {"退款"}),
        ("好{0,2}?吃+?了", {"吃"}),
        ("(?:(?!不(?:只(?:是)?)?)[^，])*?退款", set()),
        (r"\d+年", {"年"}),
    ],
)
def test_what_a_match_cannot_do_without(pattern: str, words: set[str]) -> None:
    assert required(pattern) == words


_COMPILED = Patterns(_ALL)


@settings(deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(_ALL), max_size=4).map("".join))
def test_the_prefilter_loses_nothing(text: str) -> None:
    found = _COMPILED.which(text)
    assert found == {pattern for pattern in _ALL if _EACH[pattern].search(text)}


def test_overlapping_finds_are_told_once() -> None:
    assert Patterns(["万事如意", "事如.", "心想"]).find("祝万事如意，心想事成") == [
        Span(1, 5, "万事如意"),
        Span(6, 8, "心想"),
    ]


def test_the_prefilter_loses_nothing_on_real_details() -> None:
    scenario = load_scenario("spring_festival")
    cues = Patterns(_CUES)
    details = [
        row["detail"]
        for file in ("seeds.jsonl", "drafts.jsonl")
        for _, row in read_jsonl(scenario.folder / file)
        if isinstance(row, dict)
    ]
    hits = 0
    for detail in details[::_EVERY]:
        found = cues.which(detail)
        assert found == {cue for cue in set(_CUES) if _EACH[cue].search(detail)}
        hits += bool(found)
    assert hits > 300 / _EVERY
