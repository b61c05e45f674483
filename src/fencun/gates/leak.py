"""Whether something got out that is not the message: instructions, labels, thoughts, tokens."""

import re
from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding, Severity
from fencun.gates.text import shown
from fencun.grams import grams
from fencun.prompt import instructions, standing_reminders
from fencun.scenario import Scenario
from fencun.words import Patterns, Words

# What a plain Chinese message seldom holds; only then is it looked at closely.
_UNSEEN = "\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
_ODD = re.compile(
    rf"[{_UNSEEN}]|" r"[A-Za-z<>\[\]{}\\（(【*×ＸX�\u0370-\u1fff\u3040-\u30ff\uac00-\ud7af]"
)
_TOKEN = re.compile(
    rf"[{_UNSEEN}]"
    r"|</[^\W\d][\w:.-]{0,30}\s{0,4}>|<[A-Za-z][\w:.-]{0,30}(?:\s[^<>]{0,60})?/?>"
    r"|<\|[^|>]{0,40}\|>?|\[/?INST\]|�|\\[nrt](?![a-z])|\{\{?[^{}]{0,40}\}"
    r"|[\[【（(<](?:您的|你的|我的|对方)?(?:姓名|名字|称呼|签名|署名|日期|公司|职位|时间|地点)[\]】）)>]"
    r"|(?<![A-Za-z])[XxＸ×*]{2,}(?![A-Za-z])"
    r"|[（(](?:全文|共|约|字数|注|思考|思路|分析)[^）)\n]{0,20}[）)]"
)
_ASIDE = (
    r"作为一[个名位]?(?:AI助手|AI|人工智能|语言模型|助手)",
    "作为AI",
    "作为人工智能",
    "AI助手",
    "人工智能助手",
    "语言模型",
    "以下是",
    r"希望(?:这|以上|对您有|能帮)",
    r"字数[：:]",
    r"文案[：:]",
    r"正文[：:]",
    r"回答[：:]",
    r"输出[：:]",
    r"(?:\A|\n)\s*(?:好的|当然|没问题|可以)[，。,！!：:]",
    r"\A(?:嗯|好的?)?[，,]?用户(?:[要想让是给]|希望|需要|的(?:要求|需求))",
    "只输出",
    "不要编造",
    r"开头叫[“\"]",
    r"写[一二三四\d到]{1,6}句话",
    r"\d+到\d+字",
    "某某",
)
_FOREIGN = re.compile(
    r"[\u3040-\u30ff\uac00-\ud7af\u0400-\u04ff\u0600-\u06ff\u0590-\u05ff\u0e00-\u0e7f\u0900-\u097f]+"
)
_ENGLISH = re.compile(r"(?<![A-Za-z])(?:[A-Za-z]{2,}(?:[ '’,.-]+[A-Za-z]{2,}){2,}|[a-z]{4,})")
_VALUE_CHARS = 4
_ECHO_CHARS = 12


class LeakGate:
    """Thoughts, special tokens, labels of the brief, asides to the user, foreign leftovers."""

    name = "leak"

    def __init__(self, scenario: Scenario) -> None:
        labels = {name for d in scenario.dimensions for name in (d.line or d.label, d.label)}
        marks = [rf"{re.escape(label)}\s*[：:]" for label in sorted(labels)]
        forms = (scenario.product, *scenario.words.forms)
        marks += [rf"{re.escape(form)}[：:]" for form in forms if form not in labels]
        self._marks = Patterns((*_ASIDE, *marks))
        examples = [example.get("text", "") for example in scenario.examples]
        self._examples = Words(
            (gram for text in examples for gram in grams(text, _ECHO_CHARS)), overlapping=True
        )
        told = [*standing_reminders(scenario), instructions(scenario) if scenario.prompt else ""]
        self._told = Words(
            (gram for text in told for gram in grams(text, _ECHO_CHARS)), overlapping=True
        )

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        if _ODD.search(text):
            yield from self._odd(text, brief)
        for span in self._marks.find(text):
            yield self._found(span.start, span.end, "漏出了不是正文的东西", span.word)
        for value, severity in _own_values(brief):
            if (at := text.find(value)) >= 0:
                yield self._found(at, at + len(value), "把选项写进了正文", value, severity)
        yield from self._echo(self._examples, text, "抄了范例")
        yield from self._echo(self._told, text, "把要求写进了正文")

    def _echo(self, grams: Words, text: str, zh: str) -> Iterator[Finding]:
        """Yield the first stretch of ``text`` that ``grams`` cover, if there is one."""
        if found := grams.find(text):
            start, end = found[0].start, found[0].end
            for span in found[1:]:
                end = span.end if span.start <= end else end
            yield self._found(start, end, zh, text[start:end])

    def _odd(self, text: str, brief: Brief) -> Iterator[Finding]:
        """Look closer at a text that holds what a plain message seldom does."""
        if match := _TOKEN.search(text):
            yield self._found(match.start(), match.end(), "漏出了不是正文的东西", match[0])
        if match := _FOREIGN.search(text):
            yield self._found(match.start(), match.end(), "夹着外文", match[0])
        said = f"{brief.value('detail')} {brief.value('salutation')}".lower()
        if (match := _ENGLISH.search(text)) and match[0].lower() not in said:
            yield self._found(match.start(), match.end(), "夹着英文", match[0])

    def _found(
        self, start: int, end: int, zh: str, said: str, severity: Severity = "fault"
    ) -> Finding:
        what = shown(said.strip())
        en = f"Not part of a message: {what!r}."
        return Finding(self.name, severity, start, end, f"{zh}：“{what}”。", en)


def _own_values(brief: Brief) -> Iterator[tuple[str, Severity]]:
    """The long values of the brief's lists, which hardly anybody says who did not type them.

    Nobody names the style, or what the other is to them; an occasion may be named.
    """
    told = f"{brief.value('salutation')}{brief.value('detail')}"
    for dimension in brief.scenario.dimensions:
        value = brief.values[dimension.name]
        if (choice := dimension.choice(value)) and choice.spoken:
            continue
        if dimension.kind == "choice" and len(value) >= _VALUE_CHARS and value not in told:
            yield value, "fault" if dimension.role else "doubt"
