"""The command line: one Typer app, one file a verb group, each loaded when it is asked for.

A verb's module offers ``app``: with one command that command is the verb itself
(``fencun write``), with several the verb is their group (``fencun model fetch``).
"""

import codecs
import errno
import io
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated

import typer
from typer.models import CommandInfo

from fencun import __version__
from fencun.cli.chinese import refusal, speak
from fencun.errors import FencunError
from fencun.home import home
from fencun.language import say

# Verb -> what it does, in Chinese and in English; its module is `fencun.cli.<verb>`.
VERBS: dict[str, tuple[str, str]] = {
    "write": ("写一条真会发出去的话：填几项，得三条。", "Write: a few fields in, three texts out."),
    "scenario": (
        "场景：新建、检查、选用、从消息起草。",
        "Scenarios: make, check, choose, draft from messages.",
    ),
    "serve": ("打开网页和接口。", "Serve the web app and the API."),
    "token": ("令牌：谁能用这个服务，能做什么。", "Tokens: who may use the server, and for what."),
    "model": ("底座模型：看、取、选。", "Base models: list, fetch, choose."),
    "data": ("数据：种子、繁殖、关卡、成集。", "Data: seeds, breeding, gates, datasets."),
    "tune": ("微调：预检、训练、导出。", "Tune: plan, run, export."),
    "eval": ("盲评：对照、选票、结论。", "Evaluate: arms, ballots, verdict."),
    "advise": ("该不该微调：十个问题。", "Should you fine-tune? Ten questions."),
    "doctor": ("看看这台机器准备好了没有。", "See whether this machine is ready."),
}


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """Return the app with the verb that ``arguments`` names loaded, all others only listed.

    ``fencun --help`` must not pay for engines, web pages and statistics.
    """
    speak()
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help=say(
            "Fencun 分寸：让对的表达成为默认值。", "Fencun: make the right words the default."
        ),
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for verb, sentences in VERBS.items():
        loaded = _load(verb) if [*arguments[:1]] == [verb] else typer.Typer()
        if len(loaded.registered_commands) == 1 and not loaded.registered_groups:
            only = loaded.registered_commands[0]
            app.command(
                verb,
                help=say(*sentences),
                epilog=only.epilog,
                context_settings=only.context_settings,
            )(_callback(only))
        else:
            app.add_typer(loaded, name=verb, help=say(*sentences), no_args_is_help=True)
    return app


def _load(verb: str) -> typer.Typer:
    loaded = import_module(f"fencun.cli.{verb}").app
    assert isinstance(loaded, typer.Typer)
    return loaded


def _callback(command: CommandInfo) -> Callable[..., None]:
    assert command.callback is not None
    return command.callback


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"fencun {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help=say("版本", "Version")
        ),
    ] = False,
) -> None:
    """Options that stand before a verb."""


# What a terminal in GBK can show of our marks; of anything else it shows a question mark.
_PLAIN = {"✓": "√", "✗": "×", "—": "-", "–": "-", "…": "...", "“": '"', "”": '"', "·": "."}


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """Return what is printed instead of characters that the terminal's encoding lacks."""
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    for_them = (_PLAIN.get(character, "?") for character in lacking)
    text = "".join(plain if _fits(plain, error.encoding) else "?" for plain in for_them)
    return text, error.end


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeError:
        return False
    return True


def _print_anywhere() -> None:
    """Let a terminal that cannot show a character show another: no text is worth a crash."""
    codecs.register_error("fencun", _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="fencun")


# A full disk, one that may not be written to, or one that is failing: no mistake of ours.
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.ENOTDIR}


def _refuse_file_as_home() -> None:
    if home().is_file():
        raise FencunError(
            f"FENCUN_HOME 是 {home()}，那是个文件；改成文件夹，或者 unset FENCUN_HOME。",
            f"FENCUN_HOME is {home()}, a file; set it to a folder, or unset it.",
        )


def _said(error: Exception) -> str:
    """Return the sentence for an error that is nobody's bug; empty for any other."""
    if isinstance(error, FencunError):
        return str(error)
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        what = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
        return say(
            f"系统不让读写（{what}）。请看看磁盘满没满、有没有权限。",
            f"The system refuses to read or write ({what}). Is the disk full, or not yours?",
        )
    return ""


def main() -> None:
    """Run the command line; a :class:`FencunError` becomes one sentence and exit status 1."""
    _print_anywhere()
    try:
        _refuse_file_as_home()
        sys.exit(app_for(sys.argv[1:])(standalone_mode=False))
    except typer.Abort:
        typer.echo(say("停下了。", "Aborted!"), err=True)
        sys.exit(1)
    except Exception as error:
        if shown := refusal(error):
            typer.echo(shown, err=True, nl=False)
            sys.exit(getattr(error, "exit_code", 1))
        if said := _said(error):
            typer.echo(f"{say('没成：', 'Failed: ')}{said}", err=True)
            sys.exit(1)
        import logging  # a hundredth of a second that nobody who meets no bug needs to wait for

        logging.getLogger("fencun").exception("unexpected error")
        typer.echo(
            say(
                "程序出了意外，上面是技术细节；已有的文件没有动。",
                "Something unexpected went wrong; the details are above. Nothing was overwritten.",
            ),
            err=True,
        )
        sys.exit(70)
