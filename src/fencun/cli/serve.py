"""``fencun serve``: the web app and the API, on this machine unless asked otherwise."""

import ipaddress
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.errors import FencunError
from fencun.language import say

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI

app = typer.Typer()

_GRACE_S = 10


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="听哪个地址；默认只听本机")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口；0 是随便挑一个")] = 8765,
    scenario: Annotated[str, typer.Option(help="场景的名字或文件夹")] = "spring_festival",
    arm: Annotated[str | None, typer.Option(help="默认写法：bare、prompt 或 tuned")] = None,
    model: Annotated[str | None, typer.Option(help="模型的名字，默认是正在用的")] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="还可以用哪个主机名访问，可以多次")
    ] = None,
    waiting: Annotated[int, typer.Option(min=0, max=1000, help="最多几个人排队")] = 30,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="打开浏览器")] = True,
) -> None:
    """Serve the page, the API and the OpenAI-compatible API."""
    import asyncio

    from fencun.desk import open_desk
    from fencun.scenario import load_scenario
    from fencun.web.app import create_app

    declared = load_scenario(scenario)
    listening = _bind(host, port)
    names = [*(allow_host or ()), *([] if _is_loopback(host) else [_own_name()])]
    web = create_app(
        declared,
        lambda: open_desk(declared, model=model),
        arm=arm,
        hosts=names,
        waiting=waiting,
    )
    with suppress(KeyboardInterrupt), listening:
        asyncio.run(_run(web, listening, host, open_page=open_page))


async def _run(web: "FastAPI", listening: "socket.socket", host: str, *, open_page: bool) -> None:
    """Serve until a signal: then finish what is under way, and close engine and store."""
    import signal

    import uvicorn

    # uvicorn raises a signal again when it is done; let that end the block below, not us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = uvicorn.Config(
        web, log_level="warning", lifespan="off", timeout_graceful_shutdown=_GRACE_S,
        server_header=False,
    )  # fmt: skip
    # Opened here, so that what goes wrong reaches the command line as what it is.
    async with web.router.lifespan_context(web):
        _greet(listening, host, web.state.studio.writer.engine.name, open_page=open_page)
        await uvicorn.Server(config).serve(sockets=[listening])


def _bind(host: str, port: int) -> "socket.socket":
    import socket

    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise FencunError(
            f"{host} 的端口 {port} 用不了：{error.strerror}。换一个：fencun serve --port 0",
            f"Cannot listen on {host} port {port}: {error.strerror}. Try: fencun serve --port 0",
        ) from error


def _greet(listening: "socket.socket", host: str, model: str, *, open_page: bool) -> None:
    port = listening.getsockname()[1]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    url = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
    if not _is_loopback(host):
        typer.secho(
            say(
                f"注意：现在听的是 {host}，能连到这台机器的人都能用，没有密码。"
                "只在信得过的网络里这样开。",
                f"Note: listening on {host}. Whoever reaches this machine can use it; there is no "
                "password. Do this on a network you trust only.",
            ),
            fg="yellow",
            err=True,
        )
    typer.echo(say(f"分寸开着：{url}", f"Fencun is at {url}"))
    typer.echo(
        say(
            f"模型 {model}；接口 {url}/v1，文档 {url}/docs；按 Ctrl-C 停。",
            f"Model {model}; API {url}/v1, documented at {url}/docs; Ctrl-C stops.",
        )
    )
    if open_page and _has_screen():
        import webbrowser

        webbrowser.open(url)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _own_name() -> str:
    import socket

    return socket.gethostname()


def _has_screen() -> bool:
    """Whether a browser could show anything: without a screen one might start in the terminal."""
    if not sys.stdout.isatty():
        return False
    graphical = sys.platform in ("darwin", "win32")
    return graphical or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
