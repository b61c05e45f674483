"""Put together what writing needs: the engine in use, the scenario's gates, its adapter."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fencun.adapter import shipped_adapter
from fencun.gates import Gates
from fencun.models.open import in_use, open_engine
from fencun.scenario import Scenario
from fencun.writer import Writer


@asynccontextmanager
async def open_desk(
    scenario: Scenario, *, model: str | None = None, parallel: int = 4
) -> AsyncIterator[Writer]:
    """Open the model in use (or ``model``) with the scenario's adapter; close it afterwards.

    Raises:
        ModelError: the model has not been fetched; says how.
        EngineError: the engine does not start.
    """
    adapter = shipped_adapter(scenario, in_use(model))
    engine = open_engine(model, adapter=adapter.gguf if adapter else None, parallel=parallel)
    try:
        yield Writer(engine, Gates(scenario), adapter)
    finally:
        await engine.aclose()
