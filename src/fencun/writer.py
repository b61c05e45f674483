"""From a brief to the texts worth showing: draw several, look at each through the gates, rank.

One draw is one answer of the engine. All draws of a writing share one reading of the prompt
where the engine can; the best few are kept. Nothing here knows whether a terminal, a page or
an API asked.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from fencun.adapter import Adapter
from fencun.brief import Brief
from fencun.errors import EngineError
from fencun.gates import Finding, Gates
from fencun.models.ending import flaw
from fencun.models.engine import Completion, Decoding, Delta, Engine
from fencun.prompt import Arm, messages

_PUNCTUATION = re.compile(r"[\W_]+")
_SAME = 0.85  # two texts this alike (difflib ratio, punctuation aside) are one text
_TOKENS_PER_CHARACTER = 1.3  # generous for the Qwen vocabulary: about 0.7 on Chinese prose


@dataclass(frozen=True, slots=True)
class Candidate:
    """One draw: its text, what the gates found, and the seed that draws it again.

    ``mean_logprob`` is how likely the model itself held its tokens, in nats; None where the
    engine did not tell.
    """

    text: str
    findings: tuple[Finding, ...]
    seed: int
    mean_logprob: float | None = None

    @property
    def passed(self) -> bool:
        """Whether no gate found a fault; doubts are allowed."""
        return all(finding.severity != "fault" for finding in self.findings)

    @property
    def remark(self) -> str:
        """What is doubtful about the text, in one short sentence; empty where nothing is."""
        return str(self.findings[0]) if self.findings else ""


@dataclass(frozen=True, slots=True)
class Writing:
    """What came of a brief: the kept candidates, best first, and how many were drawn."""

    brief: Brief
    arm: Arm
    model: str
    seed: int
    candidates: tuple[Candidate, ...]
    drawn: int

    @property
    def passed(self) -> bool:
        """Whether any kept candidate passed the gates."""
        return any(candidate.passed for candidate in self.candidates)


@dataclass(frozen=True, slots=True)
class Piece:
    """A draw has grown by ``text``."""

    draw: int
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """A draw is whole."""

    draw: int
    candidate: Candidate


Event = Piece | Done | Writing


class Writer:
    """Writes for one scenario through one engine."""

    def __init__(self, engine: Engine, gates: Gates, adapter: Adapter | None = None) -> None:
        self.engine = engine
        self.gates = gates
        self.adapter = adapter if engine.has_adapter else None

    @property
    def default_arm(self) -> Arm:
        """``tuned`` where an adapter is loaded, else ``prompt``."""
        return "tuned" if self.adapter else "prompt"

    def decoding(self, brief: Brief, arm: Arm) -> Decoding:
        """Return how ``arm`` samples an answer to ``brief``."""
        decoding = Decoding()
        if arm == "tuned" and self.adapter:
            decoding = replace(
                decoding, temperature=self.adapter.temperature, adapter_scale=self.adapter.scale
            )
        if brief.length:
            most = int(brief.length.max * _TOKENS_PER_CHARACTER) + 24
            decoding = replace(decoding, max_tokens=most)
        return decoding

    async def write(
        self, brief: Brief, *, arm: Arm, keep: int = 3, draws: int = 6, seed: int = 0
    ) -> Writing:
        """Draw ``draws`` texts (seeds ``seed``, ``seed + 1``, …) and keep the best ``keep``.

        Raises:
            EngineError: the engine failed, or gave no text at all; no half result is returned.
            BusyError: the engine's queue is full.
        """
        async with aclosing(
            self.stream(brief, arm=arm, keep=keep, draws=draws, seed=seed)
        ) as events:
            async for event in events:
                if isinstance(event, Writing):
                    return event
        raise AssertionError("a stream of events ends with its writing")

    async def stream(
        self, brief: Brief, *, arm: Arm, keep: int = 3, draws: int = 6, seed: int = 0
    ) -> AsyncGenerator[Event, None]:
        """Yield every :class:`Piece` and :class:`Done` as it comes, and the :class:`Writing` last.

        Closing the iterator cancels what is still being drawn. Raises as :meth:`write`.
        """
        likely = arm == "tuned" and self.adapter is not None
        decoding = replace(self.decoding(brief, arm), seed=seed, logprobs=likely)
        candidates: list[Candidate] = []
        empty: EngineError | None = None
        answers = self.engine.stream_many(messages(brief, arm), decoding, draws)
        async with aclosing(answers):
            async for answer in answers:
                if isinstance(answer, Delta):
                    yield Piece(answer.index, answer.text)
                    continue
                candidate = self.judge(brief, answer.completion, seed + answer.index)
                if not candidate.text and (ending := flaw(answer.completion)):
                    empty = ending.error()
                candidates.append(candidate)
                yield Done(answer.index, candidate)
        kept = tuple(rank(candidates)[:keep])
        if not kept and empty:
            raise empty
        yield Writing(brief, arm, self.engine.name, seed, kept, draws)

    def judge(self, brief: Brief, completion: Completion, seed: int = 0) -> Candidate:
        """Return an answer as a candidate: looked at as a text, and at how it ended."""
        candidate = self.look(brief, completion.text, seed)
        findings = candidate.findings
        if ending := flaw(completion):
            found = Finding("ending", ending.severity, 0, 0, ending.zh, ending.en)
            findings = (found, *findings) if ending.severity == "fault" else (*findings, found)
        return replace(candidate, findings=findings, mean_logprob=completion.mean_logprob)

    def look(self, brief: Brief, text: str, seed: int = 0) -> Candidate:
        """Return ``text`` as a candidate: tidied, and looked at through the gates."""
        text = tidy(text)
        return Candidate(text, tuple(self.gates.check(text, brief)), seed)


def tidy(text: str) -> str:
    """Strip white space and the quotation marks that a model puts around its whole answer."""
    text = text.strip()
    for left, right in ("“”", "「」", '""', "''"):
        inner = text[1:-1].strip()
        wrapped = text.startswith(left) and text.endswith(right)
        if wrapped and inner and left not in inner and right not in inner:
            return inner
    return text


def rank(candidates: list[Candidate]) -> list[Candidate]:
    """Order by faults, doubts and likelihood; of two texts that are nearly one keep the better.

    What a small tuned model holds unlikely itself is seldom sense. Where no likelihood is told,
    the seed decides.
    """
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=_badness):
        if candidate.text and not any(_alike(candidate.text, other.text) for other in kept):
            kept.append(candidate)
    return kept


def _badness(candidate: Candidate) -> tuple[int, int, float, int]:
    faults = sum(finding.severity == "fault" for finding in candidate.findings)
    doubts = len(candidate.findings) - faults
    return faults, doubts, -(candidate.mean_logprob or 0.0), candidate.seed


def _alike(one: str, other: str) -> bool:
    bare, bare_other = (_PUNCTUATION.sub("", text) for text in (one, other))
    matcher = SequenceMatcher(None, bare, bare_other, autojunk=False)
    return matcher.real_quick_ratio() >= _SAME and matcher.ratio() >= _SAME
