"""Whether the text goes round in circles, as small models do."""

import re
from collections import Counter
from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding
from fencun.gates.text import clause_words, shown
from fencun.grams import grams

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
        long = [clause for clause in clause_words(text) if len(clause) >= _CLAUSE_CHARS]
        if len(set(long)) < len(long):
            again = next(clause for at, clause in enumerate(long) if clause in long[:at])
            start = text.find(again, text.find(again) + 1)
            yield self._found(start, start + len(again), again)
            return
        said = grams(text, _GRAM_CHARS)
        if len(set(said)) == len(said):
            return
        if match := _STUTTER.search(text[:_STUTTER_CHARS]):
            yield self._found(match.start(), match.end(), match[0])
            return
        gram, times = Counter(said).most_common(1)[0]
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
