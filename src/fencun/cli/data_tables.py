"""How ``fencun data`` draws figures and maps in a terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from fencun.data.coverage import Gap, Table
from fencun.data.stats import Stats
from fencun.language import say

_BAR = 24
_WARM = ("on grey11", "on grey19", "on dark_red", "on red3")
_SHOWN = 10


def console() -> Console:
    """Return a console on stdout that does not wrap tables where nobody looks."""
    found = Console()
    return found if found.is_terminal else Console(width=160)


def draw_stats(stats: Stats) -> None:
    """Draw everything that was measured."""
    out = console()
    out.print(say(f"{stats.lines} 行", f"{stats.lines} lines"), style="bold")
    out.print(_lengths(stats))
    for title, rows in (
        (say("开头六字最多的", "Commonest openings"), stats.openings),
        (say("开头三字最多的", "Commonest first three"), stats.formulas),
        (say("结尾八字最多的", "Commonest endings"), stats.endings),
    ):
        out.print(_bars(title, rows[:5]))
    out.print(_figures(stats))
    out.print(_tact(stats))
    out.print(_directions(stats))


def _grid(title: str, *columns: str) -> Grid:
    grid = Grid(title=title, title_justify="left", box=None, pad_edge=False)
    for at, column in enumerate(columns):
        grid.add_column(column, justify="left" if at == 0 else "right")
    return grid


def _lengths(stats: Stats) -> Grid:
    grid = _grid(
        say("篇幅（字）", "Lengths (characters)"),
        "", say("行", "lines"), say("最短", "min"), say("中位", "median"),
        say("最长", "max"), say("守约", "in range"),
    )  # fmt: skip
    for row in stats.lengths:
        grid.add_row(
            row.value, str(row.lines), str(row.least), f"{row.median:g}", str(row.most),
            f"{row.kept:.1%}",
        )  # fmt: skip
    return grid


def _bars(title: str, rows: Sequence[tuple[str, float]]) -> Grid:
    grid = _grid(title, "", "", "")
    most = max((share for _, share in rows), default=0)
    for key, share in rows:
        bar = "█" * round(_BAR * share / most) if most else ""
        grid.add_row(key, Text(bar, style="red"), f"{share:.2%}")
    grid.columns[1].justify = "left"
    return grid


def _figures(stats: Stats) -> Grid:
    grid = _grid(say("套话与重复", "Clichés and repetition"), "", "")
    grid.add_row(say("套话，每千条", "clichés per 1,000"), f"{stats.cliches_per_thousand:.1f}")
    grid.add_row(
        say("生硬处，每千条", "stiff phrases per 1,000"), f"{stats.stiff_per_thousand:.1f}"
    )
    for n, share in stats.distinct.items():
        grid.add_row(f"distinct-{n}", f"{share:.3f}")
    for key, title in (
        ("mean", say("和最像的一条共有的 5 字片段：平均", "5-grams shared with the nearest: mean")),
        ("p95", say("95 % 的行不超过", "95 % of lines at most")),
        ("most", say("最多", "most")),
    ):
        grid.add_row(title, f"{stats.likeness[key]:.1%}")
    return grid


def _tact(stats: Stats) -> Grid:
    grid = _grid(
        say(f"分寸（占 {stats.tact_share:.1%}）", f"Tact ({stats.tact_share:.1%} of lines)"),
        "", say("行", "lines"), say("不提", "unspoken"), say("轻提", "light"),
        say("点到", "named"),
    )  # fmt: skip
    for row in stats.tact:
        grid.add_row(row.topic, *map(str, (row.lines, row.unspoken, row.light, row.named)))
    return grid


def _directions(stats: Stats) -> Grid:
    grid = _grid(
        say("方向", "Direction"),
        "", say("行", "lines"), say("一种称呼", "one pronoun"), say("过关", "pass"),
        say("无疑", "no doubt"), say("怎么称", "pronouns"),
    )  # fmt: skip
    for row in stats.directions:
        said = " ".join(f"{word}{count}" for word, count in row.pronouns.items())
        grid.add_row(
            row.audience, str(row.lines), f"{row.agree:.0%}", f"{row.passing:.0%}",
            f"{row.clean:.0%}", said,
        )  # fmt: skip
    return grid


def draw_map(table: Table, missing: Iterable[Gap]) -> None:
    """Draw a table of the coverage map, and below it what to write next."""
    out = console()
    grid = Grid(box=None, padding=(0, 0), pad_edge=False)
    grid.add_column("")
    for value in table.columns.values:
        grid.add_column(
            _upright(table.columns.value_label(value)), justify="center", vertical="bottom"
        )
    grid.add_column(say("合计", "all"), justify="right", vertical="bottom")
    most = max(map(max, table.counts), default=0)
    for value, row, total in zip(table.rows.values, table.counts, table.row_sums, strict=True):
        cells = [Text(f"{count:^5}", style=_warmth(count, most)) for count in row]
        grid.add_row(f"{table.rows.value_label(value)} ", *cells, f" {total}")
    grid.add_row("", *(f"{total}" for total in table.column_sums), f" {table.total}", style="dim")
    out.print(grid)
    waiting = list(missing)
    for gap in waiting[:_SHOWN]:
        out.print(str(gap))
    if len(waiting) > _SHOWN:
        rest = len(waiting) - _SHOWN
        out.print(say(f"……还有 {rest} 格", f"… {rest} cells more"))


def _upright(name: str) -> str:
    return "\n".join(name[at : at + 2] for at in range(0, len(name), 2))


def _warmth(count: int, most: int) -> str:
    if not count:
        return "dim"
    return f"white {_WARM[min(len(_WARM) - 1, int((count / most) ** 0.5 * len(_WARM)))]}"
