"""Whether a sensitive matter of the brief is named although it should not be."""

from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding
from fencun.gates.text import shown
from fencun.scenario import Scenario, TactTopic
from fencun.words import Words


class TactGate:
    """Topics are recognised by their cues in the detail; their words must not be said."""

    name = "tact"

    def __init__(self, scenario: Scenario) -> None:
        self._topics = scenario.tact
        self._words = {
            topic.name: Words((*topic.words, *topic.unfit, *topic.allowed))
            for topic in self._topics
        }

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        for topic in brief.topics:
            for span in self._words[topic.name].find(text):
                if span.word not in topic.allowed:
                    yield self._found(topic, span.start, span.end, span.word)

    def _found(self, topic: TactTopic, start: int, end: int, word: str) -> Finding:
        if word in topic.unfit:
            zh, en = (
                f"对方家里有事，“{shown(word)}”不合适。",
                f"{shown(word)!r} jars with {topic.en}.",
            )
            return Finding(self.name, "fault", start, end, zh, en)
        hushed = topic.handling == "不提"
        return Finding(
            self.name,
            "fault" if hushed else "doubt",
            start,
            end,
            f"“{shown(word)}”点破了{topic.name}，{'这事不提更好' if hushed else '再轻一点更好'}。",
            f"{shown(word)!r} names {topic.en}: {'leave it out' if hushed else 'be lighter'}.",
        )
