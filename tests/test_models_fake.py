"""The fake engine does what it was told, and says what it was asked."""

import pytest

from fencun.errors import BusyError, EngineError
from fencun.models.engine import Decoding, Delta, Engine, Message, Whole
from fencun.models.fake import FakeEngine

HELLO: list[Message] = [{"role": "user", "content": "你好"}]


async def test_answers_come_in_turn_and_calls_are_remembered() -> None:
    engine = FakeEngine(["一二三", "四"], mean_logprob=-1.0)
    pieces = [piece async for piece in engine.stream(HELLO, Decoding(seed=3))]
    assert pieces == ["一二", "三"]
    whole = await engine.complete(HELLO, Decoding())
    assert (whole.text, whole.completion_tokens, whole.mean_logprob) == ("四", 1, -1.0)
    assert (await engine.complete(HELLO, Decoding(max_tokens=2))).finish == "length"
    assert [decoding.seed for _, decoding in engine.calls] == [3, 0, 0]


async def test_an_answer_may_depend_on_the_request() -> None:
    engine: Engine = FakeEngine(lambda messages, decoding: f"{decoding.seed}{messages[0]['role']}")
    assert (await engine.complete(HELLO, Decoding(seed=4))).text == "4user"


async def test_several_answers_are_the_next_ones_with_seeds_of_their_own() -> None:
    engine = FakeEngine(["一二三", "四", "五六"])
    events = [event async for event in engine.stream_many(HELLO, Decoding(seed=8), 3)]
    whole = {event.index: event.completion.text for event in events if isinstance(event, Whole)}
    assert whole == {0: "一二三", 1: "四", 2: "五六"}
    assert Delta(0, "一二") in events
    assert [decoding.seed for _, decoding in engine.calls] == [8, 9, 10]


async def test_it_fails_when_told_to() -> None:
    busy = BusyError("忙", "busy", retry_after=3)
    with pytest.raises(BusyError):
        await FakeEngine([busy]).complete(HELLO, Decoding())
    stream = FakeEngine(["一二三四"], fail_after=1).stream(HELLO, Decoding())
    assert await anext(stream) == "一二"
    with pytest.raises(EngineError):
        await anext(stream)


async def test_closed_is_closed() -> None:
    engine = FakeEngine()
    await engine.warm(HELLO)
    await engine.aclose()
    assert (engine.warmed, engine.closed) == ([HELLO], True)
    with pytest.raises(EngineError):
        await engine.complete(HELLO, Decoding())
