"""A verdict in a terminal: who came, by which rules, and what casts doubt on it."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from vote_case import vote

from fencun.cli.verdict_view import show_verdict
from fencun.evaluate.oddities import Oddity
from fencun.evaluate.records import Vote
from fencun.evaluate.study import Study
from fencun.evaluate.verdict import Verdict, judge

CHINESE = re.compile("[\u3000-\u9fff\uff00-\uffef]")
Shown = Callable[[Verdict], str]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Shown:
    """What is printed of a verdict."""

    def told(judged: Verdict) -> str:
        show_verdict(judged)
        return capsys.readouterr().out

    return told


def votes(study: Study, *names: str) -> list[Vote]:
    """One vote of each rater, for tuned over prompt, each on a brief of its own."""
    answers = study.by_arm()
    pairs = [(answers["tuned"][brief], answers["prompt"][brief]) for brief in answers["tuned"]]
    return [
        vote(at, "left", name=name, brief=a.brief, left_hash=a.hash, right_hash=b.hash)
        for at, (name, (a, b)) in enumerate(zip(names, pairs, strict=False))
    ]


def test_without_votes_it_says_what_is_missing_and_what_answering_took(
    study: Study, shown: Shown
) -> None:
    told = shown(judge(study))
    assert told.splitlines()[0].startswith("证据不够：")
    assert f"实验 {study.name}：0 位评审人，0 票" in told
    assert "  → " in told
    assert "△" not in told
    assert all(f"  {arm}：答出 " in told for arm in ("bare", "prompt", "tuned"))


def test_it_speaks_english_and_nothing_else(
    study: Study, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENCUN_LANG", "en")
    judged = judge(study, votes(study, "Ann", "Bob"))
    facts = replace(judged.facts, oddities=(Oddity("r0", "quick", 1, "太快", "reads too fast"),))
    told = shown(replace(judged, done=replace(judged.done, facts=facts)))
    assert "2 raters, 2 votes" in told
    assert "  △ Ann: reads too fast" in told
    assert [line for line in told.splitlines() if CHINESE.search(line)] == []


def test_what_casts_doubt_on_it_is_told_by_name(study: Study, shown: Shown) -> None:
    one, other = votes(study, "小王", "小李")
    judged = judge(study, [one, other.model_copy(update={"left_hash": "0" * 64})])
    told = shown(replace(judged, hangs_on={"r0": "evidence"}))
    assert "1 位评审人，1 票" in told
    assert "  △ 1 票投的是后来变了的回答，没有计入。" in told
    assert "  △ 少了小王，结论就是“证据不够”。" in told
