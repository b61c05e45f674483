"""``fencun advise``: ten questions, and whether fine-tuning is worth trying."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.cli.options import AsJson, option, print_json, verb
from fencun.errors import FencunError
from fencun.language import say

if TYPE_CHECKING:
    from fencun.evaluate.advice import Interview, Question, TuningAdvice

app = typer.Typer()


@verb(
    app,
    "该不该微调：十个问题，一个老实的回答，和下一步做什么。",
    "Should you fine-tune? Ten questions, an honest answer, and what to do next.",
)
def advise(
    answers: Annotated[
        Path | None,
        option(
            "答案文件（YAML 或 JSON），不再一题题问",
            "File of answers (YAML or JSON), instead of being asked",
        ),
    ] = None,
    questions: Annotated[
        bool,
        option(
            "只打印十道题，填好可用", "Only print the questions, to be filled in", "--questions"
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask (or read) the answers and print the advice."""
    from fencun.evaluate.advice import advise as advised
    from fencun.evaluate.advice import form, interview, read_answers, to_json

    asked = interview()
    if questions:
        shown = [question.model_dump() for question in asked.questions]
        if as_json:
            print_json(shown)
        else:
            typer.echo(form(asked))
        return
    advice = advised(asked, read_answers(answers) if answers else _ask(asked))
    if as_json:
        print_json(to_json(advice))
    else:
        _show(advice)


def _ask(asked: "Interview") -> dict[str, str]:
    from fencun.cli.questions import at_a_terminal

    if not at_a_terminal():
        raise FencunError(
            "这里没人答题。先 fencun advise --questions > answers.yaml，填好，"
            "再 fencun advise --answers answers.yaml。",
            "Nobody is here to answer. Run fencun advise --questions > answers.yaml, fill it in, "
            "then fencun advise --answers answers.yaml.",
        )
    return {
        question.id: _answer(number, len(asked.questions), question)
        for number, question in enumerate(asked.questions, start=1)
    }


def _answer(number: int, total: int, question: "Question") -> str:
    typer.secho(f"\n{number}/{total}  {question}", bold=True, err=True)
    for place, choice in enumerate(question.options, start=1):
        typer.echo(f"  {place}  {choice}", err=True)
    while True:
        said: str = typer.prompt("", prompt_suffix="> ", err=True).strip()
        if said.isdigit() and 0 < int(said) <= len(question.options):
            return question.options[int(said) - 1].value
        if question.allows(said):
            return said
        typer.secho(
            say(
                f"请写 1 到 {len(question.options)}。", f"Please type 1 to {len(question.options)}."
            ),
            fg="yellow",
            err=True,
        )


def _show(advice: "TuningAdvice") -> None:
    typer.secho(f"\n{advice.outcome}", bold=True)
    for reason in advice.reasons:
        typer.echo(f"  {reason}")
    for title, said in (
        (say("还有", "Also"), advice.also),
        (say("当心", "Mind"), advice.cautions),
        (say("下一步", "Next"), advice.outcome.next),
    ):
        if said:
            typer.secho(f"\n{title}", bold=True)
            for number, sentence in enumerate(said, start=1):
                typer.echo(f"  {number}. {sentence}")
