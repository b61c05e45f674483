"""The lines that the commands of ``fencun data`` work on."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from fencun.cli.options import progress
from fencun.language import say, titled
from fencun.scenario import Scenario

if TYPE_CHECKING:
    from fencun.data.lines import Line

_SHOWN = 20


def good_lines(scenario: Scenario, paths: list[Path] | None) -> "Iterator[Line]":
    """Yield the good lines of ``paths`` (default: the scenario's own); tell of the others."""
    from fencun.data.check import expand
    from fencun.data.lines import Line, counted, iterate_lines

    files = expand(scenario, paths or ())
    entries = (entry for path in files for entry in iterate_lines(path, scenario))
    bad, count = list[str](), 0
    with progress(say("读", "Reading")) as tell:
        for entry in counted(entries, files, tell):
            if isinstance(entry, Line):
                yield entry
            else:
                bad += [titled(entry.source, entry.error)] if count < _SHOWN else []
                count += 1
    for sentence in bad:
        typer.secho(sentence, fg="yellow", err=True)
    if count:
        typer.secho(
            say(f"{count} 行读不了，没有算进去。", f"{count} lines were left out."), err=True
        )
