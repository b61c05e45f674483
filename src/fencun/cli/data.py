"""``fencun data``: seeds, breeding, gates, coverage, datasets."""

import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.cli.data_breed import app as breeding
from fencun.cli.data_lines import good_lines
from fencun.cli.data_pairs import app as pairing
from fencun.cli.options import (
    AsJson,
    On,
    RayAddress,
    ScenarioName,
    Seed,
    argument,
    option,
    print_json,
    progress,
    spread_on,
    verb,
)
from fencun.errors import FencunError, RecordError
from fencun.files import write_text
from fencun.language import enumerated, say, titled
from fencun.scenario import Scenario, load_scenario

if TYPE_CHECKING:
    from fencun.data.check import Inspection, Remark
    from fencun.data.ray_scan import RayScan

app = typer.Typer(no_args_is_help=True)
app.add_typer(breeding)
app.add_typer(pairing)

_Semantic = Annotated[
    bool,
    option(
        "也查意思相同的（头一次要算向量，慢）",
        "Also find the same said in other words (embeds what is new: slow)",
    ),
]
_Paths = Annotated[
    list[Path] | None,
    argument(
        "种子、草稿、样本文件或数据集文件夹（默认：场景自己的）",
        "Files of seeds, drafts or samples, or dataset folders (default: the scenario's own)",
    ),
]
_SHOWN = 200


@verb(
    app,
    "让所有关卡看一遍，逐行说出哪里不对。",
    "Let every gate look, and say line by line what is wrong.",
    needs="data",
)
def check(
    paths: _Paths = None,
    scenario: ScenarioName = "",
    semantic: _Semantic = False,
    doubts: Annotated[
        bool, option("也列出只是存疑的地方", "Also list what is only doubtful")
    ] = False,
    on: On = "here",
    ray_address: RayAddress = "",
    as_json: AsJson = False,
) -> None:
    """Let every gate look at the lines, one by one and against each other."""
    from fencun.data.check import Inspection, expand

    declared = load_scenario(scenario)
    with spread_on(on, ray_address) as spread:
        scan = _scan(declared, expand(declared, paths or ())) if spread else None
        inspection = Inspection(declared, paths or (), scan)
        with progress(say("读", "Reading")) as tell:
            inspection.read(tell)
        with progress(say("比对", "Comparing")) as tell:
            tell(0, 0)
            inspection.compare(semantic=semantic, tell=tell)
    show = _as_json if as_json else _as_text
    if show(inspection, ("fault", "doubt") if doubts else ("fault",)):
        raise typer.Exit(1)


def _scan(scenario: Scenario, files: list[Path]) -> "RayScan":
    from fencun.data.ray_scan import RayScan

    return RayScan(scenario, files)


def _as_text(inspection: "Inspection", wanted: Collection[str]) -> int:
    """Print the first remarks and how many there are; return the number of faults."""
    counts: Counter[str] = Counter()
    shown: list[Remark] = []
    with progress(say("逐行看", "Judging")) as tell:
        for remark in inspection.remarks(tell):
            counts[remark.finding.severity] += 1
            if remark.finding.severity in wanted and len(shown) < _SHOWN:
                shown.append(remark)
    for remark in shown:
        place = f"{remark.source}:{remark.line} {remark.id}".rstrip()
        typer.echo(f"{place}  [{remark.finding.gate}] {remark.finding}")
    if rest := sum(counts[severity] for severity in wanted) - len(shown):
        typer.echo(say(f"……还有 {rest} 处（--json 全部列出）", f"… {rest} more (--json lists all)"))
    lines, faults, doubtful = inspection.lines, counts["fault"], counts["doubt"]
    typer.secho(
        say(
            f"{lines} 行：{faults} 处要改，{doubtful} 处存疑。",
            f"{lines} lines: {faults} faults, {doubtful} doubts.",
        ),
        err=True,
    )
    return faults


def _as_json(inspection: "Inspection", wanted: Collection[str]) -> int:
    """Print all remarks as they come, then the numbers; return the number of faults."""
    counts: Counter[str] = Counter()
    typer.echo('{"remarks": [', nl=False)
    comma = ""
    for remark in inspection.remarks():
        counts[remark.finding.severity] += 1
        if remark.finding.severity in wanted:
            typer.echo(comma + json.dumps(remark.to_row(), ensure_ascii=False), nl=False)
            comma = ",\n"
    told = {"lines": inspection.lines, "faults": counts["fault"], "doubts": counts["doubt"]}
    typer.echo(f"], {json.dumps(told)[1:]}")
    return counts["fault"]


@verb(
    app,
    "成集：过关卡、按家族切分、按覆盖挑选，写 train、validation、test 和清单。",
    "Build a dataset: through the gates, split by family, chosen by coverage.",
    needs="data",
)
def build(
    scenario: ScenarioName = "",
    seeds: Annotated[
        list[Path] | None,
        option(
            "种子和草稿文件，可多次（默认：场景自己的）",
            "Files of seeds and drafts, may be repeated (default: the scenario's own)",
            "--from",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        option(
            "写到哪个文件夹（默认：场景的 dataset）",
            "Folder to write (default: the scenario's dataset)",
        ),
    ] = None,
    size: Annotated[
        int | None,
        option(
            "正好要多少条（默认最多 3107）",
            "Exactly how many samples (default: up to 3,107)",
            min=1,
        ),
    ] = None,
    seed: Seed = 0,
    semantic: _Semantic = False,
    skip_bad: Annotated[
        bool, option("有读不了的行也照样成集", "Build although lines are unreadable")
    ] = False,
    on: On = "here",
    ray_address: RayAddress = "",
    as_json: AsJson = False,
) -> None:
    """Write train, validation and test, what was set aside, and the manifest."""
    from fencun.data.check import expand
    from fencun.data.dataset import assemble, write_dataset

    declared = load_scenario(scenario)
    paths = expand(declared, seeds or ())
    with spread_on(on, ray_address) as spread, progress(say("算向量", "Embedding")) as tell:
        scan = _scan(declared, paths) if spread else None
        dataset = assemble(
            declared, paths, size=size, seed=seed, semantic=semantic, tell=tell, scan=scan
        )
    for entry in dataset.bad[:20]:
        typer.secho(titled(entry.source, entry.error), fg="yellow", err=True)
    if dataset.bad and not skip_bad:
        raise RecordError(
            f"有 {len(dataset.bad)} 行读不了（见上）；改好，或加 --skip-bad 略过。"
            "原来的数据集没有动。",
            f"{len(dataset.bad)} lines are unreadable (above); mend them or pass --skip-bad. "
            "The dataset that was there is untouched.",
        )
    if not dataset.size:
        raise FencunError("没有一条过得了关卡。", "No line passes the gates.")
    folder = out or declared.folder / "dataset"
    arguments = {"size": size, "seed": seed, "semantic": semantic}
    manifest = write_dataset(dataset, folder, declared, paths, arguments)
    if as_json:
        print_json(manifest)
        return
    parts = enumerated(f"{part} {len(samples)}" for part, samples in dataset.samples.items())
    reasons = enumerated(f"{gate} {count}" for gate, count in manifest["aside"].items())
    typer.echo(
        say(
            f"成集 {dataset.size} 条（{parts}），在 {folder}。搁在一边 {len(dataset.aside)} 条"
            f"{f'（{reasons}）' if reasons else ''}，理由在 aside.jsonl。",
            f"{dataset.size} samples ({parts}) in {folder}. {len(dataset.aside)} set aside"
            f"{f' ({reasons})' if reasons else ''}; why is in aside.jsonl.",
        )
    )


@verb(
    app,
    "量一量：长短、开头、结尾、套话、重复、分寸、方向。",
    "Measure: lengths, openings, endings, clichés, repetition, tact, direction.",
    needs="data",
)
def stats(paths: _Paths = None, scenario: ScenarioName = "", as_json: AsJson = False) -> None:
    """Measure the lines and draw the figures."""
    from fencun.data.stats import measure

    declared = load_scenario(scenario)
    measured = measure(declared, good_lines(declared, paths))
    if as_json:
        typer.echo(json.dumps(measured.to_row(), ensure_ascii=False))
        return
    from fencun.cli.data_tables import draw_stats

    draw_stats(measured)


@verb(
    app,
    "覆盖图：哪一格有多少条，哪一格还不够。",
    "The map of coverage: what each cell holds, and which are too thin.",
    needs="data",
)
def coverage(
    paths: _Paths = None,
    scenario: ScenarioName = "",
    rows: Annotated[
        str, option("竖着排的一项（默认：对方）", "The axis of the rows (default: who it is for)")
    ] = "",
    columns: Annotated[
        str, option("横着排的一项（默认：下一项）", "The axis of the columns (default: the next)")
    ] = "",
    size: Annotated[
        int | None,
        option(
            "打算一共要多少条（默认：现有的）",
            "How many lines there shall be in all (default: as many as there are)",
            min=1,
        ),
    ] = None,
    at_least: Annotated[
        int, option("每格至少几条", "Lines that each cell needs at least", min=0)
    ] = 0,
    targets: Annotated[
        Path | None,
        option(
            "目标份额（默认：场景的 targets.yaml）",
            "Target shares (default: the scenario's targets.yaml)",
        ),
    ] = None,
    svg: Annotated[Path | None, option("另存一张 SVG", "Also write the map as SVG")] = None,
    as_json: AsJson = False,
) -> None:
    """Count the lines cell by cell over two axes, and say where lines are missing."""
    from fencun.data.axes import map_axes
    from fencun.data.coverage import Coverage, gaps
    from fencun.data.heatmap import heatmap
    from fencun.data.targets import load_targets

    declared = load_scenario(scenario)
    aims = load_targets(declared, targets)
    counted = Coverage(declared, good_lines(declared, paths))
    names = [axis.name for axis in counted.axes]
    usual = map_axes(declared)
    rows = rows or next(name for name in usual if name != columns)
    columns = columns or next(name for name in usual if name != rows)
    if unknown := [name for name in (rows, columns) if name not in names]:
        raise FencunError(
            f"没有“{unknown[0]}”这一项；可用：{'、'.join(names)}。",
            f"There is no axis {unknown[0]!r}; known: {', '.join(names)}.",
        )
    table = counted.table(rows, columns)
    waiting = gaps(counted, aims, over=(rows, columns), size=size, at_least=at_least)
    if svg:
        over = f"{table.rows.label} × {table.columns.label}"
        title = say(f"{declared.title}：{over}", f"{declared.en}: {over}")
        wants = {(h.cell[0], h.cell[1]): h.want for h in waiting}
        write_text(svg, heatmap(table, title, wants=wants, targets=aims, alone=True))
    if as_json:
        cells = [{"cell": dict(zip((rows, columns), h.cell, strict=True)), "have": h.have,
                  "want": h.want} for h in waiting]  # fmt: skip
        found = {"rows": table.rows.values, "columns": table.columns.values}
        typer.echo(json.dumps({"lines": counted.total, **found, "counts": table.counts,
                               "gaps": cells}, ensure_ascii=False))  # fmt: skip
        return
    from fencun.cli.data_tables import draw_map

    draw_map(table, waiting)


@verb(
    app,
    "导出成训练框架认得的格式；提示词和服务时用的是同一份代码写的。",
    "Export for training frameworks; prompts are written by the code that serves.",
    needs="data",
)
def export(
    form: Annotated[
        str,
        option(
            "alpaca、sharegpt、openai、trl、llamafactory",
            "alpaca, sharegpt, openai, trl, llamafactory",
            "--format",
        ),
    ],
    out: Annotated[Path, option("写到哪个文件夹", "Folder to write")],
    scenario: ScenarioName = "",
    dataset: Annotated[
        Path | None,
        option("数据集文件夹（默认：场景的）", "Dataset folder (default: the scenario's)"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the parts of the dataset in one format, and a manifest."""
    from fencun.data.export import FORMATS
    from fencun.data.export import export as export_dataset

    declared = load_scenario(scenario)
    for known in FORMATS:
        if known == form:
            told = export_dataset(declared, dataset or declared.folder / "dataset", out, known)
            break
    else:
        raise FencunError(
            f"没有“{form}”这种格式；可用：{'、'.join(FORMATS)}。",
            f"There is no format {form!r}; known: {', '.join(FORMATS)}.",
        )
    if as_json:
        print_json(told)
        return
    parts = enumerated(f"{name} {entry['lines']}" for name, entry in told["files"].items())
    typer.echo(say(f"导出成 {form}，在 {out}：{parts}。", f"Exported as {form} to {out}: {parts}."))
