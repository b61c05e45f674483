"""``fencun data plan``, ``breed``, ``restore``, ``import``: where new lines come from."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.cli.batch_options import FromBatch, Requests, ToBatch, open_batch, tell_batch
from fencun.cli.data_lines import good_lines
from fencun.cli.options import (
    AsJson,
    ModelOrEndpoint,
    ScenarioName,
    Seed,
    argument,
    option,
    progress,
    verb,
)
from fencun.errors import FencunError
from fencun.files import read_jsonl, sha256_file
from fencun.language import enumerated, say
from fencun.scenario import Scenario, flag, load_scenario

if TYPE_CHECKING:
    from fencun.data.breeding_plan import PlannedChild
    from fencun.data.breeding_run import BreedingOutcome, BreedingRun
    from fencun.data.lines import Line
    from fencun.files import Json
    from fencun.models.batchfile import BatchFile

app = typer.Typer()
_CONTEXT = 6144  # tokens: the charter, the parent, six siblings, the answer

_Sources = Annotated[
    list[Path] | None,
    option(
        "种子和草稿文件，可多次（默认：场景自己的）",
        "Files of seeds and drafts, may be repeated (default: the scenario's own)",
        "--from",
    ),
]


@verb(
    app,
    "排一份繁殖计划：哪个亲本、哪一格、细节怎么写、带不带分寸。",
    "Plan a breeding: which parent, which cell, how the detail is typed, with tact or not.",
    needs="data",
)
def plan(
    count: Annotated[int, argument("要多少个孩子", "How many children to plan", min=1, max=100000)],
    out: Annotated[Path, option("计划写到哪个文件", "File to write the plan to")],
    scenario: ScenarioName = "",
    sources: _Sources = None,
    targets: Annotated[
        Path | None,
        option("目标份额的文件（默认：场景的）", "File of target shares (default: the scenario's)"),
    ] = None,
    per_seed: Annotated[
        int, option("每颗种子最多几个孩子", "Children that one seed may have", min=1)
    ] = 8,
    per_cell: Annotated[
        int | None, option("每格最多几条", "Lines that one cell may hold", min=1)
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Lay out which child is to be born of which parent, and write the plan."""
    from fencun.data.breeding_plan import plan as lay_out
    from fencun.data.breeding_plan import write_plan
    from fencun.data.targets import load_targets

    declared = load_scenario(scenario)
    children = lay_out(
        declared, list(good_lines(declared, sources)), load_targets(declared, targets), count,
        per_seed=per_seed, per_cell=per_cell, seed=seed,
    )  # fmt: skip
    if not children:
        raise FencunError(
            "没有亲本可用：种子都到上限了，或还没有种子。",
            "No parent is free: every seed has reached its cap, or there is none.",
        )
    write_plan(out, children)
    if as_json:
        typer.echo(json.dumps({"planned": len(children), "asked": count, "plan": str(out)}))
        return
    zh, en = f"排了 {len(children)} 条，在 {out}。", f"{len(children)} children planned in {out}."
    if short := count - len(children):
        zh += f"还有 {short} 条排不下：到上限了。"
        en += f" {short} more exceed the caps."
    typer.echo(say(zh, en))


@verb(
    app,
    "照计划繁殖：过关的留下，没过的连同理由搁在一边；断了再跑，接着写。",
    "Breed by a plan: what passes stays, the rest is kept aside with the reason. Can be resumed.",
    needs="data",
)
def breed(
    plan: Annotated[
        Path, option("fencun data plan 写的计划", "The plan that fencun data plan wrote")
    ],
    out: Annotated[Path, option("这一轮的文件夹", "Folder of this round")] = Path("breeding"),
    scenario: ScenarioName = "",
    sources: _Sources = None,
    to_file: Annotated[
        Path | None,
        option(
            "不用模型：写成给人填的工作表（.csv、.xlsx）",
            "Without a model: write a worksheet for people to fill in (.csv, .xlsx)",
        ),
    ] = None,
    to_batch: ToBatch = None,
    from_batch: FromBatch = None,
    requests: Requests = None,
    model: ModelOrEndpoint = None,
    tries: Annotated[int, option("一条最多写几次", "Attempts at one child", min=1, max=10)] = 2,
    parallel: Annotated[int, option("同时写几条", "Children written at a time", min=1, max=64)] = 2,
    seed: Seed = 0,
    max_calls: Annotated[int | None, option("最多调用几次", "Calls at most", min=1)] = None,
    max_tokens: Annotated[int | None, option("最多用多少词元", "Tokens at most", min=1)] = None,
    max_money: Annotated[
        float | None, option("最多花多少钱", "Money to spend at most", min=0.0)
    ] = None,
    price_in: Annotated[
        float, option("每百万输入词元的价钱", "Price of a million tokens that go in", min=0.0)
    ] = 0.0,
    price_out: Annotated[
        float, option("每百万输出词元的价钱", "Price of a million tokens that come out", min=0.0)
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Have a model (or, with ``--to-file``, people) write what the plan asks for."""
    from fencun.data.breeding_plan import read_plan
    from fencun.data.breeding_run import BreedingRun, Budget

    declared = load_scenario(scenario)
    children, lines = read_plan(plan, declared), list(good_lines(declared, sources))
    if max_money is not None and not price_in and not price_out:
        raise FencunError(
            "限了钱，还要说价钱：--price-in 和 --price-out（每百万词元）。",
            "A limit of money needs prices: --price-in and --price-out, per million tokens.",
        )
    if to_file:
        _hand_out(declared, to_file, children, lines)
        return
    budget = Budget(max_calls, max_tokens, max_money, price_in, price_out)
    about = {"plan": sha256_file(plan), "model": model, "tries": tries, "seed": seed}
    run = BreedingRun(declared, out, children, lines, tries=tries, budget=budget, about=about)
    batch = open_batch("breed", to_batch, from_batch, requests)
    outcome = asyncio.run(_breed(run, declared, model, 1 if batch else parallel, seed, batch))
    if batch:
        tell_batch(batch, to_batch, from_batch)
    if as_json:
        told = {**outcome.to_row(), "kept": outcome.kept, "waiting": len(run.waiting)}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    typer.echo(say(*_summary(outcome, len(run.waiting), out)))


def _summary(outcome: "BreedingOutcome", waiting: int, out: Path) -> tuple[str, str]:
    reasons = enumerated(f"{gate} {count}" for gate, count in outcome.refusals.most_common())
    spent = outcome.spent
    tokens = spent.prompt_tokens + spent.completion_tokens
    zh = [f"留下 {outcome.kept} 条，放弃 {outcome.given_up} 条，还没写 {waiting} 条，在 {out}。"]
    en = [f"{outcome.kept} kept, {outcome.given_up} given up, {waiting} waiting; see {out}."]
    zh.append(f"调用 {spent.calls} 次，{tokens} 个词元，花了 {spent.money:.2f}。")
    en.append(f"{spent.calls} calls, {tokens} tokens, {spent.money:.2f} spent.")
    if reasons:
        zh.append(f"退稿理由：{reasons}。")
        en.append(f"Refused for: {reasons}.")
    if outcome.stopped:
        zh.append(f"预算（{outcome.stopped}）到了。")
        en.append(f"The budget ({outcome.stopped}) is used up.")
    return "".join(zh), " ".join(en)


async def _breed(
    run: "BreedingRun", scenario: Scenario, model: str | None, parallel: int, seed: int,
    batch: "BatchFile | None",
) -> "BreedingOutcome":  # fmt: skip
    from fencun.data.breeder import BatchFileBreeder, ModelBreeder
    from fencun.models.open import open_engine

    engine = open_engine(model, parallel=parallel, context=_CONTEXT)
    try:
        with progress(say("繁殖", "Breeding")) as tell:
            breeder = ModelBreeder(engine, scenario, seed=seed)
            writes = BatchFileBreeder(breeder, batch) if batch else breeder
            return await run.breed(writes, parallel=parallel, tell=tell)
    finally:
        await engine.aclose()


def _hand_out(
    scenario: Scenario, path: Path, children: "list[PlannedChild]", lines: "list[Line]"
) -> None:
    from fencun.data.worksheet import write_worksheet

    write_worksheet(path, scenario, children, {line.id: line for line in lines})
    named = flag(scenario.folder)
    typer.echo(
        say(
            f"{len(children)} 行要写，在 {path}。写好后："
            f"fencun data import {path} --breeder 名字{named}",
            f"{len(children)} rows in {path}. Written, bring them back: "
            f"fencun data import {path} --breeder NAME{named}",
        )
    )


@verb(
    app,
    "把搁下的草稿拿回来（原样），好接着改。",
    "Bring back drafts that were set aside, as they were, to mend them.",
    needs="data",
)
def restore(
    folder: Annotated[Path, argument("繁殖那一轮的文件夹", "Folder of the breeding round")],
    children: Annotated[
        list[str], argument("要拿回来的草稿的 id", "Ids of the drafts to bring back")
    ],
    scenario: ScenarioName = "",
) -> None:
    """Move the drafts named from what was set aside to the round's drafts."""
    from fencun.data.breeding_run import DRAFTS, bring_back

    count = bring_back(load_scenario(scenario), folder, children)
    place = folder / DRAFTS
    typer.echo(say(f"拿回 {count} 条，在 {place}。", f"{count} drafts are back in {place}."))


@verb(
    app,
    "收进别处的句子：认列、认编码、查隐私；不合格的行连同理由另存。",
    "Take in lines from elsewhere: columns and encoding are recognised, private data is found; "
    "refused rows are kept beside with the reason.",
    name="import",
    needs="data",
)
def import_(
    path: Annotated[
        Path,
        argument(
            "CSV、Excel（.xlsx）、JSON 或 JSONL 文件", "A CSV, Excel (.xlsx), JSON or JSONL file"
        ),
    ],
    out: Annotated[Path, option("加到哪个文件", "File to add the lines to")] = Path(
        "imported.jsonl"
    ),
    scenario: ScenarioName = "",
    columns: Annotated[
        list[str] | None,
        option(
            "列名=字段，可多次；字段写 - 是不要这一列",
            "COLUMN=field, may be repeated; - as the field leaves the column out",
            "--map",
        ),
    ] = None,
    mask: Annotated[
        bool,
        option(
            "隐私换成占位（默认：那一行不收）", "Mask private data (default: its row is refused)"
        ),
    ] = False,
    breeder: Annotated[str, option("草稿是谁写的", "Who wrote the drafts")] = "author",
    run: Annotated[str | None, option("草稿是哪一轮写的", "In which run they were written")] = None,
    sheet: Annotated[str | None, option("Excel 里的哪一张表", "Which sheet of a workbook")] = None,
    header: Annotated[
        int | None, option("表头在第几行", "In which row the headings are", min=1)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read the file row by row; add what is right to ``out``, keep the rest with the reasons."""
    from fencun.data.importing import ImportNotes, keep, read_rows
    from fencun.data.lines import counted
    from fencun.data.privacy import NAMES
    from fencun.data.spreadsheets import SheetLayout

    declared, notes = load_scenario(scenario), ImportNotes()
    rows = read_rows(
        path, declared, notes, columns=_mapping(columns), masking=mask, breeder=breeder, run=run,
        taken=_rows_of(declared, out), layout=SheetLayout(sheet, header),
    )  # fmt: skip
    with progress(say("收", "Importing")) as tell:
        kept = keep(counted(rows, [path], tell), out)
    failed = not kept.taken and not (notes.blank and not kept.refused)  # a sheet yet to be written
    masked = {say(*NAMES[kind]): count for kind, count in notes.masked.items()}
    if as_json:
        refused = [row for _, row in read_jsonl(kept.beside)] if kept.beside else []
        found = {"taken": kept.taken, "refused": refused, "blank": notes.blank, "masked": masked,
                 "notes": notes.notes, "systems": notes.systems}  # fmt: skip
        typer.echo(json.dumps(found, ensure_ascii=False))
        raise typer.Exit(failed)
    for note in notes.notes:
        typer.secho(note, err=True)
    for entry in kept.first:
        typer.secho(str(entry), fg="yellow", err=True)
    hidden = enumerated(f"{name} {count}" for name, count in masked.items())
    if notes.systems:
        typer.secho(
            say(
                f"{notes.systems} 条带着 system 提示词，没有收：提示词由场景决定。",
                f"{notes.systems} system prompts were left out: the scenario has its own.",
            ),
            err=True,
        )
    typer.echo(
        say(
            f"收进 {kept.taken} 条{f'，在 {out}' if kept.taken else ''}；没收 {kept.refused} 条"
            f"{f'，理由在 {kept.beside}' if kept.beside else ''}。"
            f"{f'还有 {notes.blank} 行没写。' if notes.blank else ''}"
            f"{f'换成占位：{hidden}。' if hidden else ''}",
            f"{kept.taken} taken{f' into {out}' if kept.taken else ''}, {kept.refused} refused"
            f"{f' (why: {kept.beside})' if kept.beside else ''}."
            f"{f' {notes.blank} rows are not written yet.' if notes.blank else ''}"
            f"{f' Masked: {hidden}.' if hidden else ''}",
        )
    )
    if failed:
        raise typer.Exit(1)


def _rows_of(scenario: Scenario, out: Path) -> "Iterator[Json]":
    """Yield what ``out`` and the scenario hold: no id and no content may come twice."""
    from fencun.data.lines import DRAFTS, SEEDS

    files = [scenario.folder / SEEDS, scenario.folder / DRAFTS, out]
    there = [path for path in files if path.exists()]
    return (line.record.to_row() for line in good_lines(scenario, there)) if there else iter(())


def _mapping(columns: list[str] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for told in columns or ():
        column, equals, name = told.rpartition("=")
        if not equals or not column or not name:
            raise FencunError(
                f"--map {told} 看不懂；写成 列名=字段，比如 正文=text。",
                f"--map {told} is not understood; write COLUMN=field.",
            )
        found[column.strip()] = name.strip()
    return found
