"""From a brief to the texts worth showing: draw several, look at each through the gates, rank.

One draw is one answer of the engine. All draws of a writing share one reading of the prompt
where the engine can; the best few are kept. Nothing here knows whether a terminal, a page or
an API asked.
"""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from fencun.adapter import Adapter
from fencun.brief import Brief
from fencun.errors import EngineError, FencunError
from fencun.gates import Finding, Gates
from fencun.grams import alike
from fencun.models.ending import flaw
from fencun.models.engine import Completion, Decoding, Delta, Engine, Message
from fencun.models.several import even_parts, numbered
from fencun.prompt import ADAPTED, ARMS, Arm, messages, parse_arm
from fencun.ranking import Ranking
from fencun.retrieval import Example, Retriever
from fencun.verifier import Verifier

_SAME = 0.85  # two texts this alike (difflib ratio, punctuation aside) are one text
_TOKENS_PER_CHARACTER = 1.3  # generous for the Qwen vocabulary: about 0.7 on Chinese prose
SHOWN = 2  # written lines that one prompt shows, as in training
EXAMPLES = 3  # written lines that a person is shown
_DOUBT = 0.1  # what a doubt of the gates weighs beside the probability of being fit
_CLAUSES = re.compile("[，。！？；,!?;]")
_WISHING = re.compile("^(?:祝|愿)?(?:您|你|你们|大家)?")
UNSURE = 0.35  # below this no text is called fit


@dataclass(frozen=True, slots=True)
class Candidate:
    """One draw: its text, what the gates found, and the seed that draws it again.

    ``mean_logprob`` is how likely the model itself held its tokens, in nats; ``sendable`` how
    probable it is held, from 0 to 1, that it can be sent as it stands. None where nobody told.
    """

    text: str
    findings: tuple[Finding, ...]
    seed: int
    mean_logprob: float | None = None
    sendable: float | None = None

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
    """What came of a brief: the kept candidates, best first, and how many were drawn.

    ``examples`` are the written lines nearest to the brief, by other hands than the model's.
    """

    brief: Brief
    arm: Arm
    model: str
    seed: int
    candidates: tuple[Candidate, ...]
    drawn: int
    examples: tuple[Example, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether any kept candidate passed the gates."""
        return any(candidate.passed for candidate in self.candidates)

    @property
    def unsure(self) -> bool:
        """Whether none of the kept texts is held fit to be sent as it stands."""
        told = [c.sendable for c in self.candidates if c.sendable is not None]
        return bool(told) and max(told) < UNSURE


@dataclass(frozen=True, slots=True)
class Piece:
    """A draw has grown by ``text``."""

    draw: int
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """A draw is whole; ``completion`` is the answer as the engine gave it."""

    draw: int
    candidate: Candidate
    completion: Completion


Event = Piece | Done | Writing


@dataclass(frozen=True, slots=True)
class Prompt:
    """One chat to send for ``draws`` draws, and the written lines that it shows."""

    chat: list[Message]
    shown: tuple[Example, ...]
    draws: int


class Writer:
    """Writes for one scenario through one engine."""

    def __init__(
        self,
        engine: Engine,
        gates: Gates,
        adapter: Adapter | None = None,
        *,
        retriever: Retriever | None = None,
        verifier: Verifier | None = None,
        ranking: Ranking | None = None,
        loaded: Sequence[Adapter] = (),
    ) -> None:
        """Take what writes (``engine``, ``adapter``), what is shown to it, and what judges it.

        ``loaded`` are all adapters of the engine in its order, those of other scenarios too.
        """
        self.engine = engine
        self.loaded = tuple(loaded)
        self.gates = gates
        self.adapter = adapter if engine.has_adapter else None
        self.retriever = retriever
        self.verifier = verifier if engine.has_adapter else None
        self.ranking = ranking if self.adapter else None

    @property
    def default_arm(self) -> Arm:
        """``edit`` for an adapter that learnt to adapt lines; else ``tuned``, or ``prompt``."""
        if self.adapter is None:
            return "prompt"
        return "edit" if self.adapter.edits and self.retriever else "tuned"

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that can answer here."""
        if self.adapter is None:
            return ("bare", "prompt")
        return ARMS if self.retriever else ("bare", "prompt", "tuned")

    def arm(self, name: str | None) -> Arm:
        """Return the arm called ``name``, or the usual one where nobody named any.

        Raises:
            FencunError: there is none, or it cannot answer here.
        """
        if not name:
            return self.default_arm
        arm = parse_arm(name)
        if arm not in self.arms:
            raise FencunError(*self.lacking(arm))
        return arm

    def lacking(self, arm: Arm) -> tuple[str, str]:
        """Say why ``arm`` cannot answer here, and which can, in Chinese and in English."""
        model, others = self.engine.name, self.arms
        return (
            f"没有加载给 {model} 的适配器，用不了 {arm}；可选：{'、'.join(others)}。",
            f"No adapter for {model} is loaded, so {arm} cannot answer: {', '.join(others)}.",
        )

    def draws_for(self, keep: int) -> int:
        """Return how many texts to draw in order to keep ``keep``: more where one can choose."""
        return 2 * keep + (2 if self.verifier or self.ranking else 0)

    def decoding(self, brief: Brief, arm: Arm) -> Decoding:
        """Return how ``arm`` samples an answer to ``brief``."""
        decoding = Decoding()
        if arm in ADAPTED and self.adapter:
            decoding = replace(
                decoding,
                temperature=self.adapter.temperature,
                adapter_scale=self.adapter.scale,
                adapter=self.loaded.index(self.adapter) if self.adapter in self.loaded else 0,
            )
        if brief.length:
            most = int(brief.length.max * _TOKENS_PER_CHARACTER) + 24
            decoding = replace(decoding, max_tokens=most)
        return decoding

    def nearest(self, brief: Brief, count: int) -> list[Example]:
        """Return the ``count`` written lines nearest to ``brief``; none where none are at hand."""
        return self.retriever.nearest(brief, count) if self.retriever else []

    def prompts(self, brief: Brief, arm: Arm, draws: int) -> list[Prompt]:
        """Return the chats to send, for ``draws`` draws in all.

        Half of the draws adapt the two nearest written lines, half the next two: texts that
        began alike would go wrong alike.
        """
        near = self.nearest(brief, 2 * SHOWN) if arm == "edit" else []
        shown = [near[start : start + SHOWN] for start in range(0, len(near), SHOWN)] or [[]]
        shown = shown[:draws]
        counts = even_parts(draws, len(shown))
        return [
            Prompt(messages(brief, arm, examples), tuple(examples), count)
            for examples, count in zip(shown, counts, strict=True)
        ]

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
        decoding = self.sampling(brief, arm)
        candidates: list[Candidate] = []
        empty: EngineError | None = None
        first = 0
        for prompt in self.prompts(brief, arm, draws):
            seeded = replace(decoding, seed=seed + first)
            answers = numbered(self.engine.stream_many(prompt.chat, seeded, prompt.draws), first)
            async with aclosing(answers):
                async for answer in answers:
                    if isinstance(answer, Delta):
                        yield Piece(answer.index, answer.text)
                        continue
                    drawn = seed + answer.index
                    candidate = self.judge(brief, answer.completion, drawn, prompt.shown)
                    if not candidate.text and (ending := flaw(answer.completion)):
                        empty = ending.error()
                    candidates.append(candidate)
                    yield Done(answer.index, candidate, answer.completion)
            first += prompt.draws
        kept = await self.choose(brief, candidates, keep)
        if not kept and empty:
            raise empty
        near = tuple(self.nearest(brief, EXAMPLES))
        yield Writing(brief, arm, self.engine.name, seed, kept, draws, near)

    def sampling(self, brief: Brief, arm: Arm) -> Decoding:
        """Return :meth:`decoding`, asking how likely each token was where that decides."""
        likely = self.ranking is not None or (arm == "tuned" and self.verifier is None)
        likely = likely and arm in ADAPTED and self.adapter is not None
        return replace(self.decoding(brief, arm), logprobs=likely)

    async def choose(
        self, brief: Brief, candidates: list[Candidate], keep: int
    ) -> tuple[Candidate, ...]:
        """Return the best ``keep`` of ``candidates``, best first, after all have been read."""
        if self.verifier or self.ranking:
            candidates = await self._held(brief, candidates, keep)
        return tuple(rank(candidates, keep))

    async def _held(self, brief: Brief, candidates: list[Candidate], keep: int) -> list[Candidate]:
        """Return the candidates, those that passed each with how fit it is held.

        A read costs as much as a dozen tokens. Where other readings are weighed beside it, only
        those texts are read that would be among the best ``keep``, until all of these are read.
        """
        distinct = rank(candidates)
        worth = [candidate for candidate in distinct if candidate.passed] or distinct
        rest = [candidate for candidate in distinct if candidate not in worth]
        held = [replace(each, sendable=self._sendable(brief, each, None)) for each in worth]
        most = keep if self.ranking else len(held)
        read: dict[int, float | None] = {}
        while self.verifier:
            unread = [each for each in rank(held, most) if each.seed not in read]
            if not unread:
                break
            told = await self.verifier.read(brief, [each.text for each in unread])
            read |= {each.seed: said for each, said in zip(unread, told, strict=True)}
            held = [
                replace(each, sendable=self._sendable(brief, each, read.get(each.seed)))
                for each in held
            ]
        return [*held, *rest]

    def _sendable(self, brief: Brief, candidate: Candidate, verified: float | None) -> float | None:
        """Return how fit the text is held: by all readings where they are weighed, else by one."""
        if self.ranking is None or candidate.mean_logprob is None:
            return verified
        invented = self.retriever.invented(candidate.text, brief) if self.retriever else None
        return self.ranking.probability(candidate.mean_logprob, invented, verified)

    def judge(
        self,
        brief: Brief,
        completion: Completion,
        seed: int = 0,
        shown: tuple[Example, ...] = (),
    ) -> Candidate:
        """Return an answer as a candidate: looked at as a text, and at how it ended.

        ``shown`` are the written lines that its prompt showed: their facts are not its own.
        """
        candidate = self.look(brief, completion.text, seed)
        findings = candidate.findings
        if ending := flaw(completion):
            found = Finding("ending", ending.severity, 0, 0, ending.zh, ending.en)
            findings = (found, *findings) if ending.severity == "fault" else (*findings, found)
        told = replace(candidate, findings=findings, mean_logprob=completion.mean_logprob)
        return self._without_borrowed_facts(brief, told, shown)

    def _without_borrowed_facts(
        self, brief: Brief, candidate: Candidate, shown: tuple[Example, ...]
    ) -> Candidate:
        """Return ``candidate`` with a fault for every fact of the lines it was shown."""
        if self.retriever is None:
            return candidate
        text = candidate.text
        found = tuple(
            Finding(
                "borrowed", "fault", start, end,
                f"“{text[start:end]}”是范例里的事，不是你们的。",
                f"{text[start:end]!r} is a fact of an example, not yours.",
            )
            for start, end in self.retriever.borrowed(text, brief, shown)
        )  # fmt: skip
        return replace(candidate, findings=(*found, *candidate.findings)) if found else candidate

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


def rank(candidates: list[Candidate], most: int | None = None) -> list[Candidate]:
    """Order by faults, then by how fit they are held; of two that are nearly one keep the better.

    Only the best ``most`` are looked for where that is given.

    A doubt of the gates weighs as much as a tenth of a probability, and so does an end that a
    better one has too: a small model wishes everybody the same. Where nobody read, doubts, the
    model's own likelihood and last the seed decide.
    """
    kept: list[Candidate] = []
    waiting = [candidate for candidate in candidates if candidate.text]
    while waiting and (most is None or len(kept) < most):
        ends = {_end(other.text) for other in kept}
        best = min(waiting, key=lambda each: _badness(each, again=_end(each.text) in ends))
        waiting.remove(best)
        if not any(alike(best.text, other.text, _SAME) for other in kept):
            kept.append(best)
    return kept


def _end(text: str) -> str:
    """Return the last clause of ``text``, without the words that wish it to somebody."""
    clauses = _CLAUSES.split(text.rstrip("。！？!?~～ "))
    return _WISHING.sub("", clauses[-1])


def _badness(candidate: Candidate, *, again: bool) -> tuple[int, float, float, int]:
    faults = sum(finding.severity == "fault" for finding in candidate.findings)
    doubts = len(candidate.findings) - faults + again
    held = _DOUBT * doubts - (candidate.sendable or 0.0)
    return faults, held, -(candidate.mean_logprob or 0.0), candidate.seed
