"""``fencun doctor``: what is installed, which model is in use, how fast this machine is."""

import asyncio
import os
import platform
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated

import typer

from fencun import __version__
from fencun.cli.options import AsJson, option, print_json, verb
from fencun.errors import FencunError
from fencun.extras import EXTRAS, how_to_install, missing
from fencun.home import home
from fencun.language import say

if TYPE_CHECKING:
    from fencun.models.canary import Canary
    from fencun.models.larger_bases import LargerBase

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class MachineCheck:
    """One thing looked at: ``ok`` is None where it is only told, not judged."""

    name: str
    told: str
    ok: bool | None = None


@verb(app, "看看这台机器准备好了没有。", "See whether this machine is ready.")
def doctor(
    as_json: AsJson = False,
    speed: Annotated[
        bool,
        option("量一量模型在这台机器上的速度", "Measure how fast the model is on this machine"),
    ] = True,
    endpoint: Annotated[
        bool,
        option(
            "问一问 FENCUN_ENDPOINT：通不通，思考关没关，微调的模型是不是真的",
            "Ask FENCUN_ENDPOINT: is it there, does it think, is the tuned model a tuned one",
            "--endpoint",
        ),
    ] = False,
) -> None:
    """Tell what is there, what is missing, and what to do about it."""
    if endpoint:
        checks, speed = asyncio.run(_endpoint()), False
    else:
        checks = [*_machine(), *_packages(), *_model(), *_bases()]
    if speed and all(check.ok is not False for check in checks):
        checks += asyncio.run(_speed())
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        for check in checks:
            mark = {True: "✓", False: "✗", None: "·"}[check.ok]
            typer.echo(f"{mark} {check.name}: {check.told}")
    if any(check.ok is False for check in checks):
        raise typer.Exit(1)


def _machine() -> list[MachineCheck]:
    folder = home()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    memory = _memory()
    return [
        MachineCheck("Fencun", f"{__version__}, Python {platform.python_version()}"),
        MachineCheck(
            say("机器", "machine"),
            say(
                f"{os.cpu_count()} 核，{memory / 2**30:.0f} GiB 内存",
                f"{os.cpu_count()} cores, {memory / 2**30:.0f} GiB of memory",
            ),
        ),
        MachineCheck(
            "FENCUN_HOME",
            say(f"{folder}，还有 {free / 2**30:.0f} GiB 空位", f"{folder}, {free >> 30} GiB free"),
            os.access(existing, os.W_OK),
        ),
    ]


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _packages() -> list[MachineCheck]:
    checks = [MachineCheck("xllamacpp", version("xllamacpp"), True)]
    for extra in EXTRAS:
        if lacking := ", ".join(missing(extra)):
            how = how_to_install(extra)
            told = say(f"没有装 {lacking}；需要时：{how}", f"lacks {lacking}; when needed: {how}")
            checks.append(MachineCheck(f"fencun[{extra}]", told))
        else:
            checks.append(MachineCheck(f"fencun[{extra}]", say("已装", "installed"), True))
    return checks


def _model() -> list[MachineCheck]:
    from fencun.models.installed import locate

    try:
        found = locate()
    except FencunError as error:
        return [MachineCheck(say("模型", "model"), str(error), False)]
    size = found.path.stat().st_size / 1e9
    return [MachineCheck(say("模型", "model"), f"{found.name} ({size:.2f} GB, {found.path})", True)]


def _bases() -> list[MachineCheck]:
    """Which larger bases would run here, and what they bring and cost; by size alone."""
    from fencun.models.larger_bases import larger_bases, largest

    memory = _memory()
    fits = larger_bases(memory)
    checks = [MachineCheck(fit.model.name, _told(fit, memory / 2**30)) for fit in fits]
    best = largest(fits)
    if best is None:
        told = say("这台机器跑不动更大的底座", "this machine runs no larger one")
    else:
        told = say(
            f"这台机器跑得动的最大是 {best.model.name}；写得好多少，要读过才知道。"
            f"同一份配方：fencun tune recipe --base {best.model.name}",
            f"the largest that runs here is {best.model.name}; how much better it writes, only "
            f"reading tells. The same recipe: fencun tune recipe --base {best.model.name}",
        )
    return [*checks, MachineCheck(say("更大的底座", "larger bases"), told)]


def _told(fit: "LargerBase", memory: float) -> str:
    from fencun.models.larger_bases import OTHERS

    model = fit.model
    need = say(
        f"要 {model.memory_gib:g} GiB 内存，另留 {OTHERS:g} GiB，这里 {memory:.1f} GiB",
        f"takes {model.memory_gib:g} GiB of memory and {OTHERS:g} GiB to spare, "
        f"here are {memory:.1f} GiB",
    )
    if not fit.fits:
        return say(f"跑不动：{need}", f"does not run here: {need}")
    have = (
        say("已经取来", "fetched")
        if fit.fetched
        else say(
            f"下载 {(model.size or 0) / 1e9:.1f} GB：fencun model fetch {model.name}",
            f"download of {(model.size or 0) / 1e9:.1f} GB: fencun model fetch {model.name}",
        )
    )
    cores = os.cpu_count()
    return say(
        f"跑得动：{need}；参数是默认模型的 {fit.parameters:.1f} 倍，"
        f"每个词元在这 {cores} 个核上要读的是 {fit.reading:.1f} 倍，按此推算也慢这么多；{have}",
        f"runs here: {need}; {fit.parameters:.1f} times the parameters of the default model, "
        f"{fit.reading:.1f} times as much to read for a token on these {cores} cores, "
        f"so reckoned as much slower; {have}",
    )


async def _speed() -> list[MachineCheck]:
    """Load the model in use and time one answer: seconds to the first token, tokens a second."""
    from time import perf_counter

    from fencun.models.engine import Decoding, Message
    from fencun.models.open import open_engine

    told: list[Message] = [{"role": "user", "content": "用三句话说说你的家乡。"}]
    engine = open_engine(None, parallel=1)
    start = perf_counter()
    try:
        await engine.complete(told, Decoding(max_tokens=1))
        loaded = perf_counter()
        first, count = 0.0, 0
        async for _ in engine.stream(told, Decoding(max_tokens=64)):
            first = first or perf_counter()
            count += 1
        done = perf_counter()
    finally:
        await engine.aclose()
    rate = (count - 1) / (done - first) if count > 1 else 0.0
    return [
        MachineCheck(
            say("速度", "speed"),
            say(
                f"加载 {loaded - start:.1f} 秒，首字 {first - loaded:.2f} 秒，每秒 {rate:.0f} 词元",
                f"load {loaded - start:.1f} s, first token {first - loaded:.2f} s, "
                f"{rate:.0f} tokens/s",
            ),
            True,
        )
    ]


async def _endpoint() -> list[MachineCheck]:
    """Ask the endpoint one brief, and its tuned model, where one is told, for a difference."""
    from fencun.models.canary import listen
    from fencun.models.ending import flaw
    from fencun.models.engine import Decoding
    from fencun.models.open import in_use, is_endpoint, open_engine, tuned_model
    from fencun.open_writer import canary_chats
    from fencun.scenario import SHIPPED, load_scenario

    name = say("接口", "endpoint")
    if not is_endpoint(in_use()):
        told = say("没有设 FENCUN_ENDPOINT", "FENCUN_ENDPOINT is not set")
        return [MachineCheck(name, told, False)]
    chats = canary_chats(load_scenario(SHIPPED))
    engine = open_engine()
    try:
        whole = await engine.complete(chats[0], Decoding())
        ending = flaw(whole)
        thinks = say("会思考（已滤掉）", "thinks (filtered)") if whole.thought else say(
            "不思考", "does not think"
        )  # fmt: skip
        said = str(ending.error()) if ending else f"{engine.name}, {thinks}"
        checks = [MachineCheck(name, said, ending is None)]
        if tuned_model():
            checks.append(_heard(await listen(engine, chats)))
    except FencunError as error:
        checks = [MachineCheck(name, str(error), False)]
    finally:
        await engine.aclose()
    return checks


def _heard(canary: "Canary") -> MachineCheck:
    name = say("微调的模型", "tuned model")
    if canary.silent:
        return MachineCheck(name, str(canary.error()), False)
    if not canary.steady:
        told = say("底座自己前后不一，看不出来", "the base itself is not steady: cannot be told")
        return MachineCheck(name, told)
    told = say(
        f"{canary.steady} 个固定问题里有 {canary.different} 个和底座答得不同",
        f"differs from its base on {canary.different} of {canary.steady} fixed prompts",
    )
    return MachineCheck(name, told, True)
