"""A look at the student at work: validation loss, greetings for fixed briefs, the canary."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from fencun.brief import parse_brief
from fencun.gates.registry import Gates, passes
from fencun.records import Sample
from fencun.scenario import Scenario
from fencun.tune.config import TuneConfig
from fencun.tune.examples import Example, answer_ids, prompt_ids
from fencun.tune.forward.greedy import greedy_many
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.runs.echo import Echo
from fencun.tune.runs.loop import Look

_CANARY = Path(__file__).with_name("canary.jsonl")
_BATCH = 8
# Of fewer greetings a share says too little to stop a run by; they are shown all the same.
_TELLING = 8


class ScenarioWatcher:
    """Looks at a student with the validation samples of a scenario.

    Args:
        tokenizer: of the base.
        scenario: whose gates judge the greetings.
        training: the texts trained on.
        validation: examples and, in the same order, their samples; of families not trained on.
        config: how many of them are looked at.
    """

    def __init__(
        self,
        tokenizer: Any,
        scenario: Scenario,
        training: Sequence[str],
        validation: Sequence[tuple[Example, Sample]],
        config: TuneConfig,
    ) -> None:
        self._tokenizer = tokenizer
        self._scenario = scenario
        self._gates = Gates(scenario)
        chosen = spread_families(validation, config.validation_samples)
        self._examples = [example for example, _ in chosen]
        self._shown = chosen[: config.briefs]
        self._echo = Echo(training, [sample.text for _, sample in chosen])
        self._canary = canary_examples(tokenizer)
        self._canary_base: float | None = None

    def __call__(self, step: int, student: Student, adapter: LoraAdapter) -> Look:
        """Look at ``student`` with ``adapter`` on. Deterministic: greedy answers, no sampling."""
        if self._canary_base is None:
            self._canary_base = mean_loss(student, None, self._canary)
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
        return Look(
            step=step,
            loss=mean_loss(student, adapter, self._examples),
            canary=mean_loss(student, adapter, self._canary) - self._canary_base,
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


def mean_loss(student: Student, adapter: LoraAdapter | None, examples: Sequence[Example]) -> float:
    """Return the mean negative log-likelihood of the answers, in nats a token."""
    total, tokens = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(examples), _BATCH):
            nll, count = student.nll(examples[start : start + _BATCH], adapter)
            total += float(nll)
            tokens += count
    return total / tokens


def spread_families(
    pairs: Sequence[tuple[Example, Sample]], count: int
) -> list[tuple[Example, Sample]]:
    """Return up to ``count`` pairs: one a family, families of different strata first."""
    families: set[str] = set()
    strata: dict[str, int] = {}
    ranked = []
    for pair in sorted(pairs, key=lambda pair: pair[0].id):
        again = pair[0].family in families
        families.add(pair[0].family)
        turn = strata.get(pair[0].stratum, 0)
        strata[pair[0].stratum] = turn + 1
        ranked.append((again, turn, pair[0].id, pair))
    return [pair for *_, pair in sorted(ranked, key=lambda item: item[:3])][:count]


def canary_examples(tokenizer: Any) -> list[Example]:
    """Return a dozen everyday questions, far from any scenario, with their answers."""
    rows = [json.loads(line) for line in _CANARY.read_text(encoding="utf-8").splitlines()]
    return [
        Example(
            id=f"canary-{number}",
            family="canary",
            stratum="canary",
            prompt=tuple(prompt_ids(tokenizer, [{"role": "user", "content": row["question"]}])),
            answer=tuple(answer_ids(tokenizer, row["answer"])),
            text=row["answer"],
        )
        for number, row in enumerate(rows)
    ]
