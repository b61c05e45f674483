"""All questions of a study's poll, with the texts that will be shown; read once, kept in memory."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from fencun.evaluate.draw import Items, items
from fencun.evaluate.planning import DECISIVE
from fencun.evaluate.rules import CHEAPER
from fencun.evaluate.study import Study
from fencun.scenario import Scenario

SHARED = 12


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions by position. ``texts`` maps (arm, brief, draw) to what is shown."""

    questions: Items
    arms: tuple[str, ...]
    briefs: tuple[str, ...]
    lines: tuple[tuple[tuple[str, str], ...], ...]
    texts: dict[tuple[str, str, int], str]


def question_set(folder: str, fingerprint: str) -> QuestionSet:
    """Return the questions of the study in ``folder``.

    Raises:
        FencunError: the study is gone, unfinished, changed, or another one.
    """
    return _read(folder, fingerprint)


@lru_cache(maxsize=8)
def _read(folder: str, fingerprint: str) -> QuestionSet:
    study = Study(Path(folder))
    study.check()
    arms = study.arms
    briefs = [sample.id for sample in study.briefs()]
    texts = {
        (answer.arm, answer.brief, answer.draw): answer.text
        for answer in study.answers()
        if not answer.failed
    }
    askable = [
        (number, low, high, draw)
        for number, brief in enumerate(briefs)
        for low in range(len(arms))
        for high in range(low + 1, len(arms))
        for draw in range(study.registration.draws)
        if _askable(texts.get((arms[low], brief, draw)), texts.get((arms[high], brief, draw)))
    ]
    # The same order for the same study, wherever it is opened: positions mean the same.
    random = np.random.default_rng(int(fingerprint[:16], 16))
    questions = items(askable, _decisive(study), DECISIVE, shared=SHARED, random=random)
    lines = tuple(_lines(study.scenario, sample.brief) for sample in study.briefs())
    return QuestionSet(questions, arms, tuple(briefs), lines, texts)


def _askable(one: str | None, other: str | None) -> bool:
    """Two texts that are there and differ: equal ones are a tie that nobody needs to judge."""
    return bool(one and other) and one != other


def _decisive(study: Study) -> set[tuple[int, int]]:
    """The pairs that the verdict hangs on: fine-tuning against each arm that costs less."""
    roles, arms = study.registration.roles, study.arms
    if "tuned" not in roles:
        return set()
    tuned = arms.index(roles["tuned"])
    rivals = [arms.index(roles[role]) for role in CHEAPER if role in roles]
    return {(min(tuned, rival), max(tuned, rival)) for rival in rivals}


def _lines(scenario: Scenario, values: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """The brief as a rater reads it: label and value, what is empty left out."""
    return tuple(
        (dimension.label, values[dimension.name])
        for dimension in scenario.dimensions
        if values.get(dimension.name)
    )
