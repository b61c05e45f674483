"""``fencun scenario draft``: proposals read off real messages, taken one by one."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.cli.options import ModelOrEndpoint, Seed, argument, option
from fencun.language import say, titled
from fencun.scenario.places import use

if TYPE_CHECKING:
    from fencun.author.accept import Answer
    from fencun.author.draft import Drafted, Proposal

_CONTEXT = 6144  # tokens: some twenty messages and the answer
_KINDS = {
    "dimension": ("要填的一项", "A field"),
    "length": ("篇幅", "Lengths"),
    "tact": ("敏感的事", "A sensitive matter"),
    "cliche": ("套话", "A cliché"),
}


def draft(
    name: Annotated[str, argument("新场景的名字", "Name of the new scenario")],
    source: Annotated[
        Path | None,
        option(
            "真实的消息，20 到 200 条：CSV、Excel、聊天记录、一行一条",
            "Real messages, 20 to 200: CSV, Excel, a chat export, or one a line",
            "--from",
        ),
    ] = None,
    take: Annotated[
        Path | None,
        option("看过的提议，照它写成场景", "Proposals gone through: make the scenario"),
    ] = None,
    column: Annotated[str, option("表格里哪一列是消息", "Column of the messages")] = "",
    title: Annotated[str, option("人看的名字", "What people read")] = "",
    out: Annotated[Path | None, option("放在哪个文件夹下", "Folder to make it in")] = None,
    model: ModelOrEndpoint = None,
    seed: Seed = 0,
) -> None:
    """Have a model propose a scenario from real messages, of which a person takes one by one."""
    from fencun.author.accept import build, read_draft, write_draft
    from fencun.cli.questions import at_a_terminal

    if take is None and source is None:
        raise typer.BadParameter(
            say("--from 给消息，或 --take 给看过的提议。", "Give --from or --take.")
        )
    if take:
        decided = read_draft(take)
    elif source:
        drafted = _draft(source, column, model, seed)
        if not at_a_terminal():
            _keep_for_later(name, drafted)
            return
        decided = [(one, _ask(one)) for one in drafted.proposals]
    taken = [one for one, answer in decided if answer == "yes"]
    folder = build(name, taken, title=title, out=out)
    write_draft(folder / "draft.yaml", name, decided)
    use(folder)
    typer.echo(
        say(
            f"收下 {len(taken)} 条，写成了 {folder}。还差什么：fencun scenario check",
            f"{len(taken)} taken, written to {folder}. What it lacks: fencun scenario check",
        )
    )


def _keep_for_later(name: str, drafted: "Drafted") -> None:
    """Write the proposals for somebody to go through: nobody is here to take them."""
    from fencun.author.accept import write_draft

    path = Path(f"{name}.draft.yaml")
    write_draft(path, name, [(one, "later") for one in drafted.proposals])
    typer.echo(
        say(
            f"{len(drafted.proposals)} 条提议在 {path}，一条也还没有收下。一条一条看，把 take 改成 "
            f"yes 或 no，然后：fencun scenario draft {name} --take {path}",
            f"{len(drafted.proposals)} proposals are in {path}, none of them taken. Go through "
            f"them, set take to yes or no, and: fencun scenario draft {name} --take {path}",
        )
    )


def _draft(source: Path, column: str, model: str | None, seed: int) -> "Drafted":
    """Read messages and have them looked at; say what was dropped for standing in none of them."""
    from fencun.author.messages import read_messages

    notes: list[str] = []
    messages = read_messages(source, notes, column=column)
    for note in notes:
        typer.secho(note, dim=True, err=True)
    drafted = asyncio.run(_proposed(messages, model, seed))
    if drafted.dropped or drafted.unreadable:
        typer.secho(
            say(
                f"模型另有 {drafted.dropped} 条提议在消息里找不到，没有采用；"
                f"{drafted.unreadable} 次回答读不懂。",
                f"{drafted.dropped} more proposals stood in no message and were dropped; "
                f"{drafted.unreadable} answers could not be read.",
            ),
            dim=True,
            err=True,
        )
    return drafted


async def _proposed(messages: list[str], model: str | None, seed: int) -> "Drafted":
    from fencun.author.draft import propose
    from fencun.models.open import open_engine

    engine = open_engine(model, context=_CONTEXT)
    typer.secho(
        say(
            f"{len(messages)} 条消息（电话、证件号、地址已遮住）给 {engine.name} 看。",
            f"{engine.name} reads {len(messages)} messages, private data masked.",
        ),
        dim=True,
        err=True,
    )
    try:
        return await propose(messages, engine, seed=seed)
    finally:
        await engine.aclose()


def _ask(proposal: "Proposal") -> "Answer":
    """Show a proposal with the messages that bear it out, and ask until there is an answer."""
    kind = say(*_KINDS[proposal.kind])
    typer.secho(f"\n{titled(kind, proposal.title)}", bold=True, nl=False)
    typer.secho(
        say(f"  {proposal.support} 条消息里有", f"  in {proposal.support} messages"), dim=True
    )
    for key, value in proposal.declared.items():
        typer.echo(f"  {key}: {value}")
    for text in proposal.shown:
        typer.secho(f"  “{text[:80]}”", dim=True)
    answers: dict[str, Answer] = {"y": "yes", "n": "no", "l": "later"}
    asked = say("收下吗？y 收，n 不要，l 以后再说", "Take it? y, n, or l for later")
    while (told := str(typer.prompt(asked, default="n")).strip().lower()[:1]) not in answers:
        continue
    return answers[told]
