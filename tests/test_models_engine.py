"""Whoever generates answers to every word of the protocol, in the same way."""

import inspect

import pytest

from fencun.models.batchfile import BatchFileEngine
from fencun.models.borrow import Borrower
from fencun.models.embedded import EmbeddedEngine
from fencun.models.endpoint import EndpointEngine
from fencun.models.engine import Engine
from fencun.models.fake import FakeEngine
from fencun.models.pool import PoolEngine

ENGINES = (Borrower, BatchFileEngine, EmbeddedEngine, EndpointEngine, FakeEngine, PoolEngine)
WORDS = [name for name in vars(Engine) if not name.startswith("_")]


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.__name__)
@pytest.mark.parametrize("word", WORDS)
def test_every_engine_takes_what_the_protocol_says(engine: type, word: str) -> None:
    declared, own = vars(Engine)[word], vars(engine)[word]
    assert isinstance(own, property) == isinstance(declared, property)
    if not isinstance(declared, property):
        expected, found = inspect.signature(declared), inspect.signature(own)
        assert list(found.parameters.values()) == list(expected.parameters.values())
        assert inspect.iscoroutinefunction(own) == inspect.iscoroutinefunction(declared)


def test_the_protocol_is_all_that_its_users_may_ask() -> None:
    assert WORDS == [
        "name", "has_adapter", "stream", "stream_many", "complete", "probability", "warm", "aclose",
    ]  # fmt: skip
