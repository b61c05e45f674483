"""The command line: one Typer app, one file a verb group, each loaded when it is asked for."""

import sys
from importlib import import_module
from typing import Any

import typer
from click import Command, Context
from typer.core import TyperGroup

from fencun.errors import FencunError
from fencun.language import say

# Verb -> module of that verb and its help in Chinese and English. A module is imported when
# its verb is used, so that `fencun --help` does not pay for engines, web and statistics.
VERBS: dict[str, tuple[str, str, str]] = {
    "write": ("fencun.cli.write", "写祝福：填六项，得三条。", "Write greetings."),
    "serve": ("fencun.cli.serve", "打开网页和接口。", "Serve the web app and the API."),
    "model": ("fencun.cli.model", "底座模型：看、取、选。", "Base models: list, fetch, use."),
    "data": ("fencun.cli.data", "数据：种子、繁殖、关卡、成集。", "Data: check, breed, build."),
    "tune": ("fencun.cli.tune", "微调：预检、训练、导出。", "Tune: plan, run, export."),
    "eval": ("fencun.cli.eval", "盲评：对照、选票、结论。", "Evaluate: arms, ballots, verdict."),
    "advise": (
        "fencun.cli.advise",
        "该不该微调：十个问题。",
        "Should you fine-tune? Ten questions.",
    ),
    "doctor": ("fencun.cli.doctor", "看看这台机器准备好了没有。", "Check this machine."),
}


class _Verbs(TyperGroup):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        if cmd_name not in VERBS:
            return None
        if len(sys.argv) < 2 or sys.argv[1] != cmd_name:
            return Command(cmd_name, short_help=say(*VERBS[cmd_name][1:]))
        module: Any = import_module(VERBS[cmd_name][0])
        command: Command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=_Verbs,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Fencun 分寸：让对的表达成为默认值。"""


def main() -> None:
    """Run the command line; a :class:`FencunError` becomes one sentence and exit status 1."""
    try:
        app()
    except FencunError as error:
        typer.echo(f"{say('出错了', 'Error')}: {error}", err=True)
        sys.exit(1)
