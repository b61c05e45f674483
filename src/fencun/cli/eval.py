"""``fencun eval``: arms answer, people vote, rules decide."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fencun.cli.ballot import Which
from fencun.cli.ballot import app as ballot_app
from fencun.cli.batch_options import FromBatch, Requests, ToBatch, open_batch, tell_batch
from fencun.cli.eval_judge import app as judging
from fencun.cli.eval_read import app as reading
from fencun.cli.options import AsJson, ScenarioName, option, print_json, progress, verb
from fencun.language import say

if TYPE_CHECKING:
    from fencun.evaluate.probing import Size
    from fencun.evaluate.study import Study

app = typer.Typer()
app.add_typer(ballot_app, name="ballot")
app.add_typer(reading)
app.add_typer(judging)

_NEEDS = "evaluate"


@verb(
    app,
    "各组回答同样的测试需求，冻结回答；断了再跑，接着答。",
    "Let every arm answer the same test briefs, and freeze the answers. Can be resumed.",
    needs=_NEEDS,
)
def run(
    arms: Annotated[
        str,
        option(
            "对照组：bare,prompt,rag,tuned 里挑，或 YAML 文件；默认有材料的都来",
            "Arms of bare,prompt,rag,tuned, or a YAML file (default: all that can)",
        ),
    ] = "",
    briefs: Annotated[
        str | None,
        option("几条测试需求，或 JSONL 文件", "How many test briefs, or a JSONL file"),
    ] = None,
    out: Annotated[
        str | None,
        option("实验的名字或文件夹", "Study: its name or folder"),
    ] = None,
    adapter: Annotated[
        str | None,
        option("适配器文件夹，默认场景自带的", "Folder of the adapter (default: the scenario's)"),
    ] = None,
    scenario: ScenarioName = "",
    seed: Annotated[int | None, option("随机种子", "Seed of the random choices", min=0)] = None,
    rules: Annotated[
        Path | None,
        option("规则 YAML，投票前登记", "Rules as YAML, registered before the vote"),
    ] = None,
    temperature: Annotated[
        float | None,
        option(
            "各组共用的温度；默认适配器声明的，否则 0.7",
            "Temperature of all arms (default: the adapter's, else 0.7)",
            min=0,
            max=2,
        ),
    ] = None,
    draws: Annotated[
        int,
        option("每组每条需求写几条", "Texts that each arm writes for a brief", min=1, max=8),
    ] = 1,
    luck: Annotated[
        float | None,
        option(
            "上一次实验量出的运气（报告里说），照它算要几票",
            "Luck of one text as the study before measured it: plans the votes",
            min=0,
            max=0.99,
        ),
    ] = None,
    unfit: Annotated[
        str,
        option(
            "事先声明：这任务为什么不是表达问题",
            "Declare beforehand why this is no task of expression",
        ),
    ] = "",
    incomplete: Annotated[
        bool,
        option(
            "有没答出来的也冻结", "Freeze it although some answers could not be had", "--incomplete"
        ),
    ] = False,
    to_batch: ToBatch = None,
    from_batch: FromBatch = None,
    requests: Requests = None,
    as_json: AsJson = False,
) -> None:
    """Run a study up to its frozen answers."""
    from fencun.evaluate.rules import load_rules
    from fencun.evaluate.run import run as run_study
    from fencun.scenario import load_scenario

    batch = open_batch("eval", to_batch, from_batch, requests)
    with _bar(show=not as_json) as tell:
        study = asyncio.run(
            run_study(
                load_scenario(scenario),
                arms=arms,
                briefs=briefs,
                out=out,
                adapter=adapter,
                seed=seed,
                rules=load_rules(rules) if rules else None,
                unfit=unfit,
                temperature=temperature,
                draws=draws,
                luck=luck,
                progress=tell,
                incomplete=incomplete,
                opener=batch.open if batch else None,
            )
        )
    if batch:
        tell_batch(batch, to_batch, from_batch)
    if study.frozen:
        _tell_answers(study, as_json)


@contextmanager
def _bar(*, show: bool) -> Iterator[Callable[[object, int, int], None]]:
    """The progress bar, told by what was just answered: an answer, or the name of an arm."""
    with progress(say("回答", "Answers"), show=show) as tell:
        yield lambda what, done, total: tell(done, total, str(getattr(what, "arm", what)))


def _tell_answers(study: "Study", as_json: bool) -> None:
    from fencun.evaluate.blocks import few_briefs

    by_arm = study.by_arm()
    counts = {
        arm: {"answered": sum(not a.failed for a in given.values()), "asked": len(given)}
        for arm, given in by_arm.items()
    }
    if as_json:
        print_json({"study": study.name, "folder": str(study.folder), "arms": counts})
        return
    typer.echo(say(f"实验 {study.name} 已冻结。", f"Study {study.name} is frozen."))
    for arm, count in counts.items():
        typer.echo(f"  {arm}: {count['answered']} / {count['asked']}")
    typer.echo(
        say(
            f"登记的计划：{study.planned} 票，不到数不下结论。",
            f"Registered plan: {study.planned} votes; no verdict before.",
        )
    )
    asked = len(study.arms), len(study.briefs()), study.registration.draws
    if few := few_briefs(*asked, study.rules):
        typer.secho(f"  △ {few}", fg="yellow")
    typer.echo(
        say(
            f"下一步请人来投票：fencun eval ballot open {study.name}",
            f"Next, let people vote: fencun eval ballot open {study.name}",
        )
    )


@verb(app, "列出各次实验，新的在前。", "List the studies, newest first.", name="list", needs=_NEEDS)
def list_studies(
    scenario: ScenarioName = "",
    every: Annotated[bool, option("所有场景的", "Those of every scenario", "--all")] = False,
    as_json: AsJson = False,
) -> None:
    """List the studies of one scenario, newest first."""
    from fencun.evaluate.find import studies, studies_of
    from fencun.scenario import load_scenario

    listed = studies() if every else studies_of(load_scenario(scenario))
    found = [
        {
            "name": study.name,
            "created": study.registration.created,
            "arms": list(study.arms),
            "frozen": study.frozen,
            "folder": str(study.folder),
        }
        for study in listed
    ]
    if as_json:
        print_json(found)
    for study in [] if as_json else found:
        state = "" if study["frozen"] else say("（没答完）", " (unfinished)")
        typer.echo(f"{study['name']}{state}  {study['created']}  {', '.join(study['arms'])}")  # type: ignore[arg-type]


@verb(
    app,
    "探针：命中率、二十个种子、换个说法、分寸、照抄训练句、日常问答。不用人，也就没有结论。",
    "Probes: hits, twenty seeds, other words, tact, copied lines, everyday questions. "
    "They need no people, so they give no verdict.",
    needs=_NEEDS,
)
def probe(
    study: Which = None,
    size: Annotated[
        str,
        option("quick、usual 或 full：问多少", "quick, usual or full: how much to ask"),
    ] = "usual",
    plan: Annotated[
        bool,
        option("只说要问多少、要多久", "Only say how many and how long", "--plan"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the arms of a study what needs no rater, and print the figures."""
    from fencun.evaluate import probing
    from fencun.evaluate.find import find_study
    from fencun.evaluate.probe_summary import summarise
    from fencun.evaluate.run import seeds_of

    found, amount = find_study(study), probing.parse_size(size)
    if plan:
        _tell_plan(found, amount, as_json)
        return
    with _bar(show=not as_json) as tell:
        answers = asyncio.run(probing.probe_all(found, seeds_of(found), amount, progress=tell))
    summary = summarise(found, answers, amount)
    if as_json:
        print_json(summary)
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
        print_json(told)
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


@verb(
    app,
    "结论：值不值得微调，照投票前登记的规则。",
    "Say whether fine-tuning is worth it, by rules registered before votes were counted.",
    needs=_NEEDS,
)
def verdict(study: Which = None, as_json: AsJson = False) -> None:
    """Gather the votes of a study and apply its rules."""
    from fencun.cli.verdict_view import show_verdict
    from fencun.evaluate.beside import beside, plain
    from fencun.evaluate.find import find_study
    from fencun.evaluate.verdict import judge, to_json

    found = find_study(study)
    _gather_votes(found)
    judged = judge(found)
    if as_json:
        print_json(to_json(judged) | {"beside": plain(beside(judged))})
    else:
        show_verdict(judged)


@verb(
    app,
    "写报告：一个自带一切的 HTML（手机、打印都好看），一个 Markdown。",
    "Write the report: one HTML file with everything in it, and one Markdown file.",
    needs=_NEEDS,
)
def report(
    study: Which = None,
    out: Annotated[
        Path | None,
        option("写到哪个文件夹；默认实验自己的", "Folder to write (default: the study's own)"),
    ] = None,
) -> None:
    """Gather the votes of a study and write its report."""
    from fencun.evaluate.find import find_study
    from fencun.evaluate.report import write_report

    found = find_study(study)
    _gather_votes(found)
    for path in write_report(found, out):
        typer.echo(str(path))


@verb(
    app,
    "改登记过的规则：能改，要写理由，改过会写在结论和报告里。",
    "Change registered rules: possible, with a reason, and shown in verdict and report.",
    needs=_NEEDS,
)
def amend(
    study: Which = None,
    why: Annotated[str, option("为什么改", "The reason")] = "",
    rules: Annotated[
        Path | None,
        option("新的规则 YAML；默认现在自带的", "New rules (default: today's)"),
    ] = None,
) -> None:
    """Keep other rules beside the registered ones, and say so wherever they decide."""
    from fencun.evaluate.find import find_study
    from fencun.evaluate.rules import load_rules, shipped_rules

    found = find_study(study)
    _gather_votes(found)  # how many there are is told with the change
    found.amend(load_rules(rules) if rules else shipped_rules(), why)
    typer.echo(found.amended)


def _gather_votes(study: "Study") -> None:
    """Freeze the votes of the ballot box into the study, if it has any for this study."""
    from fencun.evaluate.collect import collect

    collect(study)
