"""Put together what writing needs: the engine in use, the scenario's gates, its adapter."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fencun.adapter import VERIFIER, served_adapter, shipped_adapter
from fencun.brief import parse_brief
from fencun.gates import Gates
from fencun.models.canary import listen
from fencun.models.engine import Message
from fencun.models.open import in_use, is_endpoint, open_engine, tuned_model
from fencun.prompt import messages
from fencun.retrieval import open_retriever
from fencun.scenario import Scenario
from fencun.verifier import Verifier
from fencun.writer import Writer


@asynccontextmanager
async def open_writer(
    scenario: Scenario, *, model: str | None = None, parallel: int = 4
) -> AsyncIterator[Writer]:
    """Open the model in use (or ``model``) with the scenario's adapter; close it afterwards.

    Raises:
        ModelError: the model has not been fetched; says how.
        EngineError: the engine does not start; or the tuned model of an endpoint is its base.
    """
    base = in_use(model)
    if is_endpoint(base) and tuned_model():
        async with _open_served(scenario, model, parallel) as writer:
            yield writer
        return
    adapter = shipped_adapter(scenario, base)
    judge = shipped_adapter(scenario, base, VERIFIER) if adapter else None
    loaded = [each.gguf for each in (adapter, judge) if each]
    engine = open_engine(model, adapters=loaded, parallel=parallel)
    verifier = Verifier(engine, judge, loaded.index(judge.gguf)) if judge else None
    retriever = open_retriever(scenario) if adapter else None
    try:
        yield Writer(engine, Gates(scenario), adapter, retriever=retriever, verifier=verifier)
    finally:
        await engine.aclose()


@asynccontextmanager
async def _open_served(
    scenario: Scenario, model: str | None, parallel: int
) -> AsyncIterator[Writer]:
    """Open an endpoint that serves the tuned model, once it has shown that it is one."""
    adapter = served_adapter(scenario)
    engine = open_engine(model, parallel=parallel)
    try:
        heard = await listen(engine, canary_chats(scenario))
        if heard.silent:
            raise heard.error()
        yield Writer(engine, Gates(scenario), adapter)
    finally:
        await engine.aclose()


def canary_chats(scenario: Scenario) -> list[list[Message]]:
    """Return the fixed prompts on which a tuned model must differ from its base."""
    asked = [scenario.example, *scenario.examples[:2]]
    fields = [{name: told for name, told in each.items() if name != "text"} for each in asked]
    return [messages(parse_brief(scenario, each), "tuned") for each in fields]
