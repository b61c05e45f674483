"""What the model is trained on: a record as token ids, loss on the answer only."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fencun.brief import parse_brief
from fencun.errors import FencunError
from fencun.models.engine import Message
from fencun.prompt import messages
from fencun.records import Sample
from fencun.retrieval import Retriever
from fencun.scenario import Scenario

MIN_SAMPLES = 2
# Which of the nearest lines a sample is shown: not always the very nearest, as in serving.
_SHOWN = ((0, 1), (0, 1), (0, 2), (1, 3), (2, 3))


@dataclass(frozen=True)
class TrainingExample:
    """One sample as the model reads it.

    ``prompt`` ends where the assistant's turn begins; ``answer`` ends with the token that
    ends the turn. ``stratum`` is the audience: every one is seen early in a run. Examples of
    one ``group`` are learnt side by side; empty is a group of its own.
    """

    id: str
    family: str
    stratum: str
    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    text: str
    group: str = field(default="", kw_only=True)

    @property
    def ids(self) -> tuple[int, ...]:
        """The tokens fed in: the last one of the answer is only ever predicted."""
        return self.prompt + self.answer[:-1]

    @property
    def key(self) -> str:
        """Hex SHA-256 of the tokens fed in: names what frozen layers make of them."""
        return hashlib.sha256(",".join(map(str, self.ids)).encode()).hexdigest()


def prompt_ids(tokenizer: Any, chat: Sequence[Message]) -> list[int]:
    """Return the tokens of ``chat`` up to where the assistant begins to write, thinking off.

    The same template and switch as in serving: a template without the switch ignores it.
    """
    encoded = tokenizer.apply_chat_template(
        list(chat), tokenize=True, add_generation_prompt=True, enable_thinking=False
    )
    ids = encoded["input_ids"] if isinstance(encoded, Mapping) else encoded
    return [int(token) for token in ids]


def answer_ids(tokenizer: Any, text: str) -> list[int]:
    """Return the tokens of ``text`` and the one that ends the turn."""
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return [*(int(token) for token in ids), int(tokenizer.eos_token_id)]


def encode(
    tokenizer: Any, scenario: Scenario, sample: Sample, retriever: Retriever | None = None
) -> TrainingExample:
    """Turn a sample into token ids, its prompt made by the code that serves.

    With a ``retriever`` four in five learn to adapt the written lines nearest to their brief,
    never those of their own family; the fifth learns to do without.
    """
    brief = parse_brief(scenario, sample.brief, strict=True)
    chat = messages(brief, "tuned")
    chance = int(sample.hash[:8], 16)
    if retriever and chance % 5:
        near = retriever.nearest(brief, 4, without={sample.family})
        chosen = _SHOWN[chance // 5 % len(_SHOWN)]
        chat = messages(brief, "edit", [near[index] for index in chosen if index < len(near)])
    return TrainingExample(
        id=sample.id,
        family=sample.family,
        stratum=brief.value("audience"),
        prompt=tuple(prompt_ids(tokenizer, chat)),
        answer=tuple(answer_ids(tokenizer, sample.text)),
        text=sample.text,
        group="" if sample.generation else sample.family,
    )


def encode_all(
    tokenizer: Any,
    scenario: Scenario,
    samples: Sequence[Sample],
    *,
    max_tokens: int,
    retriever: Retriever | None = None,
) -> tuple[list[TrainingExample], list[str]]:
    """Return the examples that fit in ``max_tokens``, and the ids of those that do not.

    Raises:
        FencunError: fewer than two are left: nothing can be learnt from that.
    """
    encoded = [encode(tokenizer, scenario, sample, retriever) for sample in samples]
    fitting = [example for example in encoded if len(example.ids) <= max_tokens]
    dropped = [example.id for example in encoded if len(example.ids) > max_tokens]
    if len(fitting) < MIN_SAMPLES:
        raise FencunError(
            f"可用的样本只有 {len(fitting)} 条（太长的 {len(dropped)} 条），"
            f"至少要 {MIN_SAMPLES} 条。",
            f"Only {len(fitting)} usable samples ({len(dropped)} too long); "
            f"at least {MIN_SAMPLES} are needed.",
        )
    return fitting, dropped


def shared_prefix(examples: Sequence[TrainingExample]) -> tuple[int, ...]:
    """Return the tokens that all prompts begin with, at least one token short of any prompt."""
    first = min(example.prompt for example in examples)
    last = max(example.prompt for example in examples)
    limit = min(len(example.prompt) for example in examples) - 1
    count = 0
    while count < limit and first[count] == last[count]:
        count += 1
    return first[:count]
