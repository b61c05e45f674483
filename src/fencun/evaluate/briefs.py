"""The test briefs of a study: from families no training sample belongs to, spread over the map."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.records import Sample, Seed
from fencun.scenario import Scenario

PER_AUDIENCE = 3


def briefs_for_study(scenario: Scenario, dataset: Path, count: int | None = None) -> list[Sample]:
    """Return the briefs of a study: ``count`` of them, by default three for every audience.

    Raises:
        FencunError: the dataset is not built or holds fewer, or a test family is also trained on.
    """
    for name in ("train.jsonl", "test.jsonl"):
        if not (dataset / name).is_file():
            raise FencunError(
                f"还没有 {dataset / name}；先运行 fencun data build。",
                f"There is no {dataset / name}; run fencun data build first.",
            )
    test = read_samples(dataset / "test.jsonl", scenario)
    check_unseen(test, read_samples(dataset / "train.jsonl", scenario))
    audience = scenario.role("audience")
    if count is not None and not 1 <= count <= len(test):
        raise FencunError(
            f"测试集里有 {len(test)} 条需求，要不出 {count} 条。",
            f"The test set holds {len(test)} briefs, so {count} cannot be asked.",
        )
    if count is None:
        count = PER_AUDIENCE * len(audience.choices) if audience else 78
    return spread(scenario, test, count)


def check_unseen(test: Iterable[Sample], train: Iterable[Sample]) -> None:
    """Raise :class:`FencunError` if a family of ``test`` is one of ``train`` too."""
    if shared := {sample.family for sample in test} & {sample.family for sample in train}:
        names = "、".join(sorted(shared)[:3])
        raise FencunError(
            f"测试集和训练集有同一家族：{names}。请重新运行 fencun data build。",
            f"Test and training share a family: {names}. Run fencun data build again.",
        )


def spread(scenario: Scenario, samples: Sequence[Sample], count: int) -> list[Sample]:
    """Return ``count`` of ``samples``, spread evenly over audiences first, then everything else.

    Every sensitive topic comes once, the rarest first; then each step takes the sample whose
    audience, family, topic and other values were taken least so far. Ties go by id.
    """
    audience = scenario.role("audience")
    choices = [d.name for d in scenario.dimensions if d.kind != "text"]
    taken: Counter[str] = Counter()

    def cost(sample: Sample) -> tuple[float, ...]:
        topic = f"topic={sample.tact.topic}" if sample.tact else "topic="
        others = sum(taken[f"{name}={sample.brief[name]}"] for name in choices)
        first = taken[f"{audience.name}={sample.brief[audience.name]}"] if audience else 0
        # A topic not met yet is worth more than an even spread; having none is not.
        unmet = 0 if sample.tact and not taken[topic] else 1
        return (first, taken[f"family={sample.family}"], unmet, others)

    left = sorted(samples, key=lambda sample: sample.id)
    picked: list[Sample] = []

    def take(pool: Iterable[Sample]) -> None:
        best = min(pool, key=cost)
        left.remove(best)
        picked.append(best)
        taken[f"family={best.family}"] += 1
        if best.tact:
            taken[f"topic={best.tact.topic}"] += 1
        taken.update(f"{name}={best.brief[name]}" for name in choices)

    topics = Counter(sample.tact.topic for sample in left if sample.tact)
    for topic in sorted(topics, key=lambda topic: (topics[topic], topic)):  # the rarest first
        if len(picked) < count:
            take([sample for sample in left if sample.tact and sample.tact.topic == topic])
    while left and len(picked) < count:
        take(left)
    return picked


def train_seeds(scenario: Scenario, dataset: Path) -> list[Seed]:
    """Return the seeds that training saw, the only ones that may be retrieved."""
    return [
        Seed(id=s.id, brief=s.brief, text=s.text, tact=s.tact)
        for s in read_samples(dataset / "train.jsonl", scenario)
        if s.generation == 0
    ]
