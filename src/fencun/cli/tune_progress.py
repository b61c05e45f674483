"""How a tuning run tells of itself on the terminal, while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from fencun.language import enumerated, say

if TYPE_CHECKING:
    from fencun.tune.runs.events import Event, Tell


def teller() -> Tell:
    """Return what prints each event of a run to stderr: a line a step, the texts of a look."""
    from fencun.tune.runs.events import StepEvent

    def tell(event: Event) -> None:
        if isinstance(event, StepEvent):
            left = f"{event.eta / 60:.0f}"
            typer.echo(
                say(
                    f"第 {event.step}/{event.steps} 步  损失 {event.loss:.3f}  "
                    f"每秒 {event.samples_per_second:.2f} 条  还要 {left} 分钟",
                    f"step {event.step}/{event.steps}  loss {event.loss:.3f}  "
                    f"{event.samples_per_second:.2f} samples/s  {left} min left",
                ),
                err=True,
            )
            return
        typer.echo(say(f"—— 看一眼：验证损失 {event.loss:.3f}",
                       f"-- a look: validation loss {event.loss:.3f}"), err=True)  # fmt: skip
        for greeting in event.greetings:
            mark = enumerated(greeting["faults"]) or say("过关", "passes")
            typer.echo(f"   {greeting['text']}  [{mark}]", err=True)

    return tell
