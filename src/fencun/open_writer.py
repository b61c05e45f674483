"""Put together what writing needs: the engine in use, the scenario's gates, its adapter."""

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from fencun.adapter import VERIFIER, WRITER, Adapter, served_adapter, shipped_adapter
from fencun.brief import parse_brief
from fencun.errors import ModelError
from fencun.gates import Gates
from fencun.models.borrow import Borrower
from fencun.models.canary import listen
from fencun.models.embedded import EmbeddedEngine
from fencun.models.endpoint import EndpointEngine
from fencun.models.engine import Engine, Message
from fencun.models.lend import lent
from fencun.models.open import in_use, is_endpoint, open_engine, tuned_model
from fencun.models.pool import PoolEngine
from fencun.prompt import messages
from fencun.ranking import Ranking, read_ranking
from fencun.retrieval import open_retriever
from fencun.scenario import Scenario
from fencun.verifier import Verifier
from fencun.writer import Writer

log = logging.getLogger("fencun.writer")


@asynccontextmanager
async def open_writer(
    scenario: Scenario,
    *,
    model: str | None = None,
    parallel: int = 4,
    lend: bool = False,
    borrow: Callable[[str, str], None] | None = None,
    beside: Iterable[Scenario] = (),
) -> AsyncIterator[Writer]:
    """Open the model in use (or ``model``) with the scenario's adapter; close it afterwards.

    The adapters of the scenarios ``beside`` it are loaded too, for :func:`writer_beside`.

    An embedded model is loaded once a machine: with ``lend`` other programs of the same user
    may use it, and with ``borrow`` that of such a program is used where it has loaded the same;
    ``borrow`` is told in Chinese and in English who answers.

    Raises:
        ModelError: the model has not been fetched; says how.
        EngineError: the engine does not start; or the tuned model of an endpoint is its base.
    """
    base = in_use(model)
    if is_endpoint(base) and tuned_model():
        async with _open_served(scenario, model, parallel) as writer:
            yield writer
        return
    loaded = _adapters(scenario, base)
    for other in beside:
        loaded += [each for each in _usable(other, base) if each not in loaded]
    engine = open_engine(model, adapters=[each.gguf for each in loaded], parallel=parallel)
    try:
        async with _shared(engine, lend, borrow) as used:
            yield _writer(scenario, used, loaded)
    finally:
        await engine.aclose()


def writer_beside(writer: Writer, scenario: Scenario) -> Writer:
    """Return a writer for ``scenario`` on the engine of ``writer``.

    Its adapter speaks if that engine has loaded it.
    """
    return _writer(scenario, writer.engine, writer.loaded)


def _writer(scenario: Scenario, engine: Engine, loaded: Sequence[Adapter]) -> Writer:
    adapter, judge = (_among(loaded, scenario, folder) for folder in (WRITER, VERIFIER))
    here = not isinstance(engine, EndpointEngine | PoolEngine)
    return Writer(
        engine,
        Gates(scenario),
        adapter,
        retriever=open_retriever(scenario) if adapter and here else None,
        verifier=Verifier(engine, judge, loaded.index(judge)) if adapter and judge else None,
        ranking=ranking_of(scenario, adapter) if here else None,
        loaded=loaded,
    )


def _adapters(scenario: Scenario, base: str) -> list[Adapter]:
    """Return what ``scenario`` ships for ``base``: who writes, and who judges that."""
    adapter = shipped_adapter(scenario, base)
    judge = shipped_adapter(scenario, base, VERIFIER) if adapter else None
    return [each for each in (adapter, judge) if each]


def _usable(scenario: Scenario, base: str) -> list[Adapter]:
    """Return :func:`_adapters`, or none where something is wrong with them: no reason to stop."""
    try:
        return _adapters(scenario, base)
    except ModelError as error:
        log.warning("%s: %s", scenario.name, error.en)
        return []


def _among(loaded: Sequence[Adapter], scenario: Scenario, folder: str) -> Adapter | None:
    """Return the adapter that was loaded from ``folder`` of ``scenario``, if one was."""
    return next((each for each in loaded if each.folder == scenario.folder / folder), None)


def ranking_of(scenario: Scenario, adapter: Adapter | None) -> Ranking | None:
    """Return the weights that were fitted to texts of this very adapter; None if there are none."""
    found = read_ranking(scenario) if adapter else None
    return found if found and adapter and found.adapter == adapter.sha256 else None


@asynccontextmanager
async def _shared(
    engine: Engine, lend: bool, borrow: Callable[[str, str], None] | None
) -> AsyncIterator[Engine]:
    """Yield what answers in the place of ``engine``: itself, or who lends what it would load."""
    if not isinstance(engine, EmbeddedEngine):
        yield engine
    elif lend:
        async with lent(engine, engine.loaded):
            yield engine
    elif borrow:
        borrower = Borrower(engine, engine.loaded, borrow)
        await borrower.reach()
        yield borrower
    else:
        yield engine


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
        yield _writer(scenario, engine, [adapter])
    finally:
        await engine.aclose()


def canary_chats(scenario: Scenario) -> list[list[Message]]:
    """Return the fixed prompts on which a tuned model must differ from its base."""
    asked = [scenario.whole_example, *scenario.examples[:2]]
    fields = [{name: told for name, told in each.items() if name != "text"} for each in asked]
    return [messages(parse_brief(scenario, each), "tuned") for each in fields]
