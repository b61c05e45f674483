"""``fencun eval read``: read texts blind; ``fencun eval tells``: what pairs give away by words."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fencun.cli.options import AsJson, ScenarioName, argument, option, print_json, verb
from fencun.errors import FencunError
from fencun.language import say
from fencun.scenario import load_scenario

if TYPE_CHECKING:
    from fencun.evaluate.reading import Kind
    from fencun.evaluate.tells import Tells

app = typer.Typer()
read = typer.Typer()
app.add_typer(
    read,
    name="read",
    no_args_is_help=True,
    help=say("审读：盲读每条文字，能不能照原样发。", "Read blind: could each text be sent?"),
)


@verb(
    read,
    "出审读单：打乱，藏起组别和次序，三分之一隔得远远地再出现一次。",
    "Make a sheet: shuffled, arms and order hidden, a third of the texts twice, far apart.",
)
def sheet(
    out: Annotated[
        Path,
        option("审读单写到哪里，如 sheet.jsonl", "Sheet to write: sheet.jsonl"),
    ],
    answers: Annotated[
        list[str] | None,
        option("要读的文字：文件，或 组名=文件；可多次", "Texts: FILE or ARM=FILE; repeat"),
    ] = None,
    briefs: Annotated[
        list[Path] | None,
        option(
            "需求文件，文字那边只有 id 时用；可多次",
            "File of briefs, where the texts have only an id; repeatable",
        ),
    ] = None,
    study: Annotated[
        list[str] | None,
        option("实验的名字或文件夹；可多次", "Study: its name or folder; repeatable"),
    ] = None,
    key: Annotated[
        Path | None,
        option("钥匙文件写到哪里；默认在审读单旁边", "Key to write (default: by the sheet)"),
    ] = None,
    seed: Annotated[int | None, option("打乱的种子", "Seed of the shuffle", min=0)] = None,
    twice: Annotated[
        float | None,
        option("多大一份读两遍；默认三分之一", "Share read twice (default: a third)", min=0, max=1),
    ] = None,
    scenario: ScenarioName = "",
    as_json: AsJson = False,
) -> None:
    """Gather texts, and write the sheet and its key."""
    from fencun.evaluate.find import find_study
    from fencun.evaluate.sheet import SEED, TWICE, write_sheet
    from fencun.evaluate.texts import gather

    declared = load_scenario(scenario)
    found = gather(
        declared,
        [_named(given) for given in answers or ()],
        briefs or (),
        [find_study(name) for name in study or ()],
    )
    lines, files = write_sheet(
        out, declared, found.texts, key=key,
        seed=SEED if seed is None else seed, twice=TWICE if twice is None else twice,
    )  # fmt: skip
    told = {
        "texts": len(found.texts), "lines": len(lines), "empty": found.empty,
        "sheet": str(files[0]), "print": str(files[1]), "key": str(files[2]),
    }  # fmt: skip
    if as_json:
        print_json(told)
        return
    typer.echo(
        say(
            f"{told['texts']} 条文字、{told['lines']} 行：{files[0]}，打印用 {files[1]}。"
            f"钥匙 {files[2]} 自己留着，别给审读人。",
            f"{told['texts']} texts on {told['lines']} lines: {files[0]}, to print {files[1]}. "
            f"Keep the key {files[2]} from the reader.",
        )
    )
    if found.empty:
        typer.secho(
            say(f"有 {found.empty} 个回答是空的，没有放进去。",
                f"{found.empty} answers held no text and are left out."),
            fg="yellow",
        )  # fmt: skip


def _named(given: str) -> tuple[str, Path]:
    """Take ``arm=file`` apart; a file whose own name has such a sign is a file."""
    arm, equals, path = given.partition("=")
    if equals and "/" not in arm and not Path(given).exists():
        return arm, Path(path)
    return "", Path(given)


@verb(
    read,
    "收审读：逐行核对，缺的、多的、说不清的都不收；收下的整批记进一个文件。",
    "Take grades: all lines or none are checked and appended to a file of reads.",
)
def take(
    sheet: Annotated[Path, option("审读单", "The sheet")],
    key: Annotated[Path, option("它的钥匙文件", "Its key")],
    grades: Annotated[
        Path,
        option(
            "填好的：number、grade、reason、where 一行一条",
            "What the reader gave: number, grade, reason, where a line",
        ),
    ],
    reader: Annotated[str, option("审读人的名字", "Name of the reader")],
    kind: Annotated[str, option("person（人）或 ai", "person or ai")],
    out: Annotated[
        Path,
        option("加到哪个文件，如 reads.jsonl", "File to append to: reads.jsonl"),
    ],
    as_json: AsJson = False,
) -> None:
    """Check the grades of one reader and keep them as reads."""
    from fencun.evaluate.reading import take as take_grades

    reads = take_grades(sheet, key, grades, reader=reader, kind=_kind(kind), out=out)
    lines = len({one.number for one in reads})
    if as_json:
        print_json({"lines": lines, "reads": len(reads), "out": str(out)})
        return
    typer.echo(say(f"收下 {lines} 行，记在 {out}。", f"{lines} lines taken into {out}."))
    if kind == "ai":
        typer.echo(
            say("审读人是 AI：这样记下了，永远不算票。",
                "The reader is an AI: recorded as such, never counted as votes.")
        )  # fmt: skip


def _kind(told: str) -> "Kind":
    if told == "person":
        return "person"
    if told == "ai":
        return "ai"
    raise FencunError(
        f"审读人是人还是 AI？--kind 写 person 或 ai，不是“{told[:24]}”。",
        f"Is the reader a person or an AI? --kind takes person or ai, not {told[:24]!r}.",
    )


@verb(
    read,
    "说说读出来怎样：每组、每种篇幅有多少能发，错在哪，读的人一不一致，有哪些口头禅。",
    "What reads say: how many could be sent by arm and length, faults, agreement, tails.",
    needs="evaluate",
)
def report(
    reads: Annotated[
        list[Path],
        argument("审读文件 reads.jsonl，可以几个", "Files of reads"),
    ],
    train: Annotated[
        list[Path] | None,
        option(
            "训练用的文字，和口头禅比；默认场景自己的",
            "Training texts that tails are held against (default: the scenario's)",
        ),
    ] = None,
    scenario: ScenarioName = "",
    as_json: AsJson = False,
) -> None:
    """Print what the reads say."""
    from fencun.evaluate import readout, tails
    from fencun.evaluate.reading import read_reads

    declared = load_scenario(scenario)
    length = declared.role("length")
    found = read_reads(reads)
    told = readout.report(found, [choice.value for choice in length.choices] if length else ())
    training = tails.training_texts(declared, train or ())
    told["tails"] = readout.told_tails(
        {arm: tails.tails(texts, training) for arm, texts in readout.drafts_by_arm(found).items()}
    )
    if as_json:
        print_json(told)
    else:
        _show(told)


def _show(told: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from fencun.evaluate.show_reads import kind_title, rows, sentences

    for kind, found in told["kinds"].items():
        typer.secho(kind_title(kind, found["readers"]), bold=True)
        table = Table(box=None, pad_edge=False)
        table.add_column("")
        for arm in found["arms"]:
            table.add_column(arm, justify="right")
        for title, cells in rows(found["arms"]):
            table.add_row(title, *cells)
        Console().print(table)
    for line in sentences(told):
        typer.echo(line)


@verb(
    app,
    "偏好对不看需求、只看用词，猜得出选的是哪个吗？超过六成就不该拿来训。",
    "Do words alone, without the brief, tell chosen from rejected? Over 60 % they teach words.",
    needs="evaluate",
)
def tells(
    pairs: Annotated[
        list[Path],
        argument("偏好对文件 pairs.jsonl，可以几个", "Files of preference pairs"),
    ],
    scenario: ScenarioName = "",
    as_json: AsJson = False,
) -> None:
    """Print how well words alone do; status 1 where that is too well."""
    from fencun.evaluate import tells as telling

    found = telling.tells(telling.read_labelled(pairs, load_scenario(scenario)))
    if as_json:
        print_json(asdict(found) | {"limit": telling.LIMIT, "passed": found.passed})
    else:
        _show_tells(found, telling.LIMIT)
    if not found.passed:
        raise typer.Exit(1)


def _show_tells(found: "Tells", limit: float) -> None:
    from fencun.evaluate.show_reads import share

    for title, value in (
        (say("两条里猜中选的", "finds the chosen of two"), found.pairs),
        (say("单看一条猜中", "right about one alone"), found.texts),
        *found.kinds.items(),
    ):
        typer.echo(f"{title}  {share(asdict(value))}")
    typer.echo(say("选的爱说：", "chosen say: ") + ", ".join(found.chosen))
    typer.echo(say("不选的爱说：", "rejected say: ") + ", ".join(found.rejected))
    verdict = (
        say(f"没有超过 {limit:.0%}。", f"Not better than {limit:.0%}.")
        if found.passed
        else say(
            f"超过了 {limit:.0%}：模型会学用词，学不到意思。",
            f"Better than {limit:.0%}: a model would learn words, not sense.",
        )
    )
    typer.secho(verdict, fg="green" if found.passed else "yellow")
