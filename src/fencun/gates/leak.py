"""Whether something got out that is not the message: instructions, labels, thoughts, tokens."""

import re
from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.copying import common_pieces
from fencun.gates.gate import Finding
from fencun.gates.text import alternation, shown
from fencun.scenario import Scenario

_TOKENS = (
    r"</?(?:think|thinking|answer|output|system|user|assistant|s|br|p|div|span)\s*/?>",
    r"<\|[^|>]{0,40}\|>?",
    r"\[/?INST\]",
    r"�",
    r"\\[nrt](?![a-z])",
    r"\{\{?[^{}]{0,40}\}?\}",
)
_ASIDE = (
    r"作为一[个名位]?(?:AI|人工智能|语言模型|助手)|作为(?:AI|人工智能)|(?:AI|人工智能|语言)(?:助手|模型)",
    r"以下是|希望(?:这|以上|对您有|能帮)|[（(](?:全文|共|约|字数|注)[^）)\n]{0,20}[）)]",
    r"字数[：:]|(?:祝福|贺词|文案|正文|回答|输出)[：:]|注[：:]",
    r"^\s*(?:好的|当然|没问题|可以)[，,。！!：:]",
    r"(?:只输出|不要编造|不要提到|通篇用|全文\d+到\d+字)",
)
_PLACEHOLDER = (
    r"[\[【（(<](?:您的|你的|我的|对方)?(?:姓名|名字|称呼|签名|署名|日期|公司|职位|时间|地点)[\]】）)>]",
    r"(?<![A-Za-z])[XxＸ×*]{2,}(?![A-Za-z])|某某",
)
_FOREIGN = re.compile(
    r"[\u3040-\u30ff\uac00-\ud7af\u0400-\u04ff\u0600-\u06ff\u0590-\u05ff\u0e00-\u0e7f\u0900-\u097f]+"
)
_ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ '’,.-]+[A-Za-z]{2,}){2,}|(?<![A-Za-z])[a-z]{4,}")
_VALUE_CHARS = 4
_EXAMPLE_CHARS = 9


class LeakGate:
    """Thoughts, special tokens, labels of the brief, asides to the user, foreign leftovers."""

    name = "leak"

    def __init__(self, scenario: Scenario) -> None:
        labels = {d.line or d.label for d in scenario.dimensions}
        labels |= {d.label for d in scenario.dimensions}
        marked = rf"(?:{'|'.join(re.escape(label) for label in sorted(labels))})\s*[：:]"
        self._marks = alternation((*_TOKENS, *_ASIDE, *_PLACEHOLDER, marked))

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        assert self._marks is not None
        if match := self._marks.search(text):
            yield self._found(match, "漏出了不是正文的东西")
        if match := _FOREIGN.search(text):
            yield self._found(match, "夹着外文")
        for value in _own_values(brief):
            if (at := text.find(value)) >= 0:
                zh, en = f"把选项“{value}”写进了正文。", f"Says the option {value!r} itself."
                yield Finding(self.name, "fault", at, at + len(value), zh, en)
        for example in brief.scenario.examples:
            if pieces := common_pieces(text, example.get("text", ""), _EXAMPLE_CHARS):
                start, end = pieces[0]
                zh, en = f"抄了范例：“{shown(text[start:end])}”。", "Copies a worked example."
                yield Finding(self.name, "fault", start, end, zh, en)
        said = f"{brief.value('detail')} {brief.value('salutation')}".lower()
        if (match := _ENGLISH.search(text)) and match[0].lower() not in said:
            yield self._found(match, "夹着英文")

    def _found(self, match: re.Match[str], zh: str) -> Finding:
        what = shown(match[0].strip())
        return Finding(
            self.name,
            "fault",
            match.start(),
            match.end(),
            f"{zh}：“{what}”。",
            f"Not part of a message: {what!r}.",
        )


def _own_values(brief: Brief) -> Iterator[str]:
    """The long values of the brief's lists, which nobody says unless they typed them."""
    told = f"{brief.value('salutation')}{brief.value('detail')}"
    for dimension in brief.scenario.dimensions:
        value = brief.values[dimension.name]
        if dimension.kind == "choice" and len(value) >= _VALUE_CHARS and value not in told:
            yield value
