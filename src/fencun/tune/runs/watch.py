"""A look at the student at work: validation loss, greetings for fixed briefs, the canary."""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Generic

from fencun.brief import parse_brief
from fencun.gates.registry import Gates, passes
from fencun.records import Sample
from fencun.scenario import Scenario
from fencun.tune.examples import TrainingExample, answer_ids, prompt_ids
from fencun.tune.forward.greedy import greedy_many
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.objectives.objective import E, ExampleSet, Objective, mean_cost
from fencun.tune.objectives.sft import Sft
from fencun.tune.runs.echo import Echo
from fencun.tune.runs.events import LookEvent

_CANARY = Path(__file__).with_name("canary.jsonl")
# Of fewer greetings a share says too little to stop a run by; they are shown all the same.
_TELLING = 8


class Watcher(Generic[E]):
    """Looks at a student with the examples that a run does not learn from.

    Args:
        objective: what the loss is of.
        tokenizer: of the base.
        scenario: whose gates judge the greetings.
        examples: those held out are measured, and messages are written for some briefs.
    """

    def __init__(
        self,
        objective: Objective[E],
        tokenizer: Any,
        scenario: Scenario,
        examples: ExampleSet[E],
    ) -> None:
        self._objective, self._held = objective, examples.held
        self._shown = examples.writing.briefs
        self._tokenizer = tokenizer
        self._scenario = scenario
        self._echo = Echo(examples.writing.learnt, examples.writing.unseen)
        self._canary = canary_examples(tokenizer)
        self._canary_base: float | None = None

    @cached_property
    def _gates(self) -> Gates:
        return Gates(self._scenario)  # not made by a run that writes nothing

    def __call__(self, step: int, student: Student, adapter: LoraAdapter) -> LookEvent:
        """Look at ``student`` with ``adapter`` on. Deterministic: greedy answers, no sampling."""
        everyday = mean_cost(Sft(), student, self._canary, adapter)
        if self._canary_base is None:
            self._canary_base = mean_cost(Sft(), student, self._canary, None)
        written = greedy_many(
            student,
            adapter,
            [example.prompt for example, _ in self._shown],
            stop=int(self._tokenizer.eos_token_id),
        )
        greetings = [
            self._greeting(ids, sample)
            for ids, (_, sample) in zip(written, self._shown, strict=True)
        ]
        count = len(greetings) if len(greetings) >= _TELLING else 0
        return LookEvent(
            step=step,
            loss=mean_cost(self._objective, student, self._held, adapter),
            canary=everyday - self._canary_base,
            passed=sum(not item["faults"] for item in greetings) / count if count else None,
            echoes=sum(item["echo"] for item in greetings) / count if count else None,
            greetings=greetings,
        )

    def _greeting(self, ids: Sequence[int], sample: Sample) -> dict[str, Any]:
        text = self._tokenizer.decode(ids, skip_special_tokens=True).strip()
        brief = parse_brief(self._scenario, sample.brief)
        findings = self._gates.check(text, brief)
        return {
            "id": sample.id,
            "brief": sample.brief,
            "text": text,
            "faults": []
            if passes(findings)
            else sorted({finding.gate for finding in findings if finding.severity == "fault"}),
            "run": self._echo.longest_run(text),
            "nearest": self._echo.nearest(text)[1],
            "echo": self._echo.repeats(text),
        }


def canary_examples(tokenizer: Any) -> list[TrainingExample]:
    """Return a dozen everyday questions, far from any scenario, with their answers."""
    rows = [json.loads(line) for line in _CANARY.read_text(encoding="utf-8").splitlines()]
    return [
        TrainingExample(
            id=f"canary-{number}",
            family="canary",
            stratum="canary",
            prompt=tuple(prompt_ids(tokenizer, [{"role": "user", "content": row["question"]}])),
            answer=tuple(answer_ids(tokenizer, row["answer"])),
            text=row["answer"],
        )
        for number, row in enumerate(rows)
    ]
