"""Pages: the templates, the navigation, and the browser's own id."""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from fencun import __version__
from fencun.language import language, say
from fencun.scenario import Scenario
from fencun.web.card import designs
from fencun.web.host import at_home

FOLDER = Path(__file__).parent
COOKIE = "fencun_visitor"
_YEAR_S = 365 * 24 * 3600
_VISITOR = re.compile(r"^[0-9a-f]{32}$")


@dataclass(frozen=True, slots=True)
class Page:
    """An entry of the navigation; ``{product}`` in its name is what the scenario writes.

    ``home`` marks what only the host sees: others would be refused there.
    """

    path: str
    zh: str
    en: str
    home: bool = False

    @property
    def name(self) -> str:
        """Its name in the language of this process."""
        return say(self.zh, self.en)

    def of(self, scenario: Scenario) -> "Page":
        """Return the entry as it reads for ``scenario``."""
        zh = self.zh.format(product=scenario.product)
        return Page(self.path, zh, self.en.format(product=scenario.product_en), self.home)


def _environment() -> Jinja2Templates:
    templates = Jinja2Templates(FOLDER / "templates")
    templates.env.autoescape = True
    templates.env.trim_blocks = templates.env.lstrip_blocks = True
    templates.env.globals.update(say=say, language=language, version=__version__, designs=designs())
    return templates


_TEMPLATES = _environment()


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """Return the page made of ``template``; a browser that comes for the first time gets its id."""
    shared = {
        "navigation": [p for p in request.app.state.pages if not p.home or at_home(request)],
        "status": status,
        **request.app.state.studio.about(),
    }
    response = _TEMPLATES.TemplateResponse(request, template, {**shared, **values}, status)
    if not visitor(request):
        response.set_cookie(
            COOKIE, secrets.token_hex(16), _YEAR_S, httponly=True, samesite="strict"
        )
    return response


def visitor(request: Request) -> str:
    """Return the random id that this browser got with its first page; empty for programs."""
    value = request.cookies.get(COOKIE, "")
    return value if _VISITOR.match(value) else ""


Visitor = Annotated[str, Depends(visitor)]
