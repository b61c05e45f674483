"""``fencun tune``: plan, run, resume, export."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fencun.cli.compare import compare
from fencun.cli.options import AsJson, ScenarioName, argument, option, print_json, verb
from fencun.cli.tune_progress import teller
from fencun.cli.tune_recipe import recipe
from fencun.errors import FencunError
from fencun.language import say
from fencun.tune.machine import settle_threads

if TYPE_CHECKING:
    from fencun.tune.preflight.plan import Plan

app = typer.Typer(no_args_is_help=True)
_NEEDS = "tune"
verb(app, "两个适配器写同一个需求。", "Two adapters on one brief.", needs=_NEEDS)(compare)
verb(app, "同一份配方，更大的底座。", "The same recipe on a bigger base.", needs=_NEEDS)(recipe)

_GIB = 1 << 30
_FORMATS = ("gguf", "peft", "merged", "ollama", "vllm", "llamafactory")

BaseName = Annotated[str, option("底座：目录名、.gguf 或文件夹", "Base: name or path", "--base")]
TrainFile = Annotated[str, option("训练集 JSONL", "Training samples (JSONL)", "--train")]
ValidationFile = Annotated[
    str, option("验证集 JSONL", "Validation samples (JSONL)", "--validation")
]
Options = Annotated[Path | None, option("配置 YAML", "Options as YAML", "--config")]


@verb(
    app,
    "预检：要多久、多少内存，该用哪个档位。",
    "Preflight: time, memory, preset.",
    needs=_NEEDS,
)
def plan(
    base: BaseName = "",
    scenario: ScenarioName = "",
    train: TrainFile = "",
    validation: ValidationFile = "",
    config: Options = None,
    as_json: AsJson = False,
) -> None:
    """Measure a few blocks and say what each preset would take."""
    settle_threads()
    from fencun.tune.config import TuneConfig, read_config
    from fencun.tune.preflight.plan import plan_run

    named = {"base": base, "scenario": scenario, "train": train, "validation": validation}
    options = read_config(config) if config else TuneConfig()
    options = options.replaced(**{key: value for key, value in named.items() if value})
    found = plan_run(options, lambda zh, en: typer.echo(say(zh, en), err=True))
    if as_json:
        print_json(asdict(found))
        return
    given = {**named, "config": str(config or "")}
    again = "".join(f" --{key} {shlex.quote(value)}" for key, value in given.items() if value)
    _print_plan(found, again)


@verb(app, "开始微调。", "Start a tuning run.", needs=_NEEDS)
def run(
    out: Annotated[Path | None, option("运行的文件夹", "Folder of the run", "--out")] = None,
    preset: Annotated[
        str, option("档位：tiny、quick、full", "tiny, quick or full", "--preset")
    ] = "quick",
    minutes: Annotated[float | None, option("时间预算（分钟）", "Time budget", "--minutes")] = None,
    base: BaseName = "",
    scenario: ScenarioName = "",
    train: TrainFile = "",
    validation: ValidationFile = "",
    config: Options = None,
    engine: Annotated[
        str, option("fencun 或 llamafactory", "fencun or llamafactory", "--engine")
    ] = "fencun",
    method: Annotated[
        str, option("sft、dpo 或 verifier", "sft, dpo or verifier", "--method")
    ] = "sft",
    adapter: Annotated[
        str, option("dpo、verifier 从哪个起步", "What to start from", "--adapter")
    ] = "",
    pairs: Annotated[str, option("dpo 的偏好对 JSONL", "Preference pairs (JSONL)", "--pairs")] = "",
    judgements: Annotated[
        str,
        option("verifier 的判断 JSONL", "Judgements for a verifier (JSONL)", "--judgements"),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Tune the base on the scenario's data; can be stopped at any time and resumed."""
    settle_threads()
    from fencun.home import runs_dir
    from fencun.tune.runs.life import start
    from fencun.tune.runs.processes import occupy
    from fencun.tune.runs.request import request_run

    request = request_run(
        preset=preset, method=method, engine=engine, adapter=adapter, pairs=pairs,
        judgements=judgements, config=config,
        minutes=minutes, base=base, scenario=scenario, train=train, validation=validation,
    )  # fmt: skip
    folder = out or runs_dir() / "tune" / datetime.now().strftime("%Y%m%d-%H%M%S")
    occupy(folder)
    typer.echo(say(f"运行的文件夹：{folder}", f"Folder of the run: {folder}"), err=True)
    _finish(start(folder, request, teller()), folder, as_json)


@verb(app, "接着上次中断的地方训练。", "Go on with an interrupted run.", needs=_NEEDS)
def resume(
    folder: Annotated[Path, argument("运行的文件夹", "Folder of the run")],
    as_json: AsJson = False,
) -> None:
    """Go on from the newest whole checkpoint; ends in the same bytes as without interruption."""
    settle_threads()
    from fencun.tune.runs.life import resume as go_on
    from fencun.tune.runs.processes import occupy

    if folder.is_dir():
        occupy(folder)
    _finish(go_on(folder, teller()), folder, as_json)


@verb(
    app,
    "导出适配器，并核对它说的是同样的话。",
    "Export the adapter and verify it.",
    needs=_NEEDS,
)
def export(
    folder: Annotated[Path, argument("运行或适配器的文件夹", "Run or adapter")],
    out: Annotated[Path, option("写到哪里", "Where to write", "--out")],
    to: Annotated[str, option("、".join(_FORMATS), ", ".join(_FORMATS), "--format")] = "gguf",
    base: BaseName = "",
    scenario: ScenarioName = "",
    scale: Annotated[float, option("适配器的强度", "Strength of the adapter", "--scale")] = 1.0,
    temperature: Annotated[
        float, option("推荐的温度", "Recommended temperature", "--temperature")
    ] = 0.2,
    parity: Annotated[
        bool, option("导出后核对", "Verify the export", "--parity/--no-parity")
    ] = True,
    gpus: Annotated[
        int,
        option("llamafactory：几张卡", "llamafactory: on how many GPUs", "--gpus", min=1, max=1024),
    ] = 1,
    qlora: Annotated[
        bool,
        option("llamafactory：底座压成 4 位", "llamafactory: the base in 4 bits", "--qlora"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the adapter in one format; GGUF and merged weights are checked against PEFT."""
    if to not in _FORMATS:
        raise FencunError(
            f"没有格式 {to[:24]}；可选：{'、'.join(_FORMATS)}。",
            f"There is no format {to[:24]!r}; choose from {', '.join(_FORMATS)}.",
        )
    settle_threads()
    if to == "llamafactory":
        _write_project(folder, out, base, scenario, gpus, qlora, as_json)
        return
    from fencun.tune.formats.export import export as export_run
    from fencun.tune.formats.parity import parity_words

    done = export_run(
        folder, out, to, base_name=base, scenario_name=scenario, scale=scale,
        temperature=temperature, parity=parity,
    )  # fmt: skip
    if as_json:
        print_json(done)
        return
    typer.echo(say(f"写好了：{out}", f"Written: {out}"))
    if done.get("parity"):
        typer.echo(say(*parity_words(done["parity"])))


def _write_project(
    source: Path, out: Path, model: str, scenario: str, gpus: int, qlora: bool, as_json: bool
) -> None:
    from fencun.tune.llamafactory.project import commands, export_project

    recipe = export_project(
        source, out, model=model, scenario_name=scenario, gpus=gpus, qlora=qlora
    )
    if as_json:
        print_json({"recipe": str(recipe), "commands": commands()})
        return
    typer.echo(
        say(
            f"写好了：{recipe}。把文件夹拷过去，在里面运行 sh train.sh；多张卡见它开头的说明：",
            f"Written: {recipe}. Copy the folder there and run sh train.sh in it; for several "
            "GPUs see the head of it:",
        )
    )
    for command in commands():
        typer.echo(f"  {command}")


def _finish(manifest: dict[str, Any], folder: Path, as_json: bool) -> None:
    if as_json:
        print_json(manifest)
        return
    outcome = manifest["outcome"]
    if outcome.get("stopped"):
        typer.echo(say(*outcome["stopped"]))
    typer.echo(
        say(
            f"完成 {outcome['steps']} 步，留用第 {outcome['best_step']} 步，"
            f"验证损失 {outcome['best_loss']:.3f}。导出：fencun tune export {folder} --out 文件夹",
            f"{outcome['steps']} steps done, keeping step {outcome['best_step']}, validation loss "
            f"{outcome['best_loss']:.3f}. Export: fencun tune export {folder} --out FOLDER",
        )
    )


def _print_plan(found: Plan, again: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in (
        say("档位", "preset"), say("样本", "samples"), "token", say("步", "steps"),
        say("分钟", "minutes"), say("内存", "memory"), say("磁盘", "disk"),
    ):  # fmt: skip
        table.add_column(title, justify="right")
    for item in found.estimates:
        low, likely, high = (seconds / 60 for seconds in item.seconds)
        table.add_row(
            item.preset, str(item.samples), str(item.tokens), str(item.steps),
            f"{likely:.0f} ({low:.0f}-{high:.0f})", f"{item.memory / _GIB:.1f} GiB",
            f"{item.disk / _GIB:.1f} GiB",
        )  # fmt: skip
    Console().print(table)
    for note in found.notes:
        typer.echo(say(*note))
    if found.take:
        typer.echo(
            say(
                f"建议：fencun tune run --preset {found.take}{again}",
                f"Take: fencun tune run --preset {found.take}{again}",
            )
        )
