"""``fencun eval``: arms answer, people vote, rules decide."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fencun.cli.ballot import Which
from fencun.cli.ballot import app as ballot_app
from fencun.cli.eval_read import app as reading
from fencun.cli.options import AsJson, ScenarioName, print_json, progress, verb
from fencun.language import say

if TYPE_CHECKING:
    from fencun.evaluate.probing import Size
    from fencun.evaluate.study import Study
    from fencun.evaluate.verdict import Verdict

app = typer.Typer()
app.add_typer(ballot_app, name="ballot")
app.add_typer(reading)

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
        typer.Option(
            help=say(
                "对照组：名字用逗号隔开，或 YAML 文件", "Arms: names with commas, or a YAML file"
            )
        ),
    ] = "bare,prompt,rag,tuned",
    briefs: Annotated[
        str | None,
        typer.Option(
            help=say("几条测试需求，或 JSONL 文件", "How many test briefs, or a JSONL file")
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(help=say("实验的名字或文件夹", "Study: its name or folder")),
    ] = None,
    adapter: Annotated[
        str | None,
        typer.Option(
            help=say(
                "适配器文件夹，默认场景自带的", "Folder of the adapter (default: the scenario's)"
            )
        ),
    ] = None,
    scenario: ScenarioName = "spring_festival",
    seed: Annotated[
        int | None, typer.Option(min=0, help=say("随机种子", "Seed of the random choices"))
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(
            help=say("规则 YAML，投票前登记", "Rules as YAML, registered before the vote")
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=2,
            help=say(
                "各组共用的温度；默认适配器声明的，否则 0.7",
                "Temperature of all arms (default: the adapter's, else 0.7)",
            ),
        ),
    ] = None,
    unfit: Annotated[
        str,
        typer.Option(
            help=say(
                "事先声明：这任务为什么不是表达问题",
                "Declare beforehand why this is no task of expression",
            )
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Run a study up to its frozen answers."""
    from fencun.evaluate.rules import load_rules
    from fencun.evaluate.run import run as run_study
    from fencun.scenario import load_scenario

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
                progress=tell,
            )
        )
    _tell_answers(study, as_json)


@contextmanager
def _bar(*, show: bool) -> Iterator[Callable[[object, int, int], None]]:
    """The progress bar, told by what was just answered: an answer, or the name of an arm."""
    with progress(say("回答", "Answers"), show=show) as tell:
        yield lambda what, done, total: tell(done, total, str(getattr(what, "arm", what)))


def _tell_answers(study: "Study", as_json: bool) -> None:
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
    typer.echo(
        say(
            f"下一步请人来投票：fencun eval ballot open {study.name}",
            f"Next, let people vote: fencun eval ballot open {study.name}",
        )
    )


@verb(app, "列出各次实验，新的在前。", "List the studies, newest first.", name="list", needs=_NEEDS)
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
        typer.Option(
            help=say("quick、usual 或 full：问多少", "quick, usual or full: how much to ask")
        ),
    ] = "usual",
    plan: Annotated[
        bool,
        typer.Option("--plan", help=say("只说要问多少、要多久", "Only say how many and how long")),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the arms of a study what needs no rater, and print the figures."""
    from fencun.evaluate import probing
    from fencun.evaluate.probes import summarise
    from fencun.evaluate.run import seeds_of
    from fencun.evaluate.study import find_study

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
    from fencun.evaluate.study import find_study
    from fencun.evaluate.verdict import judge, to_json

    found = find_study(study)
    _gather_votes(found)
    judged = judge(found)
    if as_json:
        print_json(to_json(judged))
    else:
        _show(judged)


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
        typer.Option(
            help=say("写到哪个文件夹；默认实验自己的", "Folder to write (default: the study's own)")
        ),
    ] = None,
) -> None:
    """Gather the votes of a study and write its report."""
    from fencun.evaluate.report import write_report
    from fencun.evaluate.study import find_study

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
    why: Annotated[str, typer.Option(help=say("为什么改", "The reason"))] = "",
    rules: Annotated[
        Path | None,
        typer.Option(help=say("新的规则 YAML；默认现在自带的", "New rules (default: today's)")),
    ] = None,
) -> None:
    """Keep other rules beside the registered ones, and say so wherever they decide."""
    from fencun.evaluate.rules import load_rules, shipped_rules
    from fencun.evaluate.study import find_study

    found = find_study(study)
    found.amend(load_rules(rules) if rules else shipped_rules(), why)
    typer.echo(found.amended)


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
    if judged.study.amended:
        typer.secho(f"  △ {judged.study.amended}", fg="yellow")
    for block in judged.blocks:
        typer.echo(f"  → {block}")
    for title, lines in groups(judged):
        typer.echo(title)
        for line in lines:
            told = f"  {line.mark} {line.sentence}  {typer.style(line.number, bold=True)}"
            typer.secho(told, fg="green" if line.mark == "✓" else None)
    for odd in facts.oddities:
        name = judged.names.get(odd.rater, odd.rater)
        typer.secho(f"  △ {name}：{say(odd.zh, odd.en)}", fg="yellow")
    for group in judged.seats.groups:
        typer.secho(
            say(
                f"  △ {'、'.join(group.names)}：看着是同一个人，只算先投的那一份，"
                f"{group.votes} 票没有计入。",
                f"  △ {', '.join(group.names)}: look like one person; the first seat counts, "
                f"{group.votes} votes do not.",
            ),
            fg="yellow",
        )
    if judged.set_aside:
        typer.secho(
            say(
                f"  △ {len(judged.set_aside)} 票投的是后来变了的回答，没有计入。",
                f"  △ {len(judged.set_aside)} votes are on answers that changed: not counted.",
            ),
            fg="yellow",
        )
    for rater, other in judged.hangs_on.items():
        name = judged.names.get(rater, rater)
        decided = judged.rules.decisions[other]
        typer.secho(
            say(
                f"  △ 少了{name}，结论就是“{decided.zh}”。",
                f"  △ Without {name} it would be: {decided.en}.",
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
