"""What the commands of ``fencun data`` share: options, a progress bar, lines that can be read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.language import say
from fencun.scenario import Scenario

if TYPE_CHECKING:
    from fencun.data.lines import Line

ScenarioName = Annotated[str, typer.Option("--scenario", help="场景的名字或文件夹")]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON")]
_SHOWN = 20


def good_lines(scenario: Scenario, paths: list[Path] | None) -> "Iterator[Line]":
    """Yield the good lines of ``paths`` (default: the scenario's own); tell of the others."""
    from fencun.data.lines import Line, counted, iterate_lines
    from fencun.data.report import expand

    files = expand(scenario, paths or ())
    entries = (entry for path in files for entry in iterate_lines(path, scenario))
    bad, count = list[str](), 0
    with progress(say("读", "Reading")) as tell:
        for entry in counted(entries, files, tell):
            if isinstance(entry, Line):
                yield entry
            else:
                bad += [f"{entry.source}：{entry.error}"] if count < _SHOWN else []
                count += 1
    for told in bad:
        typer.secho(told, fg="yellow", err=True)
    if count:
        typer.secho(
            say(f"{count} 行读不了，没有算进去。", f"{count} lines were left out."), err=True
        )


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Offer a progress bar with the time left, on stderr, shown once there is something to tell.

    Nothing is shown where nobody looks: in a log a bar is only empty lines.
    """
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task(title, total=None)

    def tell(done: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=done, total=total or None)

    try:
        yield tell
    finally:
        if bar.live.is_started:
            bar.stop()
