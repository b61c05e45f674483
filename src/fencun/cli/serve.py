"""``fencun serve``: the web app and the API, on this machine unless asked otherwise."""

import ipaddress
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.cli.options import ModelName, ScenarioName, option, verb
from fencun.errors import FencunError
from fencun.language import say

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI

app = typer.Typer()


@verb(app, "打开网页和接口。", "Serve the web app and the API.", needs="serve")
def serve(
    host: Annotated[
        str,
        option("听哪个地址；默认只听本机", "Address to listen on (default: this machine only)"),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        option("端口；0 是随便挑一个", "Port; 0 takes any that is free", min=0, max=65535),
    ] = 8765,
    scenario: ScenarioName = "",
    arm: Annotated[
        str | None,
        option("默认写法：bare、prompt、tuned 或 edit", "Default arm: bare, prompt, tuned or edit"),
    ] = None,
    model: ModelName = None,
    allow_host: Annotated[
        list[str] | None,
        option(
            "还可以用哪个主机名访问，可以多次",
            "Another host name it is reached by, may be repeated",
        ),
    ] = None,
    waiting: Annotated[
        int,
        option("最多几个人排队", "How many may wait in line", min=0, max=1000),
    ] = 30,
    closed: Annotated[
        bool | None,
        option(
            "每个人都要令牌；不只听本机时总是要",
            "Ask everybody for a token; always so beyond this machine",
            "--tokens/--no-tokens",
            show_default=False,
        ),
    ] = None,
    grace: Annotated[
        int,
        option(
            "停的时候，最多等几秒让正在写的写完",
            "Seconds that what is being written gets to finish when told to stop",
            min=0,
            max=600,
        ),
    ] = 10,
    log_json: Annotated[
        bool,
        option(
            "每个请求在标准错误上记一行 JSON，不记内容",
            "Log every request to stderr as a line of JSON, nothing of what it says",
            "--log-json",
        ),
    ] = False,
    open_page: Annotated[bool, option("打开浏览器", "Open a browser", "--open/--no-open")] = True,
) -> None:
    """Serve the page, the API and the OpenAI-compatible API."""
    import asyncio

    from fencun.open_writer import open_writer
    from fencun.scenario import load_scenario
    from fencun.scenario.load import readable_scenarios
    from fencun.web.app import create_app
    from fencun.web.observe import log_as_json

    if closed is False and not _is_loopback(host):
        raise FencunError(
            f"听 {host} 就要令牌：不知道是谁，就不能让谁都来写、来评。",
            f"Listening on {host} takes tokens: nobody may write and vote without a name.",
        )
    closed = closed or not _is_loopback(host)
    if log_json:
        log_as_json()
    declared, beside = load_scenario(scenario), readable_scenarios()
    listening = _bind(host, port)
    names = [*(allow_host or ()), *([] if _is_loopback(host) else [_own_name()])]
    web = create_app(
        declared,
        lambda: open_writer(declared, model=model, lend=True, beside=beside),
        arm=arm,
        hosts=names,
        waiting=waiting,
        closed=closed,
    )
    with suppress(KeyboardInterrupt), listening:
        asyncio.run(_run(web, listening, host, grace, open_page=open_page))


async def _run(
    web: "FastAPI", listening: "socket.socket", host: str, grace: int, *, open_page: bool
) -> None:
    """Serve until a signal: then finish what is under way, and close engine and store.

    What is not finished after ``grace`` seconds is broken off.
    """
    import signal

    import uvicorn

    from fencun.store import tokens
    from fencun.web.connection import server_config

    # uvicorn raises a signal again when it is done; let that end the block below, not us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Opened here, so that what goes wrong reaches the command line as what it is.
    async with web.router.lifespan_context(web):
        studio = web.state.studio
        key = studio.store.write(tokens.add_link)
        _greet(listening, host, studio.writer.engine.name, key, open_page=open_page)
        await uvicorn.Server(server_config(web, grace_s=grace)).serve(sockets=[listening])


def _bind(host: str, port: int) -> "socket.socket":
    import socket

    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server((host, port), family=family, backlog=256, dualstack_ipv6=both)
    except (socket.gaierror, UnicodeError) as error:
        raise FencunError(
            f"没有 {host} 这个地址；--host 写本机的地址，如 127.0.0.1、0.0.0.0 或 ::。",
            f"There is no address {host}; give --host one of this machine: 127.0.0.1, 0.0.0.0, ::.",
        ) from error
    except OSError as error:
        reason = error.strerror
        raise FencunError(
            f"{host} 的端口 {port} 用不了：{reason}。换一个：fencun serve --port 0",
            f"Cannot listen on {host} port {port}: {reason}. Try: fencun serve --port 0",
        ) from error


def _greet(listening: "socket.socket", host: str, model: str, key: str, *, open_page: bool) -> None:
    port = listening.getsockname()[1]
    url = f"http://{_shown(listening, host)}:{port}"
    entry = f"{url}/enter?key={key}"
    if not _is_loopback(host):
        typer.secho(
            say(
                f"注意：现在听的是 {host}，同一网络里的人都连得到；没有令牌什么都做不了，"
                "但令牌在网上是明文走的。给人发令牌：fencun token add 名字",
                f"Note: listening on {host}: the whole network reaches it. Nothing is done without "
                "a token, but tokens travel in the clear. For each person: fencun token add NAME",
            ),
            fg="yellow",
            err=True,
        )
    typer.echo(say(f"分寸开着：{url}", f"Fencun is at {url}"))
    typer.echo(
        say(
            f"主持人从这里进（用一次，微调、开票、看结论都要它）：{entry}",
            f"The host enters here (once; tuning, polls and the verdict need it): {entry}",
        )
    )
    typer.echo(
        say(
            f"模型 {model}；接口 {url}/v1，文档 {url}/docs；按 Ctrl-C 停。",
            f"Model {model}; API {url}/v1, documented at {url}/docs; Ctrl-C stops.",
        )
    )
    if open_page and _has_screen():
        import webbrowser

        webbrowser.open(entry)


def _shown(listening: "socket.socket", host: str) -> str:
    """Return what to put into a URL that answers on this machine."""
    import socket

    if host not in ("0.0.0.0", "::", ""):
        return f"[{host}]" if ":" in host else host
    alone = listening.family == socket.AF_INET6 and listening.getsockopt(
        socket.IPPROTO_IPV6, socket.IPV6_V6ONLY
    )
    return "[::1]" if alone else "127.0.0.1"


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
