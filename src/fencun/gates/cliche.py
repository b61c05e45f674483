"""Whether the text sounds written by nobody: stock openings, blessings in rows, summary tone."""

import re
from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding
from fencun.gates.text import clauses, shown
from fencun.scenario import Scenario
from fencun.words import Patterns, Span, Words

_WISH = re.compile(r"(?:也|再|还|更|就|并|同时)?(愿|祝|盼|希望|愿你|祝你|祝您|愿您)")
_IN_A_ROW = 3
_IN_ALL = 3
_FLAT = 3
_PAIR = 2
_TOGETHER = re.compile("[，、, ]{0,2}")
_END = r'[。！!~～…”"\s]*\Z'
_CLOSED = re.compile(_END)
_TAIL = 48  # characters at the end in which an ending is looked for
_LEAD = ' “"，。！？：、,.!?:~～\n\t\r　'


class ClicheGate:
    """Openings, phrases, endings and rows of blessings that the scenario's rules refuse."""

    name = "cliche"

    def __init__(self, scenario: Scenario) -> None:
        rules = scenario.rules
        openings = "|".join(f"(?:{pattern})" for pattern in rules.openings)
        self._openings = re.compile(openings) if openings else None
        self._phrases = Patterns(rules.cliches)
        self._stiff = Patterns(rules.stiff)
        self._flat_words = Words(rules.flat)
        self._idioms = Words(rules.idioms)
        self._endings = Patterns(f"(?:{pattern}){_END}" for pattern in rules.endings)

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        yield from self._opening(text, brief)
        detail = brief.value("detail")
        for span in self._phrases.find(text):
            if span.word in detail:
                continue
            yield self._found(
                span, f"套话：“{shown(span.word)}”。", f"Cliché: {shown(span.word)!r}."
            )
        for span in self._stiff.find(text):
            if span.word in detail:
                continue
            zh, en = f"“{shown(span.word)}”听着不像当面说的话。", f"Stiff: {shown(span.word)!r}."
            yield Finding(self.name, "doubt", span.start, span.end, zh, en)
        yield from self._flat(text)
        yield from self._rows(text)
        yield from self._parallel(text)
        tail = max(0, len(text) - _TAIL)
        for start, end, said in self._endings.find(text[tail:]):
            zh, en = "结尾是人人可用的话。", "It ends on words fit for anyone."
            yield self._found(Span(tail + start, tail + end, said), zh, en)

    def _opening(self, text: str, brief: Brief) -> Iterator[Finding]:
        if self._openings is None:
            return
        salutation = brief.value("salutation")
        start = len(text) - len(text.lstrip(_LEAD))
        if salutation and text.startswith(salutation, start):
            start += len(salutation)
            start = len(text) - len(text[start:].lstrip(_LEAD))
        if match := self._openings.match(text, start):
            said = shown(match[0])
            zh, en = f"套话开场：“{said}”。", f"Stock opening: {said!r}."
            yield self._found(Span(match.start(), match.end(), match[0]), zh, en)

    def _flat(self, text: str) -> Iterator[Finding]:
        found = {span.word: span for span in self._flat_words.find(text)}
        if len(found) >= _FLAT:
            first = min(found.values())
            words = "、".join(sorted(found, key=lambda word: found[word])[:_FLAT])
            zh, en = f"空话多：{words}。", f"Empty words: {words}."
            yield self._found(Span(first.start, first.end, first.word), zh, en)

    def _rows(self, text: str) -> Iterator[Finding]:
        found = self._idioms.find(text)
        if len(found) >= _IN_ALL:
            span = Span(found[0].start, found[-1].end, "、".join(s.word for s in found[:_IN_ALL]))
            yield self._found(span, f"四字吉祥话连着用：{span.word}。", "Set blessings in a row.")
        elif len(found) == _PAIR and _ends_in(text, *found):
            zh, en = "结尾是人人可用的话。", "It ends on words fit for anyone."
            yield self._found(Span(found[0].start, found[1].end, found[0].word), zh, en)

    def _parallel(self, text: str) -> Iterator[Finding]:
        if sum(text.count(word) for word in "愿祝盼望") < _IN_A_ROW:
            return
        wishes = [
            (match[1][0], span) for span in clauses(text) if (match := _WISH.match(span.word))
        ]
        for key in {key for key, _ in wishes}:
            row = [span for other, span in wishes if other == key]
            if len(row) >= _IN_A_ROW:
                span = Span(row[0].start, row[-1].end, row[0].word)
                yield self._found(
                    span,
                    f"排比：“{shown(row[0].word, 6)}”一连 {len(row)} 句。",
                    "Wishes in parallel rows.",
                )

    def _found(self, span: Span, zh: str, en: str) -> Finding:
        return Finding(self.name, "fault", span.start, span.end, zh, en)


def _ends_in(text: str, first: Span, second: Span) -> bool:
    """Whether ``text`` ends in the two blessings side by side."""
    together = _TOGETHER.fullmatch(text, first.end, second.start)
    return bool(together and _CLOSED.match(text, second.end))
