"""Our own files under ``/static``; browsers ask each time whether they changed."""

from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"


class _Revalidated(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def mount_static(app: FastAPI) -> None:
    """Mount our files, and those of Swagger UI as the package ``fastapi-offline`` brings them."""
    spec = find_spec("fastapi_offline")
    if spec is not None and spec.origin is not None:
        swagger = Path(spec.origin).parent / "static"
        app.mount("/static/swagger", _Revalidated(directory=swagger), name="swagger")
    app.mount("/static", _Revalidated(directory=FOLDER), name="static")
