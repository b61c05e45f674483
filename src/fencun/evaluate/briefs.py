"""The test briefs of a study: from families no training sample belongs to, spread over the map."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from fencun.brief import parse_brief
from fencun.data.lines import read_samples
from fencun.errors import BriefError, FencunError, RecordError
from fencun.files import Json, read_jsonl
from fencun.records import Asked, Sample, Seed
from fencun.scenario import Scenario, flag

PER_AUDIENCE = 3
OWN = "briefs.jsonl"  # test briefs that somebody wrote, beside the scenario


def briefs_for_study(scenario: Scenario, dataset: Path, count: int | None = None) -> list[Sample]:
    """Return the briefs of a study: ``count`` of them, by default three for every audience.

    Where no dataset was built, those that somebody wrote into ``briefs.jsonl``, in their order.

    Raises:
        FencunError: the dataset is not built or holds fewer, or a test family is also trained on.
    """
    own, named = scenario.folder / OWN, flag(scenario.folder)
    if not (dataset / "test.jsonl").is_file() and own.is_file():
        return _first(read_briefs(own, scenario), count)
    for name in ("train.jsonl", "test.jsonl"):
        if not (dataset / name).is_file():
            raise FencunError(
                f"还没有 {dataset / name}；先运行 fencun data build{named}。",
                f"There is no {dataset / name}; run fencun data build{named} first.",
            )
    test = read_samples(dataset / "test.jsonl", scenario)
    check_unseen(test, read_samples(dataset / "train.jsonl", scenario), scenario)
    audience = scenario.role("audience")
    if count is not None and not 1 <= count <= len(test):
        raise FencunError(
            f"测试集里有 {len(test)} 条需求，要不出 {count} 条。",
            f"The test set holds {len(test)} briefs, so {count} cannot be asked.",
        )
    if count is None:
        count = PER_AUDIENCE * len(audience.choices) if audience else 78
    return spread(scenario, test, count)


def read_briefs(path: Path, scenario: Scenario) -> list[Sample]:
    """Return the test briefs in ``path``: each its dimensions, as people type them.

    An ``id`` (default: its place) and a ``text`` to read beside the answers may be given. Lines
    of a dataset are taken too, with the family that says where they come from.

    Raises:
        RecordError: a line is no brief; names the file and the line.
        FencunError: the file cannot be opened, or an id comes twice.
    """
    found: dict[str, Sample] = {}
    for number, row in read_jsonl(path):
        try:
            if isinstance(row, RecordError):
                raise row
            brief = _own_brief(scenario, row, number)
        except FencunError as error:
            raise RecordError(
                f"{path} 第 {number} 行：{error.zh}", f"{path}, line {number}: {error.en}",
                line=number,
            ) from error  # fmt: skip
        if brief.id in found:
            raise FencunError(
                f"{path} 里 {brief.id} 出现了两次。", f"{path} holds {brief.id} twice."
            )
        found[brief.id] = brief
    return list(found.values())


def _own_brief(scenario: Scenario, row: Json, number: int) -> Sample:
    if "hash" in row:
        return Sample.from_row(scenario, row, line=number)
    known = [dimension.name for dimension in scenario.dimensions]
    typed = {key: value for key, value in row.items() if key not in ("id", "text")}
    if strange := [key for key in typed if key not in known]:
        raise BriefError(
            f"没有“{strange[0]}”这一项；可以写：{'、'.join(known)}，还可以有 id 和 text。",
            f"there is no field {strange[0]!r}; known: {', '.join(known)}, and id and text.",
        )
    understood = parse_brief(scenario, typed)
    brief = {name: str(typed.get(name) or value) for name, value in understood.values.items()}
    identity = str(row.get("id") or f"q{number:03d}")
    draft = Seed.model_construct(id=identity, brief=brief, text=str(row.get("text") or ""))
    return Asked.from_row(
        scenario,
        {"id": identity, **brief, "text": draft.text, "family": identity, "generation": 0,
         "hash": draft.content_hash},
        line=number,
    )  # fmt: skip


def check_unseen(test: Iterable[Sample], train: Iterable[Sample], scenario: Scenario) -> None:
    """Raise :class:`FencunError` if a family of ``test`` is one of ``train`` too."""
    if shared := {sample.family for sample in test} & {sample.family for sample in train}:
        names, named = "、".join(sorted(shared)[:3]), flag(scenario.folder)
        raise FencunError(
            f"测试集和训练集有同一家族：{names}。请重新运行 fencun data build{named}。",
            f"Test and training share a family: {names}. Run fencun data build{named} again.",
        )


def _first(briefs: list[Sample], count: int | None) -> list[Sample]:
    if count is not None and not 1 <= count <= len(briefs):
        raise FencunError(
            f"{OWN} 里有 {len(briefs)} 条需求，要不出 {count} 条。",
            f"{OWN} holds {len(briefs)} briefs, so {count} cannot be asked.",
        )
    return briefs[:count]


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
