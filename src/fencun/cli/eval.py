"""``fencun eval``: arms answer, people vote, rules decide."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fencun.cli.ballot import app as ballot_app
from fencun.evaluate.extras import need_statistics
from fencun.language import say

if TYPE_CHECKING:
    from fencun.evaluate.probing import Size
    from fencun.evaluate.study import Study
    from fencun.evaluate.verdict import Verdict

app = typer.Typer()
app.add_typer(ballot_app, name="ballot")

AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON")]
Which = Annotated[str | None, typer.Argument(help="实验的名字或文件夹；默认最新的")]


@app.command()
def run(
    arms: Annotated[str, typer.Option(help="对照组：名字用逗号隔开，或 YAML 文件")] = (
        "bare,prompt,rag,tuned"
    ),
    briefs: Annotated[str | None, typer.Option(help="几条测试需求，或 JSONL 文件")] = None,
    out: Annotated[str | None, typer.Option(help="实验的名字或文件夹")] = None,
    adapter: Annotated[str | None, typer.Option(help="适配器文件夹，默认场景自带的")] = None,
    scenario: Annotated[str, typer.Option(help="场景的名字或文件夹")] = "spring_festival",
    seed: Annotated[int | None, typer.Option(min=0, help="随机种子")] = None,
    rules: Annotated[Path | None, typer.Option(help="规则 YAML，投票前登记")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, help="各组共用的温度；默认适配器声明的，否则 0.7")
    ] = None,
    unfit: Annotated[str, typer.Option(help="事先声明：这任务为什么不是表达问题")] = "",
    as_json: AsJson = False,
) -> None:
    """Let every arm answer the same test briefs, and freeze the answers. Goes on if cut off."""
    from fencun.evaluate.rules import load_rules
    from fencun.evaluate.run import SEED
    from fencun.evaluate.run import run as run_study
    from fencun.scenario import load_scenario

    with _Progress(show=not as_json) as progress:
        study = asyncio.run(
            run_study(
                load_scenario(scenario),
                arms=arms,
                briefs=briefs,
                out=out,
                adapter=adapter,
                seed=SEED if seed is None else seed,
                rules=load_rules(rules) if rules else None,
                unfit=unfit,
                temperature=temperature,
                progress=progress,
            )
        )
    _tell_answers(study, as_json)


class _Progress:
    """A bar with the time left, on stderr."""

    def __init__(self, *, show: bool) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn(say("还要", "left")),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=Console(stderr=True),
            disable=not show,
        )
        self._task = self._bar.add_task(say("回答", "answers"), total=None)

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, what: object, done: int, total: int) -> None:
        self._bar.start()  # not before there is something to show; again does nothing
        label = str(getattr(what, "arm", what))
        self._bar.update(self._task, description=label, completed=done, total=total)


def _tell_answers(study: "Study", as_json: bool) -> None:
    by_arm = study.by_arm()
    counts = {
        arm: {"answered": sum(not a.failed for a in given.values()), "asked": len(given)}
        for arm, given in by_arm.items()
    }
    if as_json:
        told = {"study": study.name, "folder": str(study.folder), "arms": counts}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    typer.echo(say(f"实验 {study.name} 已冻结。", f"Study {study.name} is frozen."))
    for arm, count in counts.items():
        typer.echo(f"  {arm}: {count['answered']} / {count['asked']}")
    typer.echo(
        say(
            f"下一步请人来投票：fencun eval ballot open {study.name}",
            f"Next, let people vote: fencun eval ballot open {study.name}",
        )
    )


@app.command("list")
def list_studies(as_json: AsJson = False) -> None:
    """List the studies, newest first."""
    from fencun.evaluate.study import studies

    found = [
        {
            "name": study.name,
            "created": study.registration.created,
            "arms": list(study.arms),
            "frozen": study.frozen,
            "folder": str(study.folder),
        }
        for study in studies()
    ]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    for study in [] if as_json else found:
        state = "" if study["frozen"] else say("（没答完）", " (unfinished)")
        typer.echo(f"{study['name']}{state}  {study['created']}  {', '.join(study['arms'])}")  # type: ignore[arg-type]


@app.command()
def probe(
    study: Which = None,
    size: Annotated[str, typer.Option(help="quick、usual 或 full：问多少")] = "usual",
    plan: Annotated[bool, typer.Option("--plan", help="只说要问多少、要多久")] = False,
    as_json: AsJson = False,
) -> None:
    """探针：命中率、二十个种子、换个说法、分寸、照抄训练句、日常问答。不用人，也就没有结论。"""
    from fencun.evaluate import probing
    from fencun.evaluate.probes import summarise
    from fencun.evaluate.run import seeds_of
    from fencun.evaluate.study import find_study

    found, amount = find_study(study), probing.parse_size(size)
    if plan:
        _tell_plan(found, amount, as_json)
        return
    with _Progress(show=not as_json) as progress:
        answers = asyncio.run(probing.probe_all(found, seeds_of(found), amount, progress=progress))
    summary = summarise(found, answers, amount)
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False, indent=2))
    else:
        _tell_probes(summary)


def _tell_plan(study: "Study", size: "Size", as_json: bool) -> None:
    from fencun.evaluate import probing

    study.check()
    asks = probing.plan(study, size)
    known = {answer.key for answer in probing.probe_answers(study) if not answer.failed}
    todo = [ask for ask in asks if ask.key not in known]
    told = {"asks": len(asks), "todo": len(todo), "minutes": probing.minutes(study, todo)}
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo(
        say(
            f"要问 {told['asks']} 次，还剩 {told['todo']} 次，"
            f"照这次实验的速度约 {told['minutes']:.0f} 分钟。",
            f"{told['asks']} to ask, {told['todo']} left: about {told['minutes']:.0f} minutes "
            "at the speed of this study.",
        )
    )


def _tell_probes(summary: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from fencun.evaluate.show import probe_rows

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for arm in summary["arms"]:
        table.add_column(arm["arm"], justify="right")
    for title, cells in probe_rows(summary):
        table.add_row(title, *cells)
    Console().print(table)


@app.command()
def verdict(study: Which = None, as_json: AsJson = False) -> None:
    """Say whether fine-tuning is worth it: by rules registered before votes were counted."""
    need_statistics()
    from fencun.evaluate.study import find_study
    from fencun.evaluate.verdict import judge, to_json

    found = find_study(study)
    _gather_votes(found)
    judged = judge(found)
    if as_json:
        typer.echo(json.dumps(to_json(judged), ensure_ascii=False, indent=2))
    else:
        _show(judged)


@app.command()
def report(
    study: Which = None,
    out: Annotated[Path | None, typer.Option(help="写到哪个文件夹；默认实验自己的")] = None,
) -> None:
    """写报告：一个自带一切的 HTML（手机、打印都好看），一个 Markdown。"""
    need_statistics()
    from fencun.evaluate.report import write_report
    from fencun.evaluate.study import find_study

    found = find_study(study)
    _gather_votes(found)
    for path in write_report(found, out):
        typer.echo(str(path))


def _gather_votes(study: "Study") -> None:
    """Freeze the votes of the ballot box into the study, if it has any for this study."""
    from fencun.evaluate.collect import collect

    collect(study)


def _show(judged: "Verdict") -> None:
    from fencun.evaluate.verdict import groups

    typer.secho(judged.title, bold=True)
    facts = judged.facts
    typer.echo(
        say(
            f"实验 {judged.study.name}：{facts.raters} 位评审人，{facts.votes} 票，"
            f"{facts.briefs} 条需求。",
            f"Study {judged.study.name}: {facts.raters} raters, {facts.votes} votes, "
            f"{facts.briefs} briefs.",
        )
    )
    for title, lines in groups(judged):
        typer.echo(title)
        for line in lines:
            told = f"  {line.mark} {line.sentence}  {typer.style(line.number, bold=True)}"
            typer.secho(told, fg="green" if line.mark == "✓" else None)
    for odd in facts.oddities:
        name = judged.names.get(odd.rater, odd.rater)
        typer.secho(f"  △ {name}：{say(odd.zh, odd.en)}", fg="yellow")
    if judged.set_aside:
        typer.secho(
            say(
                f"  △ {len(judged.set_aside)} 票投的是后来变了的回答，没有计入。",
                f"  △ {len(judged.set_aside)} votes are on answers that changed: not counted.",
            ),
            fg="yellow",
        )
    for route in judged.routes:
        typer.secho(
            say(
                f"  {route.arm}：答出 {route.answered}/{route.asked}，"
                f"每条读 {route.prompt_tokens:.0f}、写 {route.completion_tokens:.0f} 个词元，"
                f"中位 {route.seconds:.1f} 秒",
                f"  {route.arm}: answered {route.answered}/{route.asked}, "
                f"{route.prompt_tokens:.0f} tokens read and {route.completion_tokens:.0f} written "
                f"each, median {route.seconds:.1f} s",
            ),
            dim=True,
        )
