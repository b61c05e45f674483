"""Learning to judge: can this text be sent as it stands, as an answer to this brief?

A generative verifier (Zhang et al., 2024, arXiv:2408.15240): an adapter of the same base that
reads brief and text and answers with one token. It learns from judgements: what readers said of
texts, near misses, a team's own votes and thumbs.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from fencun import files
from fencun.brief import Brief, parse_brief
from fencun.errors import FencunError, RecordError
from fencun.prompt import verifying
from fencun.scenario import Scenario
from fencun.tune.config import TuneConfig
from fencun.tune.examples import TrainingExample, prompt_ids
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.objectives.objective import ExampleSet, Objective, Readings, as_started
from fencun.verifier import FIT, UNFIT

_FEWEST = 16
_HELD = 10  # one brief in so many is held out
_BATCH = 16
DEFAULTS: dict[str, Any] = {
    "rate": 2e-4, "epochs": 1.0, "warmup": 6, "batch": 16, "look": 40, "patience": 4,
}  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """A text as an answer to ``brief``, and whether it is fit to be sent as it stands."""

    number: int
    brief: Brief
    text: str
    fit: bool


@dataclass(frozen=True)
class JudgedExample(TrainingExample):
    """A judgement as the model reads it: its answer runs from the text to the token that judges.

    So gradients flow through the text that is judged, and not through the brief. ``tokens`` are
    those of the two words it chooses between, fit and unfit.
    """

    fit: bool
    tokens: tuple[int, int]


def read_judgements(path: Path, scenario: Scenario) -> list[Judgement]:
    """Read judgements: JSON Lines with a brief, ``text``, and ``fit`` or ``grade``.

    The fields of the brief lie flat or under ``brief``, as in a file of blind reads. ``fit`` is
    true or false; ``grade`` that of a blind read: 2 is fit, 0 is not, 1 (a word or two to
    change) teaches neither and is left out.

    Raises:
        RecordError: a line holds no judgement; FencunError: too few, of one kind only, no file.
    """
    found = []
    for number, row in files.read_jsonl(path):
        if isinstance(row, RecordError):
            raise row
        fit = _fit(row, number)
        text = row.get("text")
        if not isinstance(text, str) or not text.strip():
            raise RecordError(
                f"第 {number} 行没有 text。", f"Line {number} has no text.", line=number
            )
        if fit is None:
            continue
        nested = row.get("brief")  # as in a file of blind reads
        asked = nested if isinstance(nested, dict) else row
        fields = {d.name: asked[d.name] for d in scenario.dimensions if d.name in asked}
        found.append(Judgement(number, parse_brief(scenario, fields), text.strip(), fit))
    fits = sum(judgement.fit for judgement in found)
    if min(fits, len(found) - fits) < _FEWEST:
        raise FencunError(
            f"{path} 里能发的 {fits} 条、不能发的 {len(found) - fits} 条；"
            f"每种至少要 {_FEWEST} 条。",
            f"{path} holds {fits} fit and {len(found) - fits} unfit texts; "
            f"at least {_FEWEST} of each are needed.",
        )
    return found


def _fit(row: files.Json, number: int) -> bool | None:
    fit, grade = row.get("fit"), row.get("grade")
    if isinstance(fit, bool):
        return fit
    if fit is None and grade in (0, 1, 2) and not isinstance(grade, bool):
        return None if grade == 1 else grade == 2
    raise RecordError(
        f"第 {number} 行要有 fit（true 或 false）或 grade（2、1、0）。",
        f"Line {number} needs fit (true or false) or grade (2, 1, 0).",
        line=number,
    )


def encode_judgement(tokenizer: Any, judgement: Judgement) -> JudgedExample:
    """Return a judgement as token ids."""
    brief = judgement.brief
    whole = prompt_ids(tokenizer, verifying(brief, judgement.text))
    other = prompt_ids(tokenizer, verifying(brief, "\x00"))
    shared = 0
    while shared < len(whole) - 1 and shared < len(other) and whole[shared] == other[shared]:
        shared += 1
    tokens = tuple(
        int(tokenizer(word, add_special_tokens=False)["input_ids"][0]) for word in (FIT, UNFIT)
    )
    return JudgedExample(
        id=f"judgement-{judgement.number}",
        family=files.sha256_json(dict(brief.values))[:16],
        stratum="fit" if judgement.fit else "unfit",
        prompt=tuple(whole[:shared]),
        answer=(*whole[shared:], tokens[0 if judgement.fit else 1]),
        text=judgement.text,
        fit=judgement.fit,
        tokens=(tokens[0], tokens[1]),
    )


@dataclass(frozen=True)
class Verify(Objective[JudgedExample]):
    """Judge as the file ``judgements`` does; counted in texts.

    A run may start from an adapter (``TuneConfig.start``): one that writes knows the scenario.
    """

    judgements: str

    name = "verifier"

    def options(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    def resolve(self, config: TuneConfig) -> TuneConfig:
        """Return ``config`` with rank, layers and base of the adapter it starts from, if any."""
        return as_started(config) if config.start else config

    def read(self, scenario: Scenario, config: TuneConfig) -> Readings[JudgedExample]:
        """Read the judgements; all of one brief are on one side."""
        path = Path(self.judgements)
        written = read_judgements(path, scenario)

        def encode(tokenizer: Any) -> ExampleSet[JudgedExample]:
            judged = [encode_judgement(tokenizer, judgement) for judgement in written]
            fitting = [each for each in judged if len(each.ids) <= config.max_tokens]
            dropped = [each.id for each in judged if len(each.ids) > config.max_tokens]
            held = set(sorted({each.family for each in fitting})[::_HELD])
            return ExampleSet(
                [each for each in fitting if each.family not in held],
                [each for each in fitting if each.family in held],
                dropped=dropped,
            )

        return Readings({"judgements": files.sha256_file(path)}, encode)

    def cost(
        self, student: Student, batch: Sequence[JudgedExample], adapter: LoraAdapter | None
    ) -> Tensor:
        """Return the summed cross-entropy of the two words, in nats."""
        odds = margins(student, batch, adapter)
        signs = odds.new_tensor([1.0 if judged.fit else -1.0 for judged in batch])
        return softplus(-signs * odds).sum()

    def count(self, batch: Sequence[JudgedExample]) -> int:
        """Return the number of texts."""
        return len(batch)

    def results(
        self, student: Student, held: Sequence[JudgedExample], adapter: LoraAdapter
    ) -> dict[str, Any]:
        """Return how well it tells fit from unfit on briefs held out: the area under the ROC."""
        odds: list[float] = []
        with torch.no_grad():
            for start in range(0, len(held), _BATCH):
                odds += margins(student, held[start : start + _BATCH], adapter).tolist()
        return {"held_out": {"texts": len(held), "auc": area([j.fit for j in held], odds)}}


def margins(
    student: Student, batch: Sequence[JudgedExample], adapter: LoraAdapter | None
) -> Tensor:
    """Return the log-odds (texts) of being fit, in nats."""
    both = student.last_logits(batch, adapter, batch[0].tokens)
    return both[:, 0] - both[:, 1]


def area(fit: Sequence[bool], odds: Sequence[float]) -> float | None:
    """Return how often a fit text is told above an unfit one, ties half; None without both."""
    good = [value for value, is_fit in zip(odds, fit, strict=True) if is_fit]
    bad = [value for value, is_fit in zip(odds, fit, strict=True) if not is_fit]
    if not good or not bad:
        return None
    wins = sum((g > b) + 0.5 * (g == b) for g in good for b in bad)
    return wins / (len(good) * len(bad))
