"""Pages: the templates, the navigation, and the browser's own id."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from fencun import __version__
from fencun.language import language, say
from fencun.scenario import Scenario, flag
from fencun.store.tokens import Scope
from fencun.web.caller import VISITOR_COOKIE, access_control, browser, known_caller
from fencun.web.card import designs
from fencun.web.prefix import scenario_named

FOLDER = Path(__file__).parent
_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Page:
    """An entry of the navigation; ``{product}`` in its name is what the scenario writes.

    ``scope`` is what one needs to go there; others are not shown the entry.
    """

    path: str
    zh: str
    en: str
    scope: Scope

    @property
    def name(self) -> str:
        """Its name in the language of this process."""
        return say(self.zh, self.en)

    def of(self, scenario: Scenario) -> "Page":
        """Return the entry as it reads for ``scenario``."""
        zh = self.zh.format(product=scenario.product)
        return Page(self.path, zh, self.en.format(product=scenario.product_en), self.scope)


def _environment() -> Jinja2Templates:
    templates = Jinja2Templates(FOLDER / "templates")
    templates.env.autoescape = True
    templates.env.trim_blocks = templates.env.lstrip_blocks = True
    templates.env.globals.update(say=say, language=language, version=__version__)
    return templates


_TEMPLATES = _environment()


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """Return the page made of ``template``; a browser that comes for the first time gets its id.

    Only with a page that it was given: a refusal changes no cookie.
    """
    caller, closed = known_caller(request), access_control(request).closed
    served = request.app.state.served
    scene = served.shown(scenario_named(request.scope))
    scenario = scene.scenario or request.app.state.studio.scenario
    pages = [page for page in request.app.state.pages if caller.may(page.scope)]
    shared = {
        "navigation": [page.of(scenario) for page in pages],
        "at": scene.at,
        "scene": scene,
        "here": scenario,
        "section": _section(request, pages),
        "scenes": served.scenes(),
        "caller": caller,
        "closed": closed,
        "mends": not closed or caller.may("host"),  # whom the files of a scenario concern
        "designs": designs() if scenario.words.cards else (),
        "scenario_flag": flag(scenario.folder),
        "status": status,
        **request.app.state.studio.about(),
    }
    response = _TEMPLATES.TemplateResponse(request, template, {**shared, **values}, status)
    if status < 400 and not browser(request):
        # Lax, not strict: a link from a chat must find whom it knows.
        response.set_cookie(
            VISITOR_COOKIE, secrets.token_hex(16), _YEAR_S, httponly=True, samesite="lax",
            secure=request.url.scheme == "https",
        )  # fmt: skip
    return response


def _section(request: Request, pages: list[Page]) -> str:
    """Return the page of the navigation that one is on, for another scenario; else the first."""
    path = request.url.path
    inside = [page.path for page in pages if path.startswith(f"{page.path}/") or path == page.path]
    return inside[-1] if inside else "/"
