"""What the verbs share: how one is declared, common options, JSON, and the progress bar."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Annotated, Any, ParamSpec, Protocol, TypeVar

import typer

from fencun.extras import need
from fencun.language import say

P = ParamSpec("P")
R = TypeVar("R")


def option(zh: str, en: str, *flags: str, **settings: Any) -> Any:
    """Return ``typer.Option`` of ``flags`` and ``settings``, its help in one language."""
    return typer.Option(*flags, help=say(zh, en), **settings)


def argument(zh: str, en: str, **settings: Any) -> Any:
    """Return ``typer.Argument`` of ``settings``, its help in one language."""
    return typer.Argument(help=say(zh, en), **settings)


AsJson = Annotated[bool, option("输出 JSON", "Print JSON", "--json", show_default=False)]
ScenarioName = Annotated[
    str, option("场景的名字或文件夹", "Scenario: its name or folder", "--scenario")
]
ModelName = Annotated[
    str | None,
    option("模型的名字，默认是正在用的", "Model by name (default: the one in use)", "--model"),
]
ModelOrEndpoint = Annotated[
    str | None,
    option(
        "模型：名字、GGUF 文件或 http://…/v1#模型名",
        "Model: a name, a GGUF file or http://…/v1#MODEL",
        "--model",
    ),
]
On = Annotated[
    str,
    option("在哪里做：here（本机一个进程）或 ray", "Where: here (one process) or ray", "--on"),
]
RayAddress = Annotated[
    str,
    option(
        "Ray 集群的地址（默认：在本机起一个）",
        "Address of a Ray cluster (default: one is begun on this machine)",
        "--ray-address",
    ),
]
Seed = Annotated[int, option("随机种子", "Seed of the random choices", "--seed", min=0)]


def verb(
    app: typer.Typer,
    zh: str,
    en: str,
    *,
    name: str | None = None,
    needs: str | None = None,
    **settings: Any,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a function as a command of ``app``, its help in Chinese or in English.

    ``needs`` names the extra (see :mod:`fencun.extras`) without which it cannot run; where
    it is missing, the command ends with the sentence that says how to install it. ``settings``
    are what ``app.command`` takes besides.
    """

    def register(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if needs:
                need(needs)
            return function(*args, **kwargs)

        app.command(name, help=say(zh, en), **settings)(guarded)
        return function

    return register


@contextmanager
def spread_on(on: str, address: str) -> Iterator[bool]:
    """Be in a Ray cluster where ``on`` says so; yield whether it does."""
    if on not in ("here", "ray") or (address and on != "ray"):
        raise typer.BadParameter(
            say(
                "--on 是 here 或 ray；--ray-address 要和 --on ray 一起用。",
                "--on is here or ray; --ray-address goes with --on ray.",
            )
        )
    if on == "here":
        yield False
        return
    from fencun.ray_cluster import cluster

    with cluster(address):
        yield True


def print_json(value: Any) -> None:
    """Print ``value`` as indented JSON on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


class Tell(Protocol):
    """Says how far long work is: ``done`` of ``total`` (0 where unknown), and at what."""

    def __call__(self, done: int, total: int, what: str = "") -> None:
        """Move the bar."""
        ...


@contextmanager
def progress(title: str, *, in_bytes: bool = False, show: bool = True) -> Iterator[Tell]:
    """Offer a progress bar with the time left, on stderr, shown once there is something to tell.

    With ``in_bytes`` sizes and the speed are told instead of counts. Nothing is shown where
    nobody looks: in a log a bar is only empty lines.
    """
    from rich.console import Console
    from rich.progress import (
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    counted = (DownloadColumn(), TransferSpeedColumn()) if in_bytes else (MofNCompleteColumn(),)
    columns = (*Progress.get_default_columns()[:2], *counted, TimeRemainingColumn())
    console = Console(stderr=True)
    hidden = not (show and console.is_terminal)
    bar = Progress(*columns, console=console, transient=True, disable=hidden)
    task = bar.add_task(title, total=None)

    def tell(done: int, total: int, what: str = "") -> None:
        bar.start()
        bar.update(task, description=what or title, completed=done, total=total or None)

    try:
        yield tell
    finally:
        if bar.live.is_started:
            bar.stop()
