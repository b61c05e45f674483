"""Supervised fine-tuning: the scenario's samples, and how improbable their answers are."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from fencun import files
from fencun.brief import parse_brief
from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.records import Sample
from fencun.retrieval import open_retriever
from fencun.scenario import Scenario
from fencun.tune.config import PLAIN, TuneConfig
from fencun.tune.examples import TrainingExample, encode_all
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.objectives.objective import ExampleSet, LookWriting, Objective, Readings
from fencun.tune.plainness import plainest
from fencun.tune.runs.order import epoch_order
from fencun.tune.training_files import data_files


class Sft(Objective[TrainingExample]):
    """The negative log-likelihood of the answers, in nats; counted in tokens."""

    name = "sft"

    def read(self, scenario: Scenario, config: TuneConfig) -> Readings[TrainingExample]:
        """Read the training and the validation file that ``config`` names.

        Raises:
            FencunError: a file is missing or malformed, or a seed family is in both.
        """
        train, validation = data_files(config, scenario)
        samples, kept = read_samples(train, scenario), read_samples(validation, scenario)
        _refuse_shared_families(samples, kept)

        def encode(tokenizer: Any) -> ExampleSet[TrainingExample]:
            return _encode(tokenizer, scenario, config, samples, kept)

        hashes = {"train": files.sha256_file(train), "validation": files.sha256_file(validation)}
        return Readings(hashes, encode)

    def cost(
        self, student: Student, batch: Sequence[TrainingExample], adapter: LoraAdapter | None
    ) -> Tensor:
        """Return the summed negative log-likelihood of the answers, in nats."""
        return student.nll(batch, adapter)[0]

    def count(self, batch: Sequence[TrainingExample]) -> int:
        """Return the tokens of the answers."""
        return sum(len(example.answer) for example in batch)


def _encode(
    tokenizer: Any,
    scenario: Scenario,
    config: TuneConfig,
    samples: Sequence[Sample],
    kept: Sequence[Sample],
) -> ExampleSet[TrainingExample]:
    encoding: dict[str, Any] = {"max_tokens": config.max_tokens}
    if config.edits:
        encoding["retriever"] = open_retriever(scenario)
    training, dropped = encode_all(tokenizer, scenario, samples, **encoding)
    unseen, also = encode_all(tokenizer, scenario, kept, **encoding)
    by_id = {sample.id: sample for sample in kept}
    if config.plain < 1 and config.data != PLAIN:
        training = _plainest(training, samples, scenario, config.plain)
    if config.limit:
        order = epoch_order([e.stratum for e in training], seed=config.seed, epoch=0)
        training = [training[index] for index in order[: config.limit]]
    looked_at = spread_families(
        [(example, by_id[example.id]) for example in unseen], config.validation_samples
    )
    held = [example for example, _ in looked_at]
    writing = LookWriting(
        looked_at[: config.briefs],
        learnt=[example.text for example in training],
        unseen=[example.text for example in held],
    )
    return ExampleSet(training, held, others=unseen, dropped=dropped + also, writing=writing)


def _plainest(
    training: list[TrainingExample], samples: Sequence[Sample], scenario: Scenario, share: float
) -> list[TrainingExample]:
    """Return the plainest ``share`` of every audience and length."""
    by_id = {sample.id: sample for sample in samples}
    briefs = [parse_brief(scenario, by_id[example.id].brief) for example in training]
    kept = plainest(
        [example.text for example in training],
        [brief.lines() for brief in briefs],
        [
            f"{example.stratum}/{brief.length.min if brief.length else 0}"
            for example, brief in zip(training, briefs, strict=True)
        ],
        share,
    )
    return [training[index] for index in kept]


def _refuse_shared_families(training: Sequence[Sample], validation: Sequence[Sample]) -> None:
    shared = {s.family for s in training} & {s.family for s in validation}
    if shared:
        raise FencunError(
            f"训练集和验证集有 {len(shared)} 个相同的种子家族（如 {min(shared)}），"
            "验证会失真；请按家族重新划分。",
            f"Training and validation share {len(shared)} seed families (such as {min(shared)}); "
            "validation would mean nothing. Split by family again.",
        )


def spread_families(
    pairs: Sequence[tuple[TrainingExample, Sample]], count: int
) -> list[tuple[TrainingExample, Sample]]:
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
