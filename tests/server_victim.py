"""A web app to be killed: cheap to start from a fork server that has everything loaded."""

import asyncio
import os
import socket

import uvicorn
import web_app

from fencun.models.fake import FakeEngine
from fencun.scenario import load_scenario
from fencun.web.connection import server_config

SCENARIO = load_scenario()
PRELOADED = (web_app.app(SCENARIO), web_app.gates_of(SCENARIO))  # once for all children


def serve(home: str, listening: socket.socket) -> None:
    """Serve on ``listening`` until killed, with the database under ``home``."""
    os.environ["FENCUN_HOME"] = home
    web = web_app.app(SCENARIO, FakeEngine(web_app.TEXTS))
    config = server_config(web)
    config.lifespan = "on"
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
