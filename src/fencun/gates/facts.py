"""Whether the text tells facts that the brief does not hold: a conservative look, only doubts."""

import re
from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding
from fencun.gates.text import shown
from fencun.numerals import read_number
from fencun.scenario import Scenario
from fencun.words import Words

_FIGURES = r"(?:\d{1,6}|[零一二两三四五六七八九十百千万]{1,9})"
_COUNT = re.compile(
    rf"(?<![\d第上下前每初{'零一二两三四五六七八九十百千万'}])(?P<number>{_FIGURES})[多来余]?"
    r"(?:周?年(?![级纪轮货糕画饭])|周岁|岁|个月|公里|万[元块]?|[元块]钱)"
)
_COUNTED = re.compile(r"[\d零一二两三四五六七八九十百千万][多来余]?[年周岁个公万元块]")
_SURNAMES = (
    "赵孙李周吴郑王冯陈蒋沈韩杨朱许何吕张孔曹严魏陶姜谢邹章苏潘葛范彭鲁马袁柳唐薛雷贺汤罗毕郝傅齐康伍余顾"
    "孟黄萧尹姚邵汪毛宋庞熊项董梁杜阮季贾江郭梅林钟徐邱夏蔡田胡霍柯管卢莫丁邓石崔龚程裴陆翁侯秦谭刘"
)
_TITLES = "总(?![是算能会要觉得])|老师|阿姨|叔叔|医生|大夫|经理|主任|师傅|先生|女士|教授|律师"
_PERSON = re.compile(
    rf"(?P<other>[{_SURNAMES}])(?:{_TITLES})|我(?:是|叫)[老小阿]?(?P<own>[{_SURNAMES}])(?=[\w]?[，。,])"
)
_VAGUE = re.compile("[这那]两年")
_YEAR = re.compile(r"(?:19|20)\d\d年")
_COMMON = {1, 10, 100, 1000, 10000}
_YEARS_AGO = {"前年": 2, "金婚": 50, "银婚": 25}


class FactsGate:
    """Years, ages, sums, distances, people, places and grave matters that nobody told."""

    name = "facts"

    def __init__(self, scenario: Scenario) -> None:
        self._calendar = scenario.rules.calendar
        self._places = Words(scenario.rules.places)
        self._matters = Words(scenario.rules.matters)

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        told = " ".join((*brief.values.values(), *brief.words.values()))
        yield from self._counts(text, told)
        for match in _PERSON.finditer(text):
            if (match["other"] or match["own"]) not in told:
                yield self._found(match.start(), match.end(), match[0])
        for span in self._places.find(text):
            if span.word not in told:
                yield self._found(span.start, span.end, span.word)
        yield from self._grave(text, told, brief)

    def _grave(self, text: str, told: str, brief: Brief) -> Iterator[Finding]:
        if found := [span for span in self._matters.find(text) if span.word not in told]:
            known = {word for topic in brief.topics for word in topic.words}
            for span in found:
                if span.word not in known:
                    yield self._found(span.start, span.end, span.word)

    def _counts(self, text: str, told: str) -> Iterator[Finding]:
        if not _COUNTED.search(text):
            return
        for match in _COUNT.finditer(text):
            if _VAGUE.match(text, max(0, match.start() - 1)) or (
                self._calendar and _YEAR.match(match[0])  # the calendar gate's business
            ):
                continue
            if match["number"] not in told and read_number(match["number"]) not in _numbers(told):
                yield self._found(match.start(), match.end(), match[0])

    def _found(self, start: int, end: int, said: str) -> Finding:
        zh = f"需求里没有“{shown(said)}”，像是编的。"
        return Finding(
            self.name, "doubt", start, end, zh, f"The brief does not tell {shown(said)!r}."
        )


def _numbers(told: str) -> set[int]:
    named = {read_number(figures) for figures in re.findall(_FIGURES, told)}
    return _COMMON | named | {years for word, years in _YEARS_AGO.items() if word in told}
