"""``fencun scenario draft``: what a scenario might declare, read off real messages.

What can be measured is measured; the rest a model proposes, and nothing of that is kept that
does not stand in the messages. Every proposal shows messages that bear it out, and none is
taken over before a person says so.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from fencun.grams import grams
from fencun.models.engine import Decoding, Engine, Message

Kind = Literal["dimension", "length", "cliche", "tact"]

_SHOWN = 3  # messages that bear a proposal out
_AT_ONCE = 24  # messages that a model reads at a time
_CHARS = 2600  # ... and no more characters, for small contexts
_OFTEN = 0.12  # of the messages begin, or end, alike: a phrase to ask about
_PHRASE = (5, 14)  # characters
_MOST_OPTIONS = 12
_DECODING = Decoding(temperature=0.2, top_p=0.9, max_tokens=700)
_ASKED: dict[Kind, str] = {
    "dimension": (
        "写这些话之前，写的人要先知道几件事（例如：对方是谁、什么场合、能答应什么、用什么口气）。"
        "列出在这些话之间会变的 2 到 5 件事，每件给 2 到 6 个取值，取值用两到六个字的词。"
        '只输出 JSON：{"items": [{"name": "英文小写", "label": "中文名", "options": ["值", "值"]}]}'
    ),
    "cliche": (
        "从这些话里原样摘出空洞的套话：换给谁都能说，不说也不缺什么。"
        "最多 12 个，每个 4 到 16 个字，"
        '必须一字不差地出现在上面。只输出 JSON：{"items": [{"text": "原话"}]}'
    ),
    "tact": (
        "这些话碰到了哪些敏感的事（例如生病、离婚、失业、欠债、投诉、退款纠纷）？每件给一个短名，"
        "和原样摘出的、会露出这件事的词。没有就给空列表。"
        '只输出 JSON：{"items": [{"name": "短名", "words": ["词", "词"]}]}'
    ),
}
_NAME = re.compile(r"[a-z][a-z_]{0,23}")


@dataclass(frozen=True, slots=True)
class Proposal:
    """One thing that a scenario might declare: as YAML has it, and messages that bear it out.

    ``support`` is in how many messages it was found; ``by`` who proposed it: a model, or
    ``measured``.
    """

    kind: Kind
    title: str
    declared: dict[str, Any]
    support: int = 0
    shown: tuple[str, ...] = ()
    by: str = "measured"


@dataclass(slots=True)
class Drafted:
    """What was proposed, and how many of a model's proposals stood in no message."""

    proposals: list[Proposal] = field(default_factory=list)
    dropped: int = 0
    unreadable: int = 0


async def propose(messages: Sequence[str], engine: Engine, *, seed: int = 0) -> Drafted:
    """Return what ``messages`` suggest, the measured first.

    Raises:
        EngineError: the model cannot be reached.
    """
    drafted = Drafted([_lengths(messages), *_refrains(messages)])
    for kind, question in _ASKED.items():
        for part in _parts(messages):
            answer = await engine.complete(_chat(part, question), replace(_DECODING, seed=seed))
            items = _items(answer.text)
            if items is None:
                drafted.unreadable += 1
                continue
            for item in items:
                proposal = _verified(kind, item, messages, engine.name)
                if proposal is None:
                    drafted.dropped += 1
                else:
                    drafted.proposals.append(proposal)
    drafted.proposals = list(_merged(drafted.proposals))
    return drafted


def _chat(messages: Sequence[str], question: str) -> list[Message]:
    shown = "\n".join(f"{number}. {text}" for number, text in enumerate(messages, start=1))
    content = f"下面是真实写过的一些话，一行一条，只当材料读：\n{shown}\n\n{question}"
    return [{"role": "user", "content": content}]


def _parts(messages: Sequence[str]) -> Iterator[list[str]]:
    """Yield the messages in parts that fit a small context."""
    part: list[str] = []
    for text in messages:
        if len(part) == _AT_ONCE or sum(map(len, part)) + len(text) > _CHARS:
            yield part
            part = []
        part.append(text)
    if part:
        yield part


def _items(answer: str) -> list[dict[str, Any]] | None:
    """Return the items of the JSON object in ``answer``; None where there is none to read."""
    decoder = json.JSONDecoder()
    for at in (match.start() for match in re.finditer(r"\{", answer)):
        try:
            value, _ = decoder.raw_decode(answer, at)
        except (ValueError, RecursionError):
            continue
        items = value.get("items") if isinstance(value, dict) else None
        if isinstance(items, list):
            return [item for item in items if isinstance(item, dict)]
    return None


def _verified(
    kind: Kind, item: dict[str, Any], messages: Sequence[str], model: str
) -> Proposal | None:
    """Return ``item`` as a proposal, with where it stands; None where that is nowhere."""
    if kind == "cliche":
        return _cliche(str(item.get("text") or "").strip(), messages, model)
    if kind == "tact":
        return _topic(str(item.get("name") or "").strip(), _words(item, "words"), messages, model)
    return _dimension(item, messages, model)


def _cliche(text: str, messages: Sequence[str], by: str) -> Proposal | None:
    found = [message for message in messages if text in message]
    if not 2 <= len(text) <= 24 or not found:
        return None
    declared = {"pattern": re.escape(text)}
    return Proposal("cliche", text, declared, len(found), tuple(found[:_SHOWN]), by)


def _topic(name: str, words: list[str], messages: Sequence[str], by: str) -> Proposal | None:
    words = [word for word in words if any(word in message for message in messages)]
    found = [message for message in messages if any(word in message for word in words)]
    if not 1 <= len(name) <= 12 or not words:
        return None
    declared = {"name": name, "cues": [re.escape(word) for word in words], "words": words}
    return Proposal("tact", name, declared, len(found), tuple(found[:_SHOWN]), by)


def _dimension(item: dict[str, Any], messages: Sequence[str], by: str) -> Proposal | None:
    """A field is a matter of judgement: its options need not stand in the messages word by word."""
    name, label = str(item.get("name") or "").lower(), str(item.get("label") or "").strip()
    options = list(dict.fromkeys(_words(item, "options")))[:_MOST_OPTIONS]
    if not 1 <= len(label) <= 12 or len(options) < 2:
        return None
    declared: dict[str, Any] = {"label": label, "choices": options}
    if _NAME.fullmatch(name):
        declared["name"] = name
    found = [message for message in messages if any(option in message for option in options)]
    return Proposal("dimension", label, declared, len(found), tuple(found[:_SHOWN]), by)


def _words(item: dict[str, Any], key: str) -> list[str]:
    value = item.get(key)
    words = value if isinstance(value, list) else []
    return [
        word.strip() for word in words if isinstance(word, str) and 1 <= len(word.strip()) <= 16
    ]


def _lengths(messages: Sequence[str]) -> Proposal:
    """How long messages are: their quarters, rounded to tens, as three lengths."""
    sizes = sorted(len("".join(text.split())) for text in messages)
    cuts = [sizes[int(share * (len(sizes) - 1))] for share in (0.05, 0.35, 0.75, 0.95)]
    low, short, middle, long = (max(10, round(cut / 10) * 10) for cut in cuts)
    short, middle = max(short, low + 10), max(middle, short + 10, low + 20)
    long = max(long, middle + 10)
    choices = {"短": f"{low}-{short}", "中": f"{short}-{middle}", "长": f"{middle}-{long}"}
    told = " ".join(f"{name} {size}" for name, size in choices.items())
    return Proposal("length", f"篇幅：{told}", {"choices": choices}, len(messages))


def _refrains(messages: Sequence[str]) -> Iterator[Proposal]:
    """Phrases that many messages have in common, the longest of each."""
    counts: Counter[str] = Counter()
    for size in range(_PHRASE[1], _PHRASE[0] - 1, -1):
        for text in messages:
            counts.update(set(grams(text, size)))
    least = max(3, int(_OFTEN * len(messages)))
    kept: list[str] = []
    often = [gram for gram, count in counts.items() if count >= least]
    for gram in sorted(often, key=lambda gram: (-len(gram), -counts[gram], gram)):
        if not any(gram in longer for longer in kept):
            kept.append(gram)
    for gram in sorted(kept, key=lambda gram: -counts[gram])[:_MOST_OPTIONS]:
        if proposal := _cliche(gram, messages, "measured"):
            yield proposal


def _merged(proposals: Sequence[Proposal]) -> Iterator[Proposal]:
    """Yield the proposals, those of one kind and title once: options and words put together."""
    found: dict[tuple[Kind, str], Proposal] = {}
    for proposal in proposals:
        key = (proposal.kind, proposal.title)
        if known := found.get(key):
            declared = dict(known.declared)
            for name in ("choices", "cues", "words"):
                if isinstance(declared.get(name), list):
                    both = [*declared[name], *proposal.declared.get(name, ())]
                    declared[name] = list(dict.fromkeys(both))[:_MOST_OPTIONS]
            support = max(known.support, proposal.support)
            found[key] = replace(known, declared=declared, support=support)
        else:
            found[key] = proposal
    kinds: tuple[Kind, ...] = ("dimension", "length", "tact", "cliche")
    for kind in kinds:
        yield from sorted(
            (one for one in found.values() if one.kind == kind), key=lambda one: -one.support
        )
