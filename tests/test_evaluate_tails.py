"""Phrases that a model says far oftener than what it learnt from."""

import random

from fencun.evaluate.tails import tails, training_texts
from fencun.scenario import Scenario

_PLAIN = "今年雪大路滑你慢些走家里都好汤在锅上孩子会背诗了门口灯亮着茶还热"


def text(rng: random.Random, extra: str = "") -> str:
    return "".join(rng.sample(_PLAIN, 14)) + extra


def test_a_tail_is_said_far_oftener_than_it_was_learnt() -> None:
    rng = random.Random(1)
    drafts = [(text(rng, "，过年好好歇歇。" if n < 8 else "。"), "细节：无") for n in range(60)]
    training = [text(rng, "，门口灯亮着。") for _ in range(300)]
    found = tails(drafts, training)
    assert [(tail.phrase, tail.count, tail.ending) for tail in found] == [("过年好好歇歇", 8, 8)]
    usual = [text(rng, "，过年好好歇歇。" if n % 10 == 0 else "。") for n in range(300)]
    assert tails(drafts, usual) == []
    assert tails(drafts[:2] + drafts[8:30], training) == []  # 2 of 24 may be chance
    assert tails(drafts[:3] + drafts[8:], training)
    asked = [(words, "细节：她叫我过年好好歇歇") for words, _ in drafts]
    assert tails(asked, training) == []


def test_drafts_are_held_against_all_that_the_scenario_trains_on(scenario: Scenario) -> None:
    shipped = training_texts(scenario)
    assert len(shipped) > 2000
    assert all(shipped)
