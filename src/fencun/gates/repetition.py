"""Whether the text goes round in circles, as small models do."""

import re
from collections import Counter
from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding
from fencun.gates.text import clauses, shown

_CLAUSE_CHARS = 6
_GRAM_CHARS = 6
_GRAM_TIMES = 3
_STUTTER_CHARS = 2000
_STUTTER = re.compile(r"(.{2,12}?)\1{3,}|([^\W\d_])\2{7,}", re.DOTALL)


class RepetitionGate:
    """A clause said twice, a run of characters said three times, a stutter."""

    name = "repetition"

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        long = [span for span in clauses(text) if span.end - span.start >= _CLAUSE_CHARS]
        if len({span.word for span in long}) < len(long):
            seen: set[str] = set()
            for span in long:
                if span.word in seen:
                    yield self._found(span.start, span.end, span.word)
                    return
                seen.add(span.word)
        grams = [text[at : at + _GRAM_CHARS] for at in range(len(text) - _GRAM_CHARS + 1)]
        if len(set(grams)) == len(grams):
            return
        if match := _STUTTER.search(text[:_STUTTER_CHARS]):
            yield self._found(match.start(), match.end(), match[0])
            return
        gram, times = Counter(grams).most_common(1)[0]
        if times >= _GRAM_TIMES:
            start = text.rfind(gram)
            yield self._found(start, start + _GRAM_CHARS, gram)

    def _found(self, start: int, end: int, said: str) -> Finding:
        return Finding(
            self.name,
            "fault",
            start,
            end,
            f"来回说同一句：“{shown(said)}”。",
            f"Says the same again: {shown(said)!r}.",
        )
