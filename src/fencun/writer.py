"""From a brief to the texts worth showing: draw several, look at each through the gates, rank.

One draw is one answer of the engine. All draws of a writing share one reading of the prompt
where the engine can; the best few are kept. Nothing here knows whether a terminal, a page or
an API asked.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from fencun.adapter import Adapter
from fencun.brief import Brief
from fencun.errors import EngineError
from fencun.gates import Finding, Gates
from fencun.grams import alike
from fencun.models.ending import flaw
from fencun.models.engine import Completion, Decoding, Delta, Engine, Message
from fencun.models.several import even_parts, numbered
from fencun.prompt import ADAPTED, ARMS, Arm, messages
from fencun.retrieval import Example, Retriever
from fencun.verifier import Verifier

_SAME = 0.85  # two texts this alike (difflib ratio, punctuation aside) are one text
_TOKENS_PER_CHARACTER = 1.3  # generous for the Qwen vocabulary: about 0.7 on Chinese prose
_SHOWN = 2  # written lines that one prompt shows, as in training
EXAMPLES = 3  # written lines that a person is shown
_DOUBT = 0.1  # what a doubt of the gates weighs beside the verifier's probability
UNSURE = 0.35  # below this no text is called fit


@dataclass(frozen=True, slots=True)
class Candidate:
    """One draw: its text, what the gates found, and the seed that draws it again.

    ``mean_logprob`` is how likely the model itself held its tokens, in nats; ``sendable`` what
    the verifier holds, from 0 to 1, of its being sent as it stands. None where nobody told.
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
        """Whether the verifier holds none of the kept texts fit to be sent as it stands."""
        told = [c.sendable for c in self.candidates if c.sendable is not None]
        return bool(told) and max(told) < UNSURE


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
    ) -> None:
        """Take what writes (``engine``, ``adapter``), what is shown to it, and what judges it."""
        self.engine = engine
        self.gates = gates
        self.adapter = adapter if engine.has_adapter else None
        self.retriever = retriever
        self.verifier = verifier if engine.has_adapter else None

    @property
    def default_arm(self) -> Arm:
        """``edit`` where an adapter and written lines are at hand, else ``tuned`` or ``prompt``."""
        if self.adapter is None:
            return "prompt"
        return "edit" if self.retriever else "tuned"

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that can answer here."""
        if self.adapter is None:
            return ("bare", "prompt")
        return ARMS if self.retriever else ("bare", "prompt", "tuned")

    def draws_for(self, keep: int) -> int:
        """Return how many texts to draw in order to keep ``keep``: more where one can choose."""
        return 2 * keep + (2 if self.verifier else 0)

    def decoding(self, brief: Brief, arm: Arm) -> Decoding:
        """Return how ``arm`` samples an answer to ``brief``."""
        decoding = Decoding()
        if arm in ADAPTED and self.adapter:
            decoding = replace(
                decoding, temperature=self.adapter.temperature, adapter_scale=self.adapter.scale
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
        near = self.nearest(brief, 2 * _SHOWN) if arm == "edit" else []
        shown = [near[start : start + _SHOWN] for start in range(0, len(near), _SHOWN)] or [[]]
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
                    yield Done(answer.index, candidate)
            first += prompt.draws
        kept = await self.choose(brief, candidates, keep)
        if not kept and empty:
            raise empty
        near = tuple(self.nearest(brief, EXAMPLES))
        yield Writing(brief, arm, self.engine.name, seed, kept, draws, near)

    def sampling(self, brief: Brief, arm: Arm) -> Decoding:
        """Return :meth:`decoding`, asking how likely each token was where that decides."""
        likely = arm == "tuned" and self.adapter is not None and self.verifier is None
        return replace(self.decoding(brief, arm), logprobs=likely)

    async def choose(
        self, brief: Brief, candidates: list[Candidate], keep: int
    ) -> tuple[Candidate, ...]:
        """Return the best ``keep`` of ``candidates``, best first, after the verifier's reading."""
        return tuple(rank(await self._verified(brief, candidates))[:keep])

    async def _verified(self, brief: Brief, candidates: list[Candidate]) -> list[Candidate]:
        """Return the candidates worth a read, best by the gates first, each with its reading."""
        distinct = rank(candidates)
        if self.verifier is None:
            return distinct
        worth = [candidate for candidate in distinct if candidate.passed] or distinct
        told = await self.verifier.read(brief, [candidate.text for candidate in worth])
        read = [replace(c, sendable=p) for c, p in zip(worth, told, strict=True)]
        return [*read, *(candidate for candidate in distinct if candidate not in worth)]

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


def rank(candidates: list[Candidate]) -> list[Candidate]:
    """Order by faults, then by what the verifier held; of two that are nearly one keep the better.

    A doubt of the gates weighs as much as a tenth of the verifier's certainty. Where nobody
    read, doubts, the model's own likelihood and last the seed decide.
    """
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=_badness):
        if candidate.text and not any(alike(candidate.text, other.text, _SAME) for other in kept):
            kept.append(candidate)
    return kept


def _badness(candidate: Candidate) -> tuple[int, float, float, int]:
    faults = sum(finding.severity == "fault" for finding in candidate.findings)
    doubts = len(candidate.findings) - faults
    held = _DOUBT * doubts - (candidate.sendable or 0.0)
    return faults, held, -(candidate.mean_logprob or 0.0), candidate.seed
