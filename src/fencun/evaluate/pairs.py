"""The flywheel: what people chose, liked and mended becomes preference pairs. Never test briefs.

Three sources: blind votes on briefs that are no test briefs, a liked beside a disliked text
of one writing, and a text beside what somebody made of it. The chosen text passes all gates,
and no pair holds private data.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from fencun.brief import Brief, parse_brief
from fencun.data.lines import read_samples
from fencun.data.privacy import find_private
from fencun.errors import BriefError, FencunError
from fencun.evaluate.study import Study
from fencun.files import Json, sha256_json, write_json, write_jsonl
from fencun.gates.registry import Gates, passes
from fencun.scenario import Scenario
from fencun.store.schema import CandidateRow, WritingRow

Source = Literal["vote", "rated", "edited"]
Format = Literal["trl", "llamafactory"]
FORMATS: tuple[Format, ...] = get_args(Format)
PAIRS, SEEDS, MANIFEST = "pairs.jsonl", "seeds.review.jsonl", "manifest.json"
_HELD_OUT = ("test.jsonl", "validation.jsonl")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one brief, and which of them a person preferred."""

    brief: Brief
    chosen: str
    rejected: str
    source: Source

    @property
    def id(self) -> str:
        """The same for the same pair, wherever it came from."""
        return sha256_json([dict(self.brief.values), self.chosen, self.rejected])[:16]


@dataclass(frozen=True, slots=True)
class Harvest:
    """The pairs that may be learned from, and why others may not (reason to count)."""

    pairs: tuple[Pair, ...]
    refused: Counter[str]


def harvest(scenario: Scenario, candidates: Iterable[Pair]) -> Harvest:
    """Keep the pairs that pass the gates, hold nothing private, and ask no held-out brief."""
    gates, held_out = Gates(scenario), _held_out(scenario)
    kept: dict[str, Pair] = {}
    refused: Counter[str] = Counter()
    for pair in candidates:
        if reason := _fault(pair, gates, held_out):
            refused[reason] += 1
        elif pair.id in kept:
            refused["same"] += 1
        else:
            kept[pair.id] = pair
    turned = {(p.chosen, p.rejected): p.id for p in kept.values()}
    for (chosen, rejected), identity in turned.items():
        if (rejected, chosen) in turned:  # two people say the opposite: neither is taught
            kept.pop(identity)
            refused["contradicted"] += 1
    return Harvest(tuple(kept.values()), refused)


def _fault(pair: Pair, gates: Gates, held_out: frozenset[str]) -> str:
    if _asked(dict(pair.brief.values)) in held_out:
        return "test_brief"
    if not pair.rejected or pair.chosen == pair.rejected:
        return "no_difference"
    if not passes(gates.check(pair.chosen, pair.brief)):
        return "gates"
    if any(
        find_private(text) for text in (*pair.brief.values.values(), pair.chosen, pair.rejected)
    ):
        return "private"
    return ""


def _held_out(scenario: Scenario) -> frozenset[str]:
    """The briefs that training must not see, by what they ask."""
    paths = [scenario.folder / "dataset" / name for name in _HELD_OUT]
    samples = [s for path in paths if path.is_file() for s in read_samples(path, scenario)]
    return frozenset(_asked(sample.brief) for sample in samples)


def _asked(values: Json) -> str:
    return sha256_json(values)


def from_votes(study: Study) -> Iterator[Pair]:
    """Yield what most raters preferred, one pair for a brief and two arms; ties teach nothing."""
    briefs, texts = study.parsed_briefs(), {answer.hash: answer.text for answer in study.answers()}
    score: Counter[tuple[str, str, str]] = Counter()
    for vote in study.votes():
        if vote.repeat_of or vote.choice not in ("left", "right"):
            continue
        low, high = sorted((vote.left_hash, vote.right_hash))
        won = vote.left_hash if vote.choice == "left" else vote.right_hash
        score[vote.brief, low, high] += 1 if won == low else -1
    for (brief, low, high), lead in score.items():
        if lead and brief in briefs and {low, high} <= texts.keys():
            best, worst = (low, high) if lead > 0 else (high, low)
            yield Pair(briefs[brief], texts[best], texts[worst], "vote")


def from_writings(session: Session, scenario: Scenario) -> Iterator[Pair]:
    """Yield what was liked beside what was disliked, and what was mended beside what it was."""
    query = (
        select(WritingRow)
        .where(WritingRow.scenario == scenario.name)
        .options(selectinload(WritingRow.candidates).selectinload(CandidateRow.events))
        .order_by(WritingRow.created_at, WritingRow.id)
    )
    for writing in session.scalars(query):
        liked, disliked = [], []
        for row in writing.candidates:
            brief = _brief(scenario, row.asked or writing.asked)
            if brief is None:
                continue
            said, mended = _judged(row), _mended(row)
            if said == "liked":
                liked.append((brief, mended or row.text))
            elif said == "disliked":
                disliked.append((brief, row.text))
            if mended:
                yield Pair(brief, mended, row.text, "edited")
        for brief, good in liked:
            for other, bad in disliked:
                if other.values == brief.values:
                    yield Pair(brief, good, bad, "rated")


def _brief(scenario: Scenario, asked: Json) -> Brief | None:
    try:
        return parse_brief(scenario, asked)
    except BriefError:  # written for an older scenario
        return None


def _judged(row: CandidateRow) -> str:
    said = [e.kind for e in row.events if e.kind in ("liked", "disliked", "unrated")]
    return said[-1] if said else ""


def _mended(row: CandidateRow) -> str:
    edits = [event.text for event in row.events if event.kind == "edited" and event.text]
    return edits[-1].strip() if edits else ""


def write_pairs(folder: Path, found: Harvest, style: Format) -> Json:
    """Write ``pairs.jsonl`` for TRL or LLaMA-Factory, new seeds for review, the manifest last.

    Raises:
        FencunError: there is no pair.
    """
    if not found.pairs:
        told = "、".join(f"{reason} {count}" for reason, count in found.refused.items())
        raise FencunError(
            f"还没有能用的偏好对（不能用的：{told or '没有'}）。多写、多改、多投票，再来。",
            f"There is no pair to learn from yet (refused: {told or 'none'}).",
        )
    row: Callable[[Pair], Json] = _trl if style == "trl" else _llamafactory
    write_jsonl(folder / PAIRS, map(row, found.pairs))
    if style == "llamafactory":
        write_json(folder / "dataset_info.json", {"fencun_pairs": _DATASET})
    seeds = [pair for pair in found.pairs if pair.source == "edited"]
    write_jsonl(folder / SEEDS, (_seed(pair) for pair in seeds))
    manifest = {
        "format": style,
        "pairs": len(found.pairs),
        "sources": dict(Counter(pair.source for pair in found.pairs)),
        "refused": dict(found.refused),
        "seeds_for_review": len(seeds),
    }
    write_json(folder / MANIFEST, manifest)
    return manifest


def _trl(pair: Pair) -> Json:
    """Conversational preference format of TRL's DPOTrainer."""
    return {
        "prompt": [{"role": "user", "content": pair.brief.lines()}],
        "chosen": [{"role": "assistant", "content": pair.chosen}],
        "rejected": [{"role": "assistant", "content": pair.rejected}],
    }


def _llamafactory(pair: Pair) -> Json:
    """ShareGPT preference format of LLaMA-Factory (``ranking: true``)."""
    return {
        "conversations": [{"from": "human", "value": pair.brief.lines()}],
        "chosen": {"from": "gpt", "value": pair.chosen},
        "rejected": {"from": "gpt", "value": pair.rejected},
    }


_DATASET: dict[str, Any] = {
    "file_name": PAIRS,
    "ranking": True,
    "formatting": "sharegpt",
    "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
}


def _seed(pair: Pair) -> Json:
    """What somebody mended, as a seed that a reviewer has still to accept."""
    topics = pair.brief.topics
    tact = {"topic": topics[0].name, "handling": topics[0].handling} if topics else None
    return {
        "id": f"f-{pair.id}",
        **pair.brief.values,
        "text": pair.chosen,
        "tact": tact,
        "why": "有人改成这样才发，待审",
    }
