"""``fencun write``: one brief from flags or from a few questions, or a whole file of briefs."""

import asyncio
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.cli.batch_options import (
    FromBatch,
    Requests,
    ToBatch,
    bring_back_briefs,
    check_requests,
    hand_out_briefs,
)
from fencun.cli.fields import SETTINGS, flags_told, read_flags, read_pairs
from fencun.cli.options import (
    AsJson,
    ModelName,
    On,
    RayAddress,
    ScenarioName,
    option,
    print_json,
    progress,
    spread_on,
    verb,
)
from fencun.cli.repeats import said_once
from fencun.errors import BriefError
from fencun.language import say, titled
from fencun.scenario import Scenario, load_scenario

if TYPE_CHECKING:
    from fencun.batch import BatchBrief
    from fencun.brief import Brief
    from fencun.errors import RecordError
    from fencun.writer import Writing

app = typer.Typer()

_SEEDS = 2**31


@verb(
    app,
    "写一条真会发出去的话：填几项，得三条。",
    "Write: a few fields in, three texts out.",
    epilog=flags_told(),
    context_settings=SETTINGS,
)
def write(
    ctx: typer.Context,
    field: Annotated[
        list[str] | None,
        option(
            "需求的一项：名=值，可以多次（名字和别的选项撞了时用）",
            "A field of the brief: name=value, may be repeated (where a flag has its name)",
        ),
    ] = None,
    scenario: ScenarioName = "",
    arm: Annotated[
        str | None,
        option("写法：bare、prompt、tuned 或 edit", "Arm: bare, prompt, tuned or edit"),
    ] = None,
    keep: Annotated[int, option("给几条", "Texts to show", "-n", "--keep", min=1, max=20)] = 3,
    draws: Annotated[
        int | None,
        option("写几条来挑", "Texts to draw, from which the best are shown", min=1, max=40),
    ] = None,
    seed: Annotated[
        int | None,
        option("随机种子", "Seed of the random choices", min=0, max=_SEEDS),
    ] = None,
    model: ModelName = None,
    briefs: Annotated[
        Path | None,
        option("一行一个需求的 JSONL 文件", "JSONL file, one brief a line"),
    ] = None,
    out: Annotated[
        Path | None,
        option("批量的结果写到哪里", "File for the results of --briefs"),
    ] = None,
    to_batch: ToBatch = None,
    from_batch: FromBatch = None,
    requests: Requests = None,
    on: On = "here",
    ray_address: RayAddress = "",
    examples: Annotated[
        bool,
        option("也给相近的范例（不是生成的）", "Show near written lines, too", "--examples"),
    ] = False,
    say_it: Annotated[
        bool,
        option("细节里的敏感事可以直说", "What is delicate in the detail may be named", "--say-it"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write texts for one brief (flags, or questions when there are none) or for a file."""
    declared = load_scenario(scenario)
    typed = {**read_flags(declared, ctx.args), **read_pairs(field or [], "--field")}
    seed = secrets.randbelow(_SEEDS) if seed is None else seed
    if to_batch or from_batch:
        _hand_over(
            declared, briefs, out, to_batch, from_batch, requests, arm, keep, draws, seed, model
        )  # fmt: skip
        return
    if briefs or out or on != "here" or ray_address:
        if not (briefs and out):
            raise typer.BadParameter(
                say(
                    "--briefs 和 --out 要一起用；--on 只用于它们。",
                    "Give --briefs and --out; --on is for these.",
                )
            )
        with spread_on(on, ray_address) as spread:
            _write_file(declared, briefs, out, arm, keep, draws, seed, model, spread)
        return
    brief = replace(_brief(declared, typed), say_it=say_it)
    _tell_understood(brief)
    writing = asyncio.run(_write_one(declared, brief, arm, keep, draws, seed, model, not as_json))
    if as_json:
        print_json(_row(writing))
    else:
        _show(writing)
        if examples or writing.unsure or not writing.passed:
            _show_examples(writing)


def _brief(scenario: Scenario, typed: dict[str, str]) -> "Brief":
    from fencun.brief import parse_brief
    from fencun.cli.questions import ask_brief

    return parse_brief(scenario, typed) if typed else ask_brief(scenario)


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


def _tell(zh: str, en: str) -> None:
    """Say on stderr whose engine answers."""
    typer.secho(say(zh, en), dim=True, err=True)


async def _write_one(
    scenario: Scenario, brief: "Brief", arm: str | None, keep: int, draws: int | None, seed: int,
    model: str | None, show_progress: bool,
) -> "Writing":  # fmt: skip
    from rich.console import Console

    from fencun.open_writer import open_writer
    from fencun.prompt import parse_arm
    from fencun.writer import Done, Writing

    console = Console(stderr=True)
    if arm:
        parse_arm(arm)  # said before a model is opened
    async with open_writer(scenario, model=model, parallel=6, borrow=_tell) as writer:
        chosen = writer.arm(arm)
        if writer.adapter and writer.adapter.mostly_fails(brief.value("length")):
            typer.secho(writer.adapter.strengths, dim=True, err=True)
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
            told = say("；", "; ").join(str(f).rstrip("。.") for f in candidate.findings[:2])
            typer.secho(
                f"   {'△' if candidate.passed else '✗'} {told}{say('。', '.')}",
                fg="yellow",
                nl=False,
            )
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
    seed: int, model: str | None, spread: bool,
) -> None:  # fmt: skip
    jobs, errors = _read_jobs(scenario, briefs)
    written = _write_jobs(scenario, jobs, out, arm, keep, draws, seed, model, spread)
    count = asyncio.run(written)
    typer.echo(
        say(
            f"写好 {count} 条需求，结果在 {out}；原有 {len(jobs) - count} 条没有重写。",
            f"Wrote {count} briefs to {out}; {len(jobs) - count} were already there.",
        )
    )
    _tell_skipped(errors)


def _read_jobs(scenario: Scenario, briefs: Path) -> "tuple[list[BatchBrief], list[RecordError]]":
    from fencun.batch import read_jobs

    jobs, errors = read_jobs(briefs, scenario)
    for message in said_once([str(error) for error in errors])[:20]:
        typer.secho(titled(briefs, message), fg="yellow", err=True)
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
    from_batch: list[Path] | None, requests: Path | None, arm: str | None, keep: int,
    draws: int | None, seed: int, model: str | None,
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
    check_requests(from_batch, requests)
    jobs, errors = _read_jobs(scenario, briefs)
    if to_batch:
        asyncio.run(hand_out_briefs(scenario, jobs, to_batch, arm, keep, draws, seed, model))
    elif out and from_batch:
        asyncio.run(bring_back_briefs(scenario, jobs, from_batch, requests, out, keep, model))
    _tell_skipped(errors)


async def _write_jobs(
    scenario: Scenario, jobs: "list[BatchBrief]", out: Path, arm: str | None, keep: int,
    draws: int | None, seed: int, model: str | None, spread: bool,
) -> int:  # fmt: skip
    from fencun.batch import write_batch
    from fencun.batch_on_ray import write_on_cluster
    from fencun.open_writer import open_writer
    from fencun.prompt import parse_arm

    if arm:
        parse_arm(arm)  # said before a model is opened
    async with open_writer(scenario, model=model, parallel=8, borrow=_tell) as writer:
        chosen = writer.arm(arm)
        count = draws or writer.draws_for(keep)
        with progress(say("批量写", "Writing")) as tell:
            if spread:
                return write_on_cluster(
                    scenario, jobs, out, arm=chosen, keep=keep, draws=count, seed=seed,
                    model=model, tell=tell,
                )  # fmt: skip
            return await write_batch(
                writer, jobs, out, arm=chosen, keep=keep, draws=count, seed=seed, tell=tell
            )
