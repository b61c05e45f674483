"""What the commands of ``fencun data`` share: options, a progress bar, lines that can be read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.language import say
from fencun.scenario import Scenario

if TYPE_CHECKING:
    from fencun.data.lines import BadLine, Line

ScenarioName = Annotated[str, typer.Option("--scenario", help="场景的名字或文件夹")]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON")]
_SHOWN = 20


def good_lines(scenario: Scenario, paths: list[Path] | None) -> "list[Line]":
    """Return the good lines of ``paths`` (default: the scenario's own); tell of the others."""
    from fencun.data.lines import read_lines
    from fencun.data.report import expand

    reading = read_lines(expand(scenario, paths or ()), scenario)
    tell_bad(reading.bad)
    return reading.lines


def tell_bad(bad: "list[BadLine]") -> None:
    """Say on stderr which lines are left out and why."""
    for entry in bad[:_SHOWN]:
        typer.secho(f"{entry.source}：{entry.error}", fg="yellow", err=True)
    if bad:
        told = say(f"{len(bad)} 行读不了，没有算进去。", f"{len(bad)} lines were left out.")
        typer.secho(told, err=True)


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Offer a progress bar with the time left, on stderr, shown once there is something to tell."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(title, total=None)

    def tell(done: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield tell
    finally:
        if bar.live.is_started:
            bar.stop()
