"""A machine reads every pair, in both orders, once; what it says are no votes."""

from collections.abc import Sequence

import pytest
from judge_case import prefers

from fencun.errors import EngineError
from fencun.evaluate.judging import (
    LoneReader,
    TextPair,
    answered,
    judge_all,
    judgements,
    to_judge,
)
from fencun.evaluate.study import Study
from fencun.models.fake import FakeEngine


async def test_every_pair_is_read_in_both_orders_and_only_once(study: Study) -> None:
    engine = prefers("汤")
    said = await judge_all(study, "anything", opener=lambda _m, _a: engine)
    pairs = to_judge(study)
    assert len(said) == len(pairs) == 3 * len(study.briefs())
    assert len(engine.calls) == 2 * len(pairs)
    assert engine.closed
    for one in said:
        wanted = 0.5 if "tuned" not in (one.low, one.high) else float(one.low == "tuned")
        assert one.score == wanted
        assert one.steady == (wanted != 0.5)  # alike in what it likes, it took the first
    again = prefers("汤")
    assert await judge_all(study, "anything", opener=lambda _m, _a: again) == said
    assert again.calls == []
    assert sorted(judgements(study), key=lambda j: j.ask) == sorted(said, key=lambda j: j.ask)


async def test_a_judge_that_rambles_is_refused_and_what_it_said_is_kept(study: Study) -> None:
    engine = FakeEngine(["A", "B", "都很好", "A"], name="judge")
    with pytest.raises(EngineError, match="A、B、C、D"):
        await judge_all(study, "anything", opener=lambda _m, _a: engine, parallel=1)
    assert len(judgements(study)) >= 1


@pytest.mark.parametrize(
    ("said", "letter"),
    [
        ("A", "A"),
        (" b。\n", "B"),
        ("我选 C（一样好）", "C"),
        ("答案：B。Because it says what happened, and does not Drag on", "B"),
        ("A，B 太长", "A"),
        ("**D**：A 和 B 都不行", "D"),
        ("Based on the brief I'd Choose neither", None),
        ("A 和 B 差不多，我选 B", None),
        ("比起 A，我选 B", None),
        ("都很好", None),
        ("", None),
    ],
)
def test_a_judge_answers_a_letter_and_a_word_is_none(said: str, letter: str | None) -> None:
    assert answered(said) == letter


async def test_the_verifier_reads_each_text_alone(study: Study) -> None:
    class Verifier:
        asked = 0

        async def read(self, brief: object, texts: Sequence[str]) -> list[float | None]:
            Verifier.asked += 1
            return [0.2 if "汤" in text else 0.8 for text in texts]

    reader = LoneReader(Verifier(), "verifier")  # type: ignore[arg-type]
    pairs = [pair for pair in to_judge(study) if pair.ask[2] == "tuned"]
    scores = [await reader.read(pair) for pair in pairs]
    for score, steady in scores:
        assert score == pytest.approx(0.8 * 0.8 / (0.2 * 0.2 + 0.8 * 0.8))
        assert steady
    assert Verifier.asked == len({(pair.ask[0], text) for pair in pairs for text in texts(pair)})


def texts(pair: TextPair) -> tuple[str, str]:
    return pair.low, pair.high
