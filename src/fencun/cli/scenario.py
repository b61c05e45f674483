"""``fencun scenario``: make one, look it over, let it be the one that is meant."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.cli.options import (
    AsJson,
    ScenarioName,
    argument,
    option,
    print_json,
    verb,
)
from fencun.cli.scenario_draft import draft
from fencun.language import say
from fencun.scenario import load_scenario, reference, scenario_names
from fencun.scenario.places import find, in_use, use

if TYPE_CHECKING:
    from fencun.models.engine import Message

app = typer.Typer(no_args_is_help=True)
verb(
    app,
    "起草：读真实的消息，提议维度、选项、套话、敏感的事，由您一条一条收。",
    "Draft: read real messages, and propose what you take or leave, one by one.",
    needs="data",
)(draft)

_MARKS = {"wrong": ("✗", "red"), "soon": ("△", "yellow"), "note": ("·", None)}


@verb(app, "新建一个场景：一个文件夹，改成您自己的。", "Make a new scenario: a folder.")
def new(
    name: Annotated[
        str, argument("名字：小写英文字母、数字、下划线", "Name: lower-case letters, digits, _")
    ],
    kind: Annotated[
        str, option("从哪个样板开始：blank、greeting、reply", "Template to begin from", "--from")
    ] = "blank",
    title: Annotated[str, option("人看的名字，如 请假条", "What people read")] = "",
    out: Annotated[
        Path | None,
        option(
            "放在哪个文件夹下（默认：自己的场景那里）", "Folder to make it in (default: your own)"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a scenario to begin with, and let it be the one in use."""
    from fencun.author.new import make

    folder = make(name, kind, title=title, folder=out)
    chosen = use(folder)
    if as_json:
        print_json({"name": name, "folder": str(folder), "in_use": chosen})
        return
    typer.echo(
        say(
            f"写好了：{folder}\n从现在起说的就是它，命令不用写 --scenario。接下来：\n"
            f"  改 {folder / 'scenario.yaml'}\n  fencun scenario check\n"
            "  fencun write\n  fencun serve",
            f"Written: {folder}\nIt is the one that is meant from now on, without --scenario. "
            f"Next:\n  edit {folder / 'scenario.yaml'}\n  fencun scenario check\n"
            "  fencun write\n  fencun serve",
        )
    )


@verb(app, "检查：哪里不对，哪里迟早不对，给模型看什么。", "Check: what is wrong or will be.")
def check(
    which: Annotated[
        str, argument("名字或文件夹（默认：正在用的）", "Name or folder (default: the one in use)")
    ] = "",
    scenario: ScenarioName = "",
    as_json: AsJson = False,
) -> None:
    """Say everything that is wrong or will be, and show the prompt of each arm."""
    from fencun.author.check import look_over, prompts

    declared = load_scenario(which or scenario)
    advice = look_over(declared)
    wrong = sum(one.weight == "wrong" for one in advice)
    told = prompts(declared) if not wrong else {}
    if as_json:
        rows = [{"weight": one.weight, "zh": one.zh, "en": one.en} for one in advice]
        print_json({"scenario": declared.name, "advice": rows, "prompts": told})
    else:
        typer.secho(f"{declared.title}  {declared.folder}", bold=True)
        for arm, chat in told.items():
            _show(arm, chat)
        typer.echo()
        for one in advice:
            mark, colour = _MARKS[one.weight]
            typer.secho(f"{mark} {one}", fg=colour)
        typer.secho(_sum_up(wrong, len(advice) - wrong), bold=True)
    if wrong:
        raise typer.Exit(1)


def _show(arm: str, chat: "list[Message]") -> None:
    same = say("（tuned 也是这几行）", " (so is tuned)") if arm == "bare" else ""
    title = say(f"写法 {arm} 给模型看的", f"What arm {arm} sends")
    typer.secho(f"\n—— {title}{same}", dim=True)
    for message in chat:
        typer.secho(f"[{message['role']}]", dim=True)
        typer.echo(message["content"])


def _sum_up(wrong: int, other: int) -> str:
    if wrong:
        return say(f"{wrong} 处要改，另有 {other} 处留意。", f"{wrong} to mend, {other} to note.")
    if other:
        return say(f"能用；{other} 处留意。", f"It works; {other} things to note.")
    return say("都好。", "All is well.")


@verb(
    app, "以后说的就是它：命令不用再写 --scenario。", "Let a scenario be the one meant.", name="use"
)
def choose(
    which: Annotated[str, argument("名字或文件夹", "Name or folder")],
) -> None:
    """Remember the scenario; a scenario.yaml above the working folder still goes first."""
    declared = load_scenario(which)
    chosen = use(declared.folder)
    typer.echo(
        say(f"以后用“{declared.title}”（{chosen}）。", f"{declared.en} ({chosen}) from now on.")
    )
    if find() != find(chosen):
        typer.secho(
            say(
                f"但是在这个文件夹里，{in_use()}/scenario.yaml 更近，用的是那一个。",
                f"In this folder, though, {in_use()}/scenario.yaml is nearer and goes first.",
            ),
            fg="yellow",
            err=True,
        )


@verb(app, "有哪些场景，正在用的是哪个。", "List the scenarios, and which is in use.", name="list")
def list_scenarios(as_json: AsJson = False) -> None:
    """List the scenarios of this machine."""
    current = find()
    rows = []
    for name in scenario_names():
        path = find(name)
        rows.append({"name": name, "folder": str(path.parent), "in_use": path == current})
    if not any(row["in_use"] for row in rows):
        name = reference(current.parent)
        rows.append({"name": name, "folder": str(current.parent), "in_use": True})
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{'*' if row['in_use'] else ' '} {row['name']}  {_title(str(row['folder']))}")


@verb(app, "一个场景能写哪些键，一张表。", "Every key that a scenario may hold.")
def keys() -> None:
    """Print the reference of keys."""
    from fencun.author.reference import reference as told
    from fencun.language import language

    typer.echo(told(language()))


def _title(folder: str) -> str:
    from fencun.errors import ScenarioError

    try:
        declared = load_scenario(folder)
    except ScenarioError:
        return say(f"（读不了：fencun scenario check {folder}）", f"(broken; check {folder})")
    return say(declared.title, declared.en)
