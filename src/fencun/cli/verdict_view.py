"""A verdict in a terminal: its reasons, what casts doubt on it, what answering took."""

from collections.abc import Iterator

import typer

from fencun.cli.eval_judge import show as show_tables
from fencun.evaluate.beside import beside
from fencun.evaluate.show_beside import people_tables, read_tables
from fencun.evaluate.verdict import Verdict, groups
from fencun.language import say, titled


def show_verdict(judged: Verdict) -> None:
    """Print a verdict: decision, rules with their numbers, doubts, what stands beside, costs."""
    typer.secho(judged.title, bold=True)
    typer.echo(_who_came(judged))
    if judged.study.amended:
        _doubt(str(judged.study.amended))
    for block in judged.blocks:
        typer.echo(f"  → {block}")
    for title, lines in groups(judged):
        typer.echo(title)
        for line in lines:
            told = f"  {line.mark} {line.sentence}  {typer.style(line.number, bold=True)}"
            typer.secho(told, fg="green" if line.mark == "✓" else None)
    for told in _doubts(judged):
        _doubt(told)
    aside = beside(judged)
    show_tables([*people_tables(judged.facts, aside), *read_tables(aside)])
    for told in _costs(judged):
        typer.secho(told, dim=True)


def _who_came(judged: Verdict) -> str:
    facts = judged.facts
    return say(
        f"实验 {judged.study.name}：{facts.raters} 位评审人，{facts.votes} 票，"
        f"{facts.briefs} 条需求。",
        f"Study {judged.study.name}: {facts.raters} raters, {facts.votes} votes, "
        f"{facts.briefs} briefs.",
    )


def _doubt(told: str) -> None:
    typer.secho(f"  △ {told}", fg="yellow")


def _doubts(judged: Verdict) -> Iterator[str]:
    """Yield what somebody who reads the decision should know of the votes behind it."""
    for odd in judged.facts.oddities:
        name = judged.names.get(odd.rater, odd.rater)
        yield titled(name, say(odd.zh, odd.en))
    for group in judged.seats.groups:
        yield say(
            f"{'、'.join(group.names)}：看着是同一个人，只算先投的那一份，"
            f"{group.votes} 票没有计入。",
            f"{', '.join(group.names)}: look like one person; the first seat counts, "
            f"{group.votes} votes do not.",
        )
    if judged.set_aside:
        yield say(
            f"{len(judged.set_aside)} 票投的是后来变了的回答，没有计入。",
            f"{len(judged.set_aside)} votes are on answers that changed: not counted.",
        )
    for rater, other in judged.hangs_on.items():
        name, decided = judged.names.get(rater, rater), judged.rules.decisions[other]
        yield say(
            f"少了{name}，结论就是“{decided.zh}”。", f"Without {name} it would be: {decided.en}."
        )


def _costs(judged: Verdict) -> Iterator[str]:
    """Yield what each arm took to answer."""
    for route in judged.routes:
        yield say(
            f"  {route.arm}：答出 {route.answered}/{route.asked}，"
            f"每条读 {route.prompt_tokens:.0f}、写 {route.completion_tokens:.0f} 个词元，"
            f"中位 {route.seconds:.1f} 秒",
            f"  {route.arm}: answered {route.answered}/{route.asked}, "
            f"{route.prompt_tokens:.0f} tokens read and {route.completion_tokens:.0f} written "
            f"each, median {route.seconds:.1f} s",
        )
