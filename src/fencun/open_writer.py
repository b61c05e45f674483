"""Put together what writing needs: the engine in use, the scenario's gates, its adapter."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fencun.adapter import VERIFIER, shipped_adapter
from fencun.gates import Gates
from fencun.models.open import in_use, open_engine
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
        EngineError: the engine does not start.
    """
    base = in_use(model)
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
