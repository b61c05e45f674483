"""Whether the text tells facts that the brief does not hold: a conservative look, mostly doubts."""

import re
from collections.abc import Iterator

from fencun.brief import Brief, read_number
from fencun.gates.gate import Finding
from fencun.gates.text import Words, shown
from fencun.scenario import Scenario

_FIGURES = r"\d{1,6}|[两三四五六七八九十百千万]?[零一二两三四五六七八九十百千]{1,7}"
_COUNT = re.compile(
    rf"(?<![\d第上下前每初])(?P<number>{_FIGURES})(?:多|来|余)?"
    r"(?P<unit>周?年(?![级纪轮货糕画])|岁|个月|公里|万[元块]?|[元块]钱?(?![钱头]))"
)
_COMMON = frozenset({1, 2, 100, 1000, 10000, 100000})
_PERSON = re.compile(
    r"(?:[老小][赵钱孙李周吴郑王冯陈蒋沈韩杨朱许何吕张孔曹严金魏陶姜谢邹章苏潘葛范彭郎鲁马方任袁柳唐薛雷贺汤罗毕郝安常于傅齐康伍余顾孟黄萧尹姚邵汪毛宋庞熊项董梁杜阮季贾江郭梅林钟徐邱高夏蔡田胡霍万柯管卢莫丁邓石崔龚程裴陆翁侯秦谭]"
    r"|[赵钱孙李周吴郑王冯陈蒋沈韩杨朱许何吕张孔曹严魏陶姜谢邹章苏潘葛范彭鲁马方任袁柳唐薛雷贺汤罗毕郝常于傅齐康伍余顾孟黄萧尹姚邵汪毛宋庞熊项董梁杜阮季贾江郭梅林钟徐邱高夏蔡田胡霍柯管卢莫丁邓石崔龚程裴陆翁侯秦谭]"
    r"(?:总|老师|阿姨|叔叔|医生|大夫|经理|主任|师傅|先生|女士|姐|哥))"
)


class FactsGate:
    """Years, ages, sums, distances, people and places that nobody told the writer."""

    name = "facts"

    def __init__(self, scenario: Scenario) -> None:
        self._places = Words(scenario.rules.places)
        self._matters = {w: t for t in scenario.tact for w in t.words if len(w) > 1}
        self._matter_words = Words((*self._matters, *(w for t in scenario.tact for w in t.allowed)))

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        told = " ".join((*brief.values.values(), *brief.words.values()))
        yield from self._counts(text, told)
        for match in _PERSON.finditer(text):
            if match[0] not in told and match[0][:2] not in told:
                yield self._found(match.start(), match.end(), f"需求里没有“{match[0]}”这个人。")
        for span in self._places.find(text):
            if span.word not in told:
                yield self._found(span.start, span.end, f"需求里没有“{span.word}”这个地方。")
        hushed = {topic.name for topic in brief.topics}
        for span in self._matter_words.find(text):
            topic = self._matters.get(span.word)
            if topic and topic.name not in hushed and span.word not in told:
                yield self._found(
                    span.start, span.end, f"需求里没说过“{shown(span.word)}”，像是编的。"
                )

    def _counts(self, text: str, told: str) -> Iterator[Finding]:
        known: set[int] | None = None
        for match in _COUNT.finditer(text):
            number = read_number(match["number"])
            if number in _COMMON or match["number"] in told:
                continue
            if known is None:
                known = {read_number(figures) for figures in re.findall(_FIGURES, told)}
            if number not in known:
                yield self._found(match.start(), match.end(), f"需求里没有“{match[0]}”，像是编的。")

    def _found(self, start: int, end: int, zh: str) -> Finding:
        return Finding(self.name, "doubt", start, end, zh, "The brief does not say so.")
