"""``fencun write``: one brief from flags or from a few questions, or a whole file of briefs."""

import asyncio
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.cli.options import AsJson, ModelName, ScenarioName, print_json, progress, verb
from fencun.cli.repeats import said_once
from fencun.errors import BriefError
from fencun.language import say
from fencun.scenario import Scenario, load_scenario

if TYPE_CHECKING:
    from fencun.batch import Job
    from fencun.brief import Brief
    from fencun.errors import RecordError
    from fencun.writer import Writing

app = typer.Typer()

_SEEDS = 2**31


@verb(app, "写一条真会发出去的话：填六项，得三条。", "Write: six fields in, three texts out.")
def write(
    salutation: Annotated[
        str | None,
        typer.Option(help=say("称呼：平时怎么叫对方", "What you call the other")),
    ] = None,
    relation: Annotated[
        str | None,
        typer.Option(help=say("关系，如 高中班主任", "Who they are to you")),
    ] = None,
    detail: Annotated[
        str | None,
        typer.Option(
            help=say("交往细节：真的发生过的一件事", "One thing that really happened between you")
        ),
    ] = None,
    occasion: Annotated[str | None, typer.Option(help=say("场合，如 除夕", "The occasion"))] = None,
    style: Annotated[str | None, typer.Option(help=say("风格，如 幽默一点", "The style"))] = None,
    length: Annotated[
        str | None,
        typer.Option(help=say("篇幅，如 短、50字以内", "The length, in words or characters")),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            help=say(
                "别的场景的维度：名=值，可以多次",
                "A dimension of another scenario: name=value, may be repeated",
            )
        ),
    ] = None,
    scenario: ScenarioName = "spring_festival",
    arm: Annotated[
        str | None,
        typer.Option(
            help=say("写法：bare、prompt、tuned 或 edit", "Arm: bare, prompt, tuned or edit")
        ),
    ] = None,
    keep: Annotated[
        int, typer.Option("-n", "--keep", min=1, max=20, help=say("给几条", "Texts to show"))
    ] = 3,
    draws: Annotated[
        int | None,
        typer.Option(
            min=1, max=40, help=say("写几条来挑", "Texts to draw, from which the best are shown")
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=_SEEDS, help=say("随机种子", "Seed of the random choices")),
    ] = None,
    model: ModelName = None,
    briefs: Annotated[
        Path | None,
        typer.Option(help=say("一行一个需求的 JSONL 文件", "JSONL file, one brief a line")),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help=say("批量的结果写到哪里", "File for the results of --briefs")),
    ] = None,
    to_batch: Annotated[
        Path | None,
        typer.Option(
            help=say(
                "不写，把 --briefs 的请求存成 OpenAI Batch 文件",
                "Write nothing: save the requests of --briefs as an OpenAI Batch file",
            )
        ),
    ] = None,
    from_batch: Annotated[
        list[Path] | None,
        typer.Option(
            help=say(
                "不写，从 Batch 服务的结果文件收回来，可以多次",
                "Write nothing: take results of a Batch service back, may be repeated",
            )
        ),
    ] = None,
    examples: Annotated[
        bool,
        typer.Option(
            "--examples", help=say("也给相近的范例（不是生成的）", "Show near written lines, too")
        ),
    ] = False,
    say_it: Annotated[
        bool,
        typer.Option(
            "--say-it",
            help=say("细节里的敏感事可以直说", "What is delicate in the detail may be named"),
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write texts for one brief (flags, or questions when there are none) or for a file."""
    declared = load_scenario(scenario)
    seed = secrets.randbelow(_SEEDS) if seed is None else seed
    if to_batch or from_batch:
        _hand_over(declared, briefs, out, to_batch, from_batch or [], arm, keep, draws, seed, model)
        return
    if briefs or out:
        if not (briefs and out):
            raise typer.BadParameter(
                say("--briefs 和 --out 要一起用。", "Give --briefs and --out.")
            )
        _write_file(declared, briefs, out, arm, keep, draws, seed, model)
        return
    flags = {
        "salutation": salutation, "relation": relation, "detail": detail,
        "occasion": occasion, "style": style, "length": length, **_fields(field or []),
    }  # fmt: skip
    given = {name: value for name, value in flags.items() if value is not None}
    brief = replace(_brief(declared, given), say_it=say_it)
    _tell_understood(brief)
    writing = asyncio.run(_write_one(declared, brief, arm, keep, draws, seed, model, not as_json))
    if as_json:
        print_json(_row(writing))
    else:
        _show(writing)
        if examples or writing.unsure or not writing.passed:
            _show_examples(writing)


def _fields(pairs: list[str]) -> dict[str, str]:
    fields = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(
                say(f"--field 要写成 名=值：{pair}", f"--field takes name=value: {pair}")
            )
        fields[name.strip()] = value
    return fields


def _brief(scenario: Scenario, given: dict[str, str]) -> "Brief":
    from fencun.brief import parse_brief
    from fencun.cli.questions import ask_brief

    return parse_brief(scenario, given) if given else ask_brief(scenario)


def _tell_understood(brief: "Brief") -> None:
    """Say before drawing how other words were understood, and what will be left unsaid."""
    from fencun.brief import caution

    for reading in brief.readings:
        typer.secho(
            say(
                f"{reading.label}“{reading.typed}”，当作“{reading}”。",
                f"{reading.label} {reading.typed!r} is taken as {reading}.",
            ),
            dim=True,
            err=True,
        )
    if not brief.say_it and (told := caution(brief.scenario, brief.value("detail"))):
        typer.secho(
            say(f"{told}要直说，加 --say-it。", f"{told} Add --say-it to have it said."),
            dim=True,
            err=True,
        )


async def _write_one(
    scenario: Scenario, brief: "Brief", arm: str | None, keep: int, draws: int | None, seed: int,
    model: str | None, show_progress: bool,
) -> "Writing":  # fmt: skip
    from rich.console import Console

    from fencun.open_writer import open_writer
    from fencun.prompt import parse_arm
    from fencun.writer import Done, Writing

    console = Console(stderr=True)
    asked = parse_arm(arm) if arm else None
    async with open_writer(scenario, model=model, parallel=6) as writer:
        chosen = asked or writer.default_arm
        count = draws or writer.draws_for(keep)
        written = 0
        with console.status(say("正在写…", "Writing…")) as status:
            events = writer.stream(brief, arm=chosen, keep=keep, draws=count, seed=seed)
            async for event in events:
                if isinstance(event, Writing):
                    return event
                if isinstance(event, Done) and show_progress:
                    written += 1
                    status.update(say(f"写好 {written} / {count} 条…", f"{written} of {count}…"))
    raise AssertionError("a stream of events ends with its writing")


def _row(writing: "Writing") -> dict[str, object]:
    from fencun.batch import candidate_row

    return {
        "brief": dict(writing.brief.values),
        "words": dict(writing.brief.words),
        "arm": writing.arm,
        "model": writing.model,
        "seed": writing.seed,
        "drawn": writing.drawn,
        "passed": writing.passed,
        "unsure": writing.unsure,
        "candidates": [candidate_row(candidate) for candidate in writing.candidates],
        "examples": [{"brief": dict(e.values), "text": e.text} for e in writing.examples],
    }


def _show(writing: "Writing") -> None:
    """Print the candidates, each with what the gates say of it."""
    if not writing.passed:
        typer.secho(
            say("没有一条过得了所有关卡，下面是最接近的：", "None passed every gate; the best:"),
            fg="yellow",
        )
    elif writing.unsure:
        typer.secho(
            say(
                "这几条我自己也拿不准，别直接发：改几个字，或者照着后面的范例写。",
                "None seems fit to send as it stands: change a word or two, "
                "or start from the examples below.",
            ),
            fg="yellow",
        )
    for number, candidate in enumerate(writing.candidates, start=1):
        count = len("".join(candidate.text.split()))
        typer.echo()
        typer.secho(f"{number}  {candidate.text}", bold=True)
        if candidate.findings:
            told = "；".join(str(finding).rstrip("。.") for finding in candidate.findings[:2])
            typer.secho(f"   {'△' if candidate.passed else '✗'} {told}。", fg="yellow", nl=False)
        else:
            typer.secho(f"   ✓ {say('关卡都过了', 'passed every gate')}", fg="green", nl=False)
        typer.secho(f"  {count} {say('字', 'characters')}", dim=True)
    typer.echo()
    typer.secho(
        say(
            f"{writing.model} · {writing.arm} · 写了 {writing.drawn} 条，种子 {writing.seed}",
            f"{writing.model} · {writing.arm} · {writing.drawn} drawn, seed {writing.seed}",
        ),
        dim=True,
    )


def _show_examples(writing: "Writing") -> None:
    """Print the written lines nearest to the brief, marked as such."""
    if not writing.examples:
        return
    typer.echo()
    typer.secho(
        say(
            "范例：别人写给相近的人的，不是刚才生成的。借说法，别借事情。",
            "Examples: written for someone like this, not generated just now. "
            "Borrow the turn of phrase, not the facts.",
        ),
        dim=True,
    )
    for example in writing.examples:
        typer.secho(f"   {example.told}", dim=True)
        typer.echo(f"   {example.text}")


def _write_file(
    scenario: Scenario, briefs: Path, out: Path, arm: str | None, keep: int, draws: int | None,
    seed: int, model: str | None,
) -> None:  # fmt: skip
    jobs, errors = _read_jobs(scenario, briefs)
    count = asyncio.run(_write_jobs(scenario, jobs, out, arm, keep, draws, seed, model))
    typer.echo(
        say(
            f"写好 {count} 条需求，结果在 {out}；原有 {len(jobs) - count} 条没有重写。",
            f"Wrote {count} briefs to {out}; {len(jobs) - count} were already there.",
        )
    )
    _tell_skipped(errors)


def _read_jobs(scenario: Scenario, briefs: Path) -> "tuple[list[Job], list[RecordError]]":
    from fencun.batch import read_jobs

    jobs, errors = read_jobs(briefs, scenario)
    for message in said_once([str(error) for error in errors])[:20]:
        typer.secho(f"{briefs}：{message}", fg="yellow", err=True)
    if not jobs:
        raise BriefError(f"{briefs} 里没有能写的需求。", f"{briefs} holds no brief to write.")
    return jobs, errors


def _tell_skipped(errors: "list[RecordError]") -> None:
    if errors:
        raise BriefError(
            f"有 {len(errors)} 行没有写（见上），改好后再运行一次，只补这些。",
            f"{len(errors)} lines were skipped (above); mend them and run again to add just those.",
        )


def _hand_over(
    scenario: Scenario, briefs: Path | None, out: Path | None, to_batch: Path | None,
    from_batch: list[Path], arm: str | None, keep: int, draws: int | None, seed: int,
    model: str | None,
) -> None:  # fmt: skip
    """Write requests for a Batch service, or take its results back."""
    if not briefs or bool(to_batch) == bool(from_batch) or bool(from_batch) != bool(out):
        raise typer.BadParameter(
            say(
                "交出去：--briefs 和 --to-batch；收回来：--briefs、--from-batch 和 --out。",
                "Hand out with --briefs and --to-batch; bring back with --briefs, --from-batch "
                "and --out.",
            )
        )
    jobs, errors = _read_jobs(scenario, briefs)
    if to_batch:
        asyncio.run(_hand_out(scenario, jobs, to_batch, arm, keep, draws, seed, model))
    elif out:
        asyncio.run(_bring_back(scenario, jobs, from_batch, out, keep, model))
    _tell_skipped(errors)


async def _hand_out(
    scenario: Scenario, jobs: "list[Job]", path: Path, arm: str | None, keep: int,
    draws: int | None, seed: int, model: str | None,
) -> None:  # fmt: skip
    from fencun.handover import hand_out
    from fencun.models.open import tuned_model
    from fencun.open_writer import open_writer
    from fencun.prompt import ADAPTED, parse_arm

    async with open_writer(scenario, model=model) as writer:
        chosen = parse_arm(arm) if arm else writer.default_arm
        tuned = tuned_model() if chosen in ADAPTED else ""
        count = hand_out(
            writer, jobs, path, arm=chosen, model=tuned or writer.engine.name,
            draws=draws or writer.draws_for(keep), seed=seed,
        )  # fmt: skip
    typer.echo(
        say(
            f"{len(jobs)} 条需求的 {count} 个请求在 {path}（写法 {chosen}）；"
            "交给 Batch 服务，结果回来后用 --from-batch 收。",
            f"{count} requests for {len(jobs)} briefs are in {path} (arm {chosen}); give them to "
            "a Batch service, and take its results back with --from-batch.",
        )
    )


async def _bring_back(
    scenario: Scenario, jobs: "list[Job]", results: list[Path], out: Path, keep: int,
    model: str | None,
) -> None:  # fmt: skip
    from fencun.handover import bring_back
    from fencun.open_writer import open_writer

    async with open_writer(scenario, model=model) as writer:
        brought = await bring_back(writer, jobs, results, out, keep=keep)
    for reason, count in brought.refused.most_common():
        told = say(f"{count} 行没有收：{reason}", f"{count} rows not taken: {reason}")
        typer.secho(told, fg="yellow", err=True)
    typer.echo(
        say(
            f"收回 {brought.written} 条需求，结果在 {out}。",
            f"Brought {brought.written} briefs back to {out}.",
        )
    )
    if brought.waiting:
        first = "、".join(brought.waiting[:5])
        raise BriefError(
            f"还有 {len(brought.waiting)} 条需求没收齐（{first}…）；结果到了再运行一次，只补这些。",
            f"{len(brought.waiting)} briefs are not complete ({first}…); run this again when "
            "their results are there, to add just those.",
        )


async def _write_jobs(
    scenario: Scenario, jobs: "list[Job]", out: Path, arm: str | None, keep: int, draws: int | None,
    seed: int, model: str | None,
) -> int:  # fmt: skip
    from fencun.batch import write_batch
    from fencun.open_writer import open_writer
    from fencun.prompt import parse_arm

    asked = parse_arm(arm) if arm else None
    async with open_writer(scenario, model=model, parallel=8) as writer:
        chosen = asked or writer.default_arm
        with progress(say("批量写", "Writing")) as tell:
            return await write_batch(
                writer, jobs, out, arm=chosen, keep=keep, draws=draws or writer.draws_for(keep),
                seed=seed, tell=tell,
            )  # fmt: skip
