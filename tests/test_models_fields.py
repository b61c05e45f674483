"""What an endpoint refuses by name is left out from then on."""

from typing import Any

import httpx
import pytest
from endpoint_case import HELLO, Answer, Endpoint, engine_at, stream_of

from fencun.errors import EngineError
from fencun.models.engine import Decoding


def refuses(*names: str, status: int = 400, shape: str = "{}") -> Answer:
    """Refuse the first of ``names`` that was sent, in the words of ``shape``."""

    def strict(body: dict[str, Any]) -> httpx.Response:
        for name in names:
            if name in body:
                return httpx.Response(status, content=shape.replace("{}", name).encode())
        return stream_of("好")

    return strict


_EXTRAS = {"chat_template_kwargs", "enable_thinking", "think", "thinking", "top_k", "min_p"}


@pytest.mark.parametrize(
    ("shape", "status"),
    [
        ('{"error":{"message":"Unrecognized request argument supplied: {}"}}', 400),
        ('{"error":{"message":"Unknown parameter: \'{}\'","param":"{}"}}', 400),
        ('{"detail":[{"loc":["body","{}"],"msg":"Extra inputs are not permitted"}]}', 422),
        ('{"message":"[{\'loc\': (\'body\', \'{}\'), \'msg\': \'Extra inputs are forbidden\'}]"}',
         400),
        ('{"message":{"detail":[{"loc":["body","{}"],"msg":"Extra inputs are not permitted",'
         '"input":{"top_p":0.9,"seed":7}}]}}', 422),
        ("unsupported field {}", 422),
        ('{"message":"\\u4e0d\\u652f\\u6301\\u53c2\\u6570 {}"}', 400),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["think", "top_k", "seed", "stream_options", "enable_thinking"])
async def test_only_the_field_that_was_refused_is_left_out(
    shape: str, status: int, name: str
) -> None:
    there = Endpoint(refuses(name, status=status, shape=shape))
    async with engine_at(there) as engine:
        assert (await engine.complete(HELLO, Decoding(seed=7))).text == "好"
        assert (await engine.complete(HELLO, Decoding(seed=7))).text == "好"
    first, *later = there.asked
    assert len(later) == 2, "what was learnt is kept"
    assert [first.keys() - body.keys() for body in later] == [{name}, {name}]


async def test_an_endpoint_that_names_one_field_after_the_other_gets_what_it_takes() -> None:
    shape = '{"error":{"message":"Unrecognized request argument supplied: {}"}}'
    there = Endpoint(refuses(*sorted(_EXTRAS), shape=shape))
    async with engine_at(there) as engine:
        assert (await engine.complete(HELLO, Decoding())).text == "好"
    assert not _EXTRAS & there.asked[-1].keys()
    assert "repetition_penalty" in there.asked[-1]


async def test_max_tokens_has_a_younger_name() -> None:
    shape = "Unsupported parameter: '{}' is not supported. Use 'max_completion_tokens' instead."
    there = Endpoint(refuses("max_tokens", shape=shape))
    async with engine_at(there) as engine:
        await engine.complete(HELLO, Decoding(max_tokens=77))
    assert there.asked[-1]["max_completion_tokens"] == 77


async def test_a_refusal_without_a_name_is_tried_once_without_extras() -> None:
    shape = '{"code":20015,"message":"The parameter is invalid. Please check again."}'
    there = Endpoint(refuses("top_k", shape=shape))
    async with engine_at(there) as engine:
        assert (await engine.complete(HELLO, Decoding())).text == "好"
        assert (await engine.complete(HELLO, Decoding())).text == "好"
    assert [_EXTRAS & body.keys() != set() for body in there.asked] == [True, False, False]
    assert there.asked[1]["seed"] == 0

    never = Endpoint(httpx.Response(400, json={"message": "no such thing"}))
    async with engine_at(never) as engine:
        with pytest.raises(EngineError, match="no such thing"):
            await engine.complete(HELLO, Decoding())
        with pytest.raises(EngineError, match="no such thing"):
            await engine.complete(HELLO, Decoding())
    assert len(never.asked) == 4
    assert "top_k" in never.asked[2], "what did not help is not kept"


async def test_a_value_that_is_refused_is_told_and_not_dropped() -> None:
    there = Endpoint(httpx.Response(400, json={"message": "temperature must be above 0"}))
    async with engine_at(there) as engine:
        with pytest.raises(EngineError, match="temperature must be above 0"):
            await engine.complete(HELLO, Decoding(temperature=0))
    assert all("temperature" in body for body in there.asked)
