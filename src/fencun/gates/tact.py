"""Whether a sensitive matter of the brief is named although it should not be."""

import re
from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding, Severity
from fencun.gates.text import shown
from fencun.scenario import Scenario, TactTopic
from fencun.tact import told
from fencun.words import Patterns, Span, Words

_STOP = re.compile(r"[\s，。；！？：、,.!?;:…—~～]")
# "别提钱": what the writer wants left unsaid. What only says how to write stands in no text.
_UNSAID = re.compile(
    r"(?:别|不要|不许|不用)再?(?:提|说|讲|写)(?:到|他|她|我|你)?(?:的)?(?P<what>[\u4e00-\u9fff]{1,4}?)"
    r"(?:了|这事|的事|这个)?(?=，|$)"
)
_MINE = re.compile(
    r"^(?:去年|前年|那年|大学)?[我俺](?![爸妈爹娘爷奶公婆姥外哥姐弟妹舅姨姑叔伯家们俩跟和])"
)
_SECRET = re.compile(r"没跟|没告诉|没说|瞒|不想|别提|不要提")


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
        yield from self._unsaid(text, told(brief.value("detail")))
        for topic in brief.topics:
            mine = _is_mine(brief, topic)
            for span in self._named(text, topic):
                yield self._found(topic, span, mine)

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
        for match in _UNSAID.finditer(detail):
            what = match["what"]
            if (at := text.find(what)) >= 0:
                yield Finding(
                    self.name, "fault", at, at + len(what),
                    f"您说了别提“{shown(what)}”。", f"You asked to leave {shown(what)!r} unsaid.",
                )  # fmt: skip

    def _found(self, topic: TactTopic, span: Span, mine: bool) -> Finding:
        start, end, word = span
        if word in topic.unfit:
            zh, en = (
                f"对方家里有事，“{shown(word)}”不合适。",
                f"{shown(word)!r} jars with {topic.en}.",
            )
            return Finding(self.name, "fault", start, end, zh, en)
        hushed = topic.handling == "不提" and not mine
        severity: Severity = "fault" if hushed else "doubt"
        return Finding(
            self.name,
            severity,
            start,
            end,
            f"“{shown(word)}”点破了{topic.name}，{'这事不提更好' if hushed else '再轻一点更好'}。",
            f"{shown(word)!r} names {topic.en}: {'leave it out' if hushed else 'be lighter'}.",
        )


def _is_mine(brief: Brief, topic: TactTopic) -> bool:
    """Whether the matter is the writer's own, and no secret: the writer may speak of it."""
    detail = told(brief.value("detail"))
    telling = [c for c in detail.split("，") if topic in brief.scenario.topics_in(c)]
    return bool(telling) and all(map(_MINE.match, telling)) and not _SECRET.search(detail)
