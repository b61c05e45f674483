"""该不该微调: ten questions about a scenario not begun, an honest answer. Rules are data."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, model_validator

from fencun.errors import FencunError
from fencun.evaluate.declared import read_yaml
from fencun.files import Json
from fencun.language import say
from fencun.scenario import Declared

SHIPPED = Path(__file__).with_name("advice.yaml")


class _Said(Declared):
    zh: str
    en: str

    def __str__(self) -> str:
        return say(self.zh, self.en)


class Option(_Said):
    """One answer that may be given to a question."""

    value: str


class Question(_Said):
    """One question, and the answers it takes."""

    id: str
    options: tuple[Option, ...] = Field(min_length=2)

    def allows(self, value: str) -> bool:
        """Whether ``value`` is one of the options."""
        return any(option.value == value for option in self.options)


class Sign(_Said):
    """A sentence, and the answers that make it true: all named questions, any value of each."""

    when: Annotated[dict[str, tuple[str, ...]], Field(alias="if", min_length=1)]

    def points(self, answers: Mapping[str, str]) -> bool:
        """Whether ``answers`` make the sentence true."""
        return all(answers[question] in values for question, values in self.when.items())


class Outcome(_Said):
    """What may come out, what points to it, and what to do next."""

    name: str
    signs: tuple[Sign, ...]
    next: tuple[_Said, ...] = Field(min_length=1)


class Interview(Declared):
    """The questions and what their answers mean. The last outcome is taken if nothing else is."""

    questions: tuple[Question, ...]
    outcomes: tuple[Outcome, ...] = Field(min_length=1)
    cautions: tuple[Sign, ...]

    @model_validator(mode="after")
    def _known(self) -> Self:
        known = {question.id: question for question in self.questions}
        signs = [sign for outcome in self.outcomes for sign in outcome.signs]
        for sign in (*signs, *self.cautions):
            for name, values in sign.when.items():
                for value in values:
                    if name not in known or not known[name].allows(value):
                        raise ValueError(f"a sign names the unknown answer {name}: {value}")
        if self.outcomes[-1].signs:
            raise ValueError("the last outcome takes no signs")
        return self


class TuningAdvice(Declared):
    """An outcome, the signs that point to it (``reasons``), and what else must be said.

    ``also`` are signs of later outcomes: true too, but not what comes first.
    """

    outcome: Outcome
    reasons: tuple[Sign, ...]
    also: tuple[Sign, ...]
    cautions: tuple[Sign, ...]


@cache
def interview() -> Interview:
    """Return the interview that comes with the product."""
    return Interview.model_validate(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))


def advise(asked: Interview, answers: Mapping[str, Any]) -> TuningAdvice:
    """Return what the answers (question id to option value) say.

    Raises:
        FencunError: a question is unknown, has no answer, or one that is not among its options.
    """
    given = _checked(asked, answers)
    pointing = [
        (outcome, tuple(sign for sign in outcome.signs if sign.points(given)))
        for outcome in asked.outcomes
    ]
    at = next((n for n, (_, signs) in enumerate(pointing) if signs), len(pointing) - 1)
    outcome, reasons = pointing[at]
    return TuningAdvice.model_construct(
        outcome=outcome,
        reasons=reasons,
        also=tuple(sign for _, signs in pointing[at + 1 :] for sign in signs),
        cautions=tuple(sign for sign in asked.cautions if sign.points(given)),
    )


def _checked(asked: Interview, answers: Mapping[str, Any]) -> dict[str, str]:
    if unknown := sorted(set(map(str, answers)) - {question.id for question in asked.questions}):
        raise FencunError(
            f"没有这个问题：{'、'.join(unknown)[:80]}。",
            f"There is no such question: {', '.join(unknown)[:80]}.",
        )
    for question in asked.questions:
        value = answers.get(question.id)
        if not isinstance(value, str) or not question.allows(value):
            options = [option.value for option in question.options]
            said = "还没有答" if value is None else f"答的“{str(value)[:24]}”不在选项里"
            told = "has no answer" if value is None else f"was answered {str(value)[:24]!r}"
            raise FencunError(
                f"“{question.zh}”（{question.id}）{said}；可选：{'、'.join(options)}。",
                f"{question.en} ({question.id}) {told}; choose from {', '.join(options)}.",
            )
    return {question.id: answers[question.id] for question in asked.questions}


def read_answers(path: Path) -> Json:
    """Read answers from a YAML or JSON file: a mapping of question ids to option values.

    Raises:
        FencunError: it cannot be read or is no mapping.
    """
    said = read_yaml(path)
    if not isinstance(said, dict):
        raise FencunError(
            f"{path} 应当是“问题: 答案”，一行一个；样子见 fencun advise --questions。",
            f"{path} should hold 'question: answer' lines; see fencun advise --questions.",
        )
    # YAML reads a bare yes as true; people mean the word.
    words = {True: "yes", False: "no"}
    return {str(k): words[v] if isinstance(v, bool) else v for k, v in said.items()}


def form(asked: Interview) -> str:
    """Return the questions as YAML to be filled in and read by :func:`read_answers`."""
    lines = []
    for number, question in enumerate(asked.questions, start=1):
        lines.append(f"# {number}. {question}")
        lines += [f"#    {option.value}: {option}" for option in question.options]
        lines.append(f"{question.id}:\n")
    return "\n".join(lines)


def to_json(advice: TuningAdvice) -> Json:
    """Return the advice as plain data."""

    def both(said: _Said) -> Json:
        return {"zh": said.zh, "en": said.en}

    return {
        "outcome": advice.outcome.name,
        "title": both(advice.outcome),
        "reasons": [both(sign) for sign in advice.reasons],
        "also": [both(sign) for sign in advice.also],
        "cautions": [both(sign) for sign in advice.cautions],
        "next": [both(step) for step in advice.outcome.next],
    }
