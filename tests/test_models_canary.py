"""A tuned model at an endpoint that says what its base says is noticed."""

import time
from collections.abc import Callable

import chat_server
import pytest
from chat_server import Said, answer
from endpoint_case import HELLO

from fencun.errors import EngineError
from fencun.models.canary import Canary, listen
from fencun.models.endpoint import EndpointEngine


def lora(tuned: str, base: str = "新年好。") -> Callable[[Said], bytes]:
    """Return what a server says whose tuned model says ``tuned``."""
    return lambda asked: answer(tuned if asked["model"] == "fencun" else base)


@pytest.mark.parametrize(
    ("tuned", "silent"), [("新年好。", True), (" 新年好。\n", True), ("过年好。", False)]
)
async def test_a_tuned_model_that_says_what_its_base_says_is_noticed(
    tuned: str, silent: bool
) -> None:
    with chat_server.serving(lora(tuned)) as server:
        engine = EndpointEngine(server.url, "base", tuned="fencun")
        heard = await listen(engine, [HELLO, HELLO])
        await engine.aclose()
    assert engine.has_adapter
    assert (heard.asked, heard.steady, heard.silent) == (2, 2, silent)
    assert "--lora-modules" in str(heard.error())
    assert {asked["temperature"] for asked in server.asked} == {0.0}


async def test_a_base_that_is_not_steady_tells_nothing() -> None:
    count = iter(range(99))
    with chat_server.serving(lambda _: answer(f"第{next(count)}号")) as server:
        engine = EndpointEngine(server.url, "base", tuned="fencun")
        heard = await listen(engine, [HELLO])
        await engine.aclose()
    assert (heard.steady, heard.silent) == (0, False)


@pytest.mark.parametrize(
    ("steady", "different", "silent"),
    [(3, 0, True), (3, 1, True), (3, 2, False), (2, 1, False), (1, 1, False), (0, 0, False)],
)
def test_a_word_turned_by_rounding_makes_no_tuned_model(
    steady: int, different: int, silent: bool
) -> None:
    assert Canary(3, steady, different).silent is silent


async def test_models_are_asked_one_at_a_time_and_in_turn() -> None:
    """A server that says else what it is asked together must not make two of one model."""
    under_way = 0
    together: list[int] = []

    def say(asked: Said) -> bytes:
        nonlocal under_way
        under_way += 1
        time.sleep(0.02)
        together.append(under_way)
        under_way -= 1
        return answer(asked["model"])

    with chat_server.serving(say) as server:
        engine = EndpointEngine(server.url, "base", tuned="fencun")
        heard = await listen(engine, [HELLO, HELLO])
        await engine.aclose()
    assert set(together) == {1}
    assert [asked["model"] for asked in server.asked] == ["base", "fencun"] * 4
    assert (heard.steady, heard.different) == (2, 2)


async def test_a_tuned_model_that_is_not_steady_tells_nothing() -> None:
    count = iter(range(99))

    def say(asked: Said) -> bytes:
        return answer("好" if asked["model"] == "base" else f"第{next(count)}号")

    with chat_server.serving(say) as server:
        engine = EndpointEngine(server.url, "base", tuned="fencun")
        heard = await listen(engine, [HELLO])
        await engine.aclose()
    assert (heard.steady, heard.different) == (0, 0)


async def test_a_tuned_model_that_is_not_there_is_named() -> None:
    def say(asked: Said) -> bytes | tuple[int, Said]:
        if asked["model"] == "fencun":
            return 404, {"error": {"message": "The model does not exist"}}
        return answer("好")

    with chat_server.serving(say) as server:
        engine = EndpointEngine(server.url, "base", tuned="fencun")
        with pytest.raises(EngineError, match="fencun"):
            await listen(engine, [HELLO])
        await engine.aclose()
