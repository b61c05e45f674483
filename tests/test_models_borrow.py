"""One loaded model a machine: an engine is lent over a socket, and never missed when it goes."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from fencun.errors import BusyError, EngineError
from fencun.models.borrow import Borrower
from fencun.models.catalog import catalog
from fencun.models.embedded import EmbeddedEngine
from fencun.models.engine import Decoding, Delta, Message, Whole
from fencun.models.fake import FakeEngine
from fencun.models.installed import path_of
from fencun.models.lend import lent
from fencun.models.loan import Loaded, socket_path

HELLO: list[Message] = [{"role": "user", "content": "给王老师拜年，二十字以内。"}]
LIGHT = path_of(catalog().find("qwen2.5-coder-0.5b"))


def by_seed(_: Sequence[Message], decoding: Decoding) -> str:
    return f"第{decoding.seed}条祝福，{decoding.adapter}号适配器，强度{decoding.adapter_scale}。"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A base and two adapters, as far as a lender looks at them."""
    paths = [tmp_path / name for name in ("base.gguf", "writer.gguf", "verifier.gguf")]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


@pytest.fixture
def loaded(files: list[Path]) -> Loaded:
    return Loaded(files[0], tuple(files[1:]), 3072)


@pytest.fixture
async def lender(loaded: Loaded) -> AsyncIterator[FakeEngine]:
    engine = FakeEngine(by_seed, has_adapter=True, judge=lambda text: 0.25)
    async with lent(engine, loaded) as lends:
        assert lends
        yield engine


class Borrowing:
    """A borrower, its own engine, and what it was told."""

    def __init__(self, loaded: Loaded) -> None:
        self.told: list[str] = []
        self.own = FakeEngine(by_seed, has_adapter=bool(loaded.adapters))
        self.engine = Borrower(self.own, loaded, lambda zh, en: self.told.append(en))


async def test_every_kind_of_request_is_answered_by_the_lender(
    lender: FakeEngine, loaded: Loaded
) -> None:
    borrowing = Borrowing(loaded)
    await borrowing.engine.reach()
    assert borrowing.told == ["Using the model that fencun serve has loaded."]
    decoding = Decoding(seed=7, adapter_scale=1.0, adapter=1)
    expected = by_seed(HELLO, decoding)
    assert (await borrowing.engine.complete(HELLO, decoding)).text == expected
    assert "".join([piece async for piece in borrowing.engine.stream(HELLO, decoding)]) == expected
    events = [event async for event in borrowing.engine.stream_many(HELLO, decoding, 3)]
    wholes = {event.index: event.completion for event in events if isinstance(event, Whole)}
    assert [wholes[index].text[1] for index in range(3)] == ["7", "8", "9"]
    assert wholes[0].completion_tokens == len(expected)
    grown = "".join(e.text for e in events if isinstance(e, Delta) and e.index == 2)
    assert grown == wholes[2].text
    assert await borrowing.engine.probability(HELLO, "能", "不", decoding) == 0.25
    assert [call[1].seed for call in lender.calls] == [7, 7, 7, 8, 9]
    assert lender.calls[0] == (HELLO, decoding)
    assert borrowing.own.calls == []


async def test_the_socket_is_its_owners_alone_and_goes_with_the_lender(loaded: Loaded) -> None:
    async with lent(FakeEngine(), loaded):
        assert stat.S_IMODE(socket_path().stat().st_mode) == 0o600
        async with lent(FakeEngine(), loaded) as second:
            assert not second
        assert socket_path().exists()
    assert not socket_path().exists()


async def test_a_socket_that_a_killed_lender_left_is_replaced(loaded: Loaded) -> None:
    async with lent(FakeEngine(), loaded):
        os.link(socket_path(), socket_path().with_name("left"))
    socket_path().with_name("left").rename(socket_path())
    borrowing = Borrowing(loaded)
    assert (await borrowing.engine.complete(HELLO, Decoding())).text.startswith("第0条")
    assert len(borrowing.own.calls) == 1
    async with lent(FakeEngine(), loaded) as lends:
        assert lends


async def test_where_nobody_lends_our_own_engine_answers(loaded: Loaded) -> None:
    borrowing = Borrowing(loaded)
    await borrowing.engine.reach()
    events = [event async for event in borrowing.engine.stream_many(HELLO, Decoding(seed=3), 2)]
    assert sum(isinstance(event, Whole) for event in events) == 2
    assert len(borrowing.own.calls) == 2
    assert borrowing.told == []


async def test_another_model_adapter_or_longer_request_is_our_own_affair(
    lender: FakeEngine, loaded: Loaded, files: list[Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"other")
    for wanted in (
        Loaded(other, loaded.adapters, 3072),
        Loaded(loaded.model, (other,), 3072),
        Loaded(loaded.model, loaded.adapters, 4096),
    ):
        borrowing = Borrowing(wanted)
        await borrowing.engine.reach()
        await borrowing.engine.complete(HELLO, Decoding())
        assert (len(borrowing.own.calls), len(borrowing.told)) == (1, 1), wanted
    files[2].write_bytes(b"trained anew since it was loaded")
    borrowing = Borrowing(loaded)
    await borrowing.engine.complete(HELLO, Decoding())
    assert (len(borrowing.own.calls), lender.calls) == (1, [])


async def test_adapters_are_found_where_the_lender_has_them(
    lender: FakeEngine, files: list[Path]
) -> None:
    judge = Borrowing(Loaded(files[0], (files[2],), 1024))
    await judge.engine.complete(HELLO, Decoding(adapter_scale=0.5))
    bare = Borrowing(Loaded(files[0], (), 1024))
    await bare.engine.complete(HELLO, Decoding(adapter_scale=0.5))
    seen = [(decoding.adapter, decoding.adapter_scale) for _, decoding in lender.calls]
    assert seen == [(1, 0.5), (0, 0.0)]


async def test_a_lender_that_dies_midway_is_replaced_and_nothing_is_told_twice(
    loaded: Loaded,
) -> None:
    def uneven(messages: Sequence[Message], decoding: Decoding) -> str:
        return by_seed(messages, decoding) * (1 if decoding.seed == 5 else 40)

    borrowing = Borrowing(loaded)
    borrowing.own = FakeEngine(uneven, has_adapter=True)
    borrowing.engine = Borrower(borrowing.own, loaded, lambda zh, en: borrowing.told.append(en))
    grown, wholes = ["", ""], {}
    lending = lent(FakeEngine(uneven, has_adapter=True, delay_s=0.005), loaded)
    await lending.__aenter__()
    async for event in borrowing.engine.stream_many(HELLO, Decoding(seed=5, max_tokens=2000), 2):
        if isinstance(event, Delta):
            grown[event.index] += event.text
            continue
        wholes[event.index] = event.completion.text
        if len(wholes) == 1:
            await lending.__aexit__(None, None, None)
    assert [call[1].seed for call in borrowing.own.calls] == [6]
    assert grown == [wholes[0], wholes[1]]
    assert borrowing.told == ["fencun serve is gone: loading our own model."]
    assert await borrowing.engine.probability(HELLO, "能", "不", Decoding()) is None


async def test_who_hangs_up_cancels_the_answer(loaded: Loaded) -> None:
    engine = FakeEngine(["好" * 5000], delay_s=0.001)
    pieces: list[str] = []
    original = engine._stream

    async def counted(*arguments: object) -> AsyncIterator[str]:
        async for piece in original(*arguments):  # type: ignore[arg-type]
            pieces.append(piece)
            yield piece

    engine._stream = counted  # type: ignore[method-assign,assignment]
    async with lent(engine, loaded):
        stream = Borrowing(loaded).engine.stream(HELLO, Decoding(max_tokens=5000))
        await anext(stream)
        await stream.aclose()
        await asyncio.sleep(0.05)
        told = len(pieces)
        await asyncio.sleep(0.05)
        assert len(pieces) == told < 2500


async def test_what_the_lender_refuses_is_told_not_tried_again(loaded: Loaded) -> None:
    busy = BusyError("排队的人太多了。", "Too many are waiting.", retry_after=9)
    dead = EngineError("中途退出了。", "It died.")
    async with lent(FakeEngine([busy, dead]), loaded):
        borrowing = Borrowing(loaded)
        with pytest.raises(BusyError, match="排队") as told:
            await borrowing.engine.complete(HELLO, Decoding())
        assert told.value.retry_after == 9
        with pytest.raises(EngineError, match="中途退出"):
            await borrowing.engine.complete(HELLO, Decoding())
    assert borrowing.own.calls == []


@pytest.mark.parametrize("kind", ["open to others", "a file", "talks nonsense"])
async def test_a_socket_that_is_not_ours_is_not_spoken_to(loaded: Loaded, kind: str) -> None:
    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        writer.close()

    if kind == "a file":
        socket_path().write_bytes(b"")
    else:
        server = await asyncio.start_unix_server(nonsense, socket_path())
        socket_path().chmod(0o666 if kind == "open to others" else 0o600)
    borrowing = Borrowing(loaded)
    await borrowing.engine.complete(HELLO, Decoding())
    assert len(borrowing.own.calls) == 1
    if kind != "a file":
        server.close()


async def test_a_request_that_makes_no_sense_ends_its_connection_alone(
    lender: FakeEngine, loaded: Loaded
) -> None:
    reader, writer = await asyncio.open_unix_connection(socket_path())
    await reader.readline()
    writer.write(b'{"messages": 1, "decoding": {}}\n')
    assert b"no sense" in await reader.readline()
    assert await reader.read() == b""
    writer.close()
    assert (await Borrowing(loaded).engine.complete(HELLO, Decoding())).finish == "stop"


@pytest.mark.model
async def test_the_real_model_is_loaded_once() -> None:
    lender = EmbeddedEngine(LIGHT, parallel=1, context=512)
    own = EmbeddedEngine(LIGHT, parallel=1, context=512)
    told: list[str] = []
    borrower = Borrower(own, own.loaded, lambda zh, en: told.append(en))
    try:
        async with lent(lender, lender.loaded):
            await borrower.reach()
            decoding = Decoding(max_tokens=6, temperature=0.0)
            borrowed = await borrower.complete(HELLO, decoding)
            direct = await lender.complete(HELLO, decoding)
            assert borrowed.text == direct.text
            assert borrowed.completion_tokens == direct.completion_tokens > 0
        assert (own.pid, len(told)) == (None, 1)
        assert lender.pid is not None
    finally:
        await lender.aclose()
        await own.aclose()
