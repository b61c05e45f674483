"""The app: which routers there are, what they share, what stands in front of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from types import ModuleType

from fastapi import APIRouter, FastAPI

from fencun import __version__
from fencun.language import say
from fencun.scenario import Scenario
from fencun.store.database import Store
from fencun.web import errors
from fencun.web.access import GuardedRoute
from fencun.web.caller import AccessControl
from fencun.web.guard import Guard
from fencun.web.metrics import Metrics
from fencun.web.observe import Observer
from fencun.web.pages import Page
from fencun.web.prefix import ScenarioPrefix
from fencun.web.queue import WaitingLine
from fencun.web.served import Served
from fencun.web.static import mount_static
from fencun.web.studio import Studio
from fencun.writer import Writer

# In the order of the navigation. A new page or API adds its module here.
ROUTERS: tuple[str, ...] = (
    "fencun.web.write",
    "fencun.web.history",
    "fencun.web.scenario",
    "fencun.web.seeds",
    "fencun.web.review",
    "fencun.web.coverage",
    "fencun.web.tuning",
    "fencun.web.ballot",
    "fencun.web.verdict",
    "fencun.web.advise",
    "fencun.web.api",
    "fencun.web.openai",
    "fencun.web.cards",
    "fencun.web.docs",
    "fencun.web.enter",
    "fencun.web.health",
)

_PLACES_EACH = 4


def create_app(
    scenario: Scenario,
    open_writer: Callable[[], AbstractAsyncContextManager[Writer]],
    *,
    store: Callable[[], Store] = Store,
    arm: str | None = None,
    hosts: Iterable[str] = (),
    parallel: int = 2,
    waiting: int = 30,
    closed: bool = False,
) -> FastAPI:
    """Return the app for ``scenario``, and beside it for all that this machine has.

    ``open_writer`` opens the writer and ``store`` the database when the app starts; both are closed
    when it ends. ``arm`` is the default arm (None: what the writer prefers). At most
    ``parallel`` writings are under way and ``waiting`` stand in line. ``hosts`` are further
    names that the server answers to. ``closed`` asks everybody for a token, and lets nobody
    have more than a few places in line.
    """

    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with store() as opened:
            async with open_writer() as writer:
                line = WaitingLine(parallel, waiting, each=_PLACES_EACH if closed else None)
                metrics.watch(line)
                studio = Studio(scenario, writer, opened, arm, line=line, metrics=metrics)
                app.state.studio = studio
                app.state.served = Served(studio, studio.beside)
                await asyncio.to_thread(app.state.served.titles)
                async with studio.warming():
                    yield

    modules = [import_module(name) for name in ROUTERS]
    app = FastAPI(
        title=say("Fencun 分寸", "Fencun"),
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # ours asks who comes
    )
    app.state.metrics = metrics
    app.state.access = AccessControl(closed=closed)
    app.state.pages = [page for module in modules if (page := _page(module))]
    app.state.routes = []
    for router in routers(modules):
        app.include_router(router)
        app.state.routes += router.routes
    mount_static(app)
    errors.install(app)
    app.add_middleware(Guard, hosts=frozenset(hosts), limits=_limits(modules))
    app.add_middleware(ScenarioPrefix)
    app.add_middleware(Observer, metrics=metrics)  # the last that is added is the outermost
    return app


def routers(modules: Iterable[ModuleType]) -> list[APIRouter]:
    """Return the routers of ``modules``, every route of which says what it needs."""
    found: list[APIRouter] = []
    for module in modules:
        found.extend(getattr(module, "routers", (module.router,)))
    for router in found:
        for route in router.routes:
            assert isinstance(route, GuardedRoute), f"{route} asks nobody who they are"
    return found


def _page(module: ModuleType) -> Page | None:
    page = getattr(module, "PAGE", None)
    assert page is None or isinstance(page, Page)
    return page


def _limits(modules: Iterable[ModuleType]) -> dict[str, int]:
    limits: dict[str, int] = {}
    for module in modules:
        limits.update(getattr(module, "BODY_LIMITS", {}))
    return limits
