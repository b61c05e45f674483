"""What the scenario itself forbids or demands, always or where the brief has a certain value."""

import re
from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding
from fencun.gates.text import shown
from fencun.numerals import FIGURES, read_number
from fencun.scenario import Case, Scenario
from fencun.words import Patterns, Span

_FIGURES = rf"(?:\d{{1,9}}|[{FIGURES}]{{1,9}})"
_AMOUNT = re.compile(
    rf"(?P<number>{_FIGURES})(?:\.\d{{1,2}})?[多来余几]?(?:[万亿]?元|块钱|(?<=[\d十百千万])块|毛钱|%)"
    rf"|[￥¥$]\s?(?P<sum>\d{{1,9}})|百分之(?P<share>{_FIGURES})"
    rf"|(?<![波\d.{FIGURES}])[{FIGURES}\d.]{{1,4}}折(?![叠磨腾断返])|半价"
    rf"|(?:全额|全部|[双{FIGURES}]倍)(?=退|赔|返|补)"
)


class RuleGate:
    """The cases that the scenario declares: words refused, words required, sums promised."""

    name = "rule"

    def __init__(self, scenario: Scenario) -> None:
        self._cases = [(case, Patterns(case.refuse)) for case in scenario.rules.cases]
        self._insults = Patterns(scenario.rules.insults)

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        for start, end, word in self._insults.find(text):
            zh, en = f"“{shown(word)}”是骂人的话。", f"{shown(word)!r} is an insult."
            yield Finding(self.name, "fault", start, end, zh, en)
        for case, refused in self._cases:
            if case.holds(brief.values):
                yield from self._case(case, refused, text, brief)

    def _case(self, case: Case, refused: Patterns, text: str, brief: Brief) -> Iterator[Finding]:
        for start, end, word in refused.find(text):
            yield self._found(start, end, f"不能说“{shown(word)}”", f"Not {shown(word)!r}", case)
        for pattern in case.require:
            if not re.search(pattern, text):
                zh = f"没有说到“{shown(pattern)}”"
                yield self._found(0, 0, zh, f"Does not say {shown(pattern)!r}", case)
        if case.no_amounts:
            for start, end, said in _promised(text, brief):
                zh, en = f"需求里没有“{shown(said)}”", f"The brief tells no {shown(said)!r}"
                yield self._found(start, end, zh, en, case)

    def _found(self, start: int, end: int, zh: str, en: str, case: Case) -> Finding:
        why, why_en = f"：{case.why}", f": {case.why_en or case.why}"
        zh, en = (f"{zh}{why}", f"{en}{why_en}") if case.why else (zh, en)
        return Finding(self.name, "fault", start, end, f"{zh}。", f"{en}.")


def _promised(text: str, brief: Brief) -> Iterator[Span]:
    """Yield the amounts in ``text`` that the brief does not tell, in figures of either script."""
    told = " ".join((*brief.values.values(), *brief.words.values()))
    numbers = _numbers(told)
    for match in _AMOUNT.finditer(text):
        figures = match["number"] or match["sum"] or match["share"]
        known = read_number(figures) in numbers if figures else match[0] in told
        if not known:
            yield Span(match.start(), match.end(), match[0])


def _numbers(text: str) -> set[int]:
    """The numbers in ``text``, in either script: 五百 is 500."""
    return {read_number(figures) for figures in re.findall(_FIGURES, text)}
