"""``fencun eval judge``: a machine reads every pair of a study, for screening, never for votes."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fencun.cli.ballot import Which
from fencun.cli.options import AsJson, option, print_json, progress, verb
from fencun.language import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fencun.evaluate.show_beside import ShownTable

app = typer.Typer()


@verb(
    app,
    "让机器把每一对两个次序都读一遍，先筛一筛；不算票，没有人的票它下不了结论。",
    "Let a machine read every pair in both orders, to screen; no votes, and never a verdict.",
    needs="evaluate",
)
def judge(
    study: Which = None,
    model: Annotated[
        str | None,
        option(
            "评判模型：接口 http://…/v1#模型名 或模型；默认随附的验评器",
            "The judge: an endpoint http://…/v1#MODEL or a model (default: the verifier)",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read all pairs of a study, and print what that is worth beside people's votes."""
    from fencun.evaluate.beside import beside, plain
    from fencun.evaluate.collect import collect
    from fencun.evaluate.find import find_study
    from fencun.evaluate.judging import judge_all
    from fencun.evaluate.show_beside import read_tables
    from fencun.evaluate.verdict import judge as decide

    found = find_study(study)
    with progress(say("评判", "Judged"), show=not as_json) as tell:
        asyncio.run(judge_all(found, model, tell=lambda who, done, all_: tell(done, all_, who)))
    collect(found)
    told = beside(decide(found))
    if as_json:
        print_json(plain(told)["screenings"])
    else:
        show(read_tables(told))


def show(tables: "Iterable[ShownTable]") -> None:
    """Print tables with their titles and notes."""
    from rich.console import Console
    from rich.table import Table as Grid

    for table in tables:
        typer.secho(table.title, bold=True)
        grid: Any = Grid(box=None, pad_edge=False)
        grid.add_column("")
        for head in table.heads:
            grid.add_column(head, justify="right")
        for title, cells in table.rows:
            grid.add_row(title, *cells)
        Console().print(grid)
        if table.note:
            typer.secho(table.note, dim=True)
