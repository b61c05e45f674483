"""Whether a sensitive matter of the brief is named although it should not be."""

import re
from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding, Severity
from fencun.gates.text import shown
from fencun.scenario import Scenario, TactTopic
from fencun.tact import cue_text, unsaid
from fencun.words import Patterns, Span, Words

_STOP = re.compile(r"[\s，。；！？：、,.!?;:…—~～]")


class TactGate:
    """Topics are recognised by what betrays them in the detail; they must not be named.

    What names one are the topic's words and expressions and, where nothing may be said of it,
    whatever would betray it in a detail.
    """

    name = "tact"

    def __init__(self, scenario: Scenario) -> None:
        self._words = {
            topic.name: Words((*topic.words, *topic.unfit, *topic.allowed))
            for topic in scenario.tact
        }
        self._tells = {topic.name: Patterns(topic.tells) for topic in scenario.tact}
        self._cues = {topic.name: Patterns(topic.cues) for topic in scenario.tact}

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        yield from self._unsaid(text, cue_text(brief.value("detail")))
        topics = brief.topics
        hushed = brief.hushed if topics else ()
        for topic in topics:
            for span in self._named(text, topic):
                yield self._found(topic, span, topic in hushed)

    def _named(self, text: str, topic: TactTopic) -> Iterator[Span]:
        """Yield what names the matter; of two places that overlap the first."""
        words = self._words[topic.name].find(text)
        free = [span for span in words if span.word in topic.allowed]
        spans = [*words, *self._tells[topic.name].find(text)]
        if topic.handling == "不提":
            spans += self._cues[topic.name].find(_STOP.sub("，", text))
        for span in spans:
            if not any(span.start < other.end and other.start < span.end for other in free):
                free.append(span)
                yield span

    def _unsaid(self, text: str, detail: str) -> Iterator[Finding]:
        for what in unsaid(detail):
            if (at := text.find(what)) >= 0:
                yield Finding(
                    self.name, "fault", at, at + len(what),
                    f"您说了别提“{shown(what)}”。", f"You asked to leave {shown(what)!r} unsaid.",
                )  # fmt: skip

    def _found(self, topic: TactTopic, span: Span, hushed: bool) -> Finding:
        start, end, word = span
        if word in topic.unfit:
            zh, en = (
                f"对方家里有事，“{shown(word)}”不合适。",
                f"{shown(word)!r} jars with {topic.en}.",
            )
            return Finding(self.name, "fault", start, end, zh, en)
        severity: Severity = "fault" if hushed else "doubt"
        return Finding(
            self.name,
            severity,
            start,
            end,
            f"“{shown(word)}”点破了{topic.name}，{'这事不提更好' if hushed else '再轻一点更好'}。",
            f"{shown(word)!r} names {topic.en}: {'leave it out' if hushed else 'be lighter'}.",
        )
