"""Whether the text has the shape of a plain message: no Markdown, title, signature, emoji rows."""

import re
from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding, Severity
from fencun.scenario import Scenario

_EMOJI_CHAR = (
    "[\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff\u2600-\u27bf\u2b05-\u2b07\u2b50\u2b55\u231a\u231b"
    "\u23e9-\u23fa\u25b6\u25c0\u2934\u2935\u3030\u303d\u3297\u3299]"
)
_EMOJI = re.compile(
    rf"{_EMOJI_CHAR}[\ufe0f\U0001f3fb-\U0001f3ff]*(?:\u200d{_EMOJI_CHAR}[\ufe0f\U0001f3fb-\U0001f3ff]*)*"
    r"|\[(?:微笑|玫瑰|拥抱|爱心|福|红包|庆祝|偷笑|憨笑|鞭炮|烟花|發|发|握手|抱拳|强|加油|呲牙|捂脸|亲亲|爆竹|鼓掌)\]"
)
_EXCLAMATION = re.compile("[！!]")
_MARKDOWN = re.compile(
    r"\*\*|__|```|^#{1,6}[ \t]|^[ \t]*[-*•·][ \t]|^[ \t]*\d{1,2}(?:[、)）]|\.(?!\d))[ \t]*\S",
    re.MULTILINE,
)
_QUOTES = {"“": "”", "「": "」", "『": "』", '"': '"', "‘": "’", "'": "'", "《": "》", "（": "）"}
_TITLE = r"【[^】\n]{1,30}】|《[^》\n]{1,20}》\s*\n"
_SIGNED = re.compile(
    r"(?:(?<=[。！？!~～\n])[ \t]?[—–-]{1,2}[ \t]?[^\s—–，。！？]{1,10}"
    r"|(?:此致|敬礼|敬上|拜上|敬贺|谨上|敬启|顿首|谨贺|恭贺)[。！!]?"
    r"|(?<=[。！？!~～\n])[ \t]*(?:您|你|爱你|想你|永远爱你)的[^\s，。！？!]{1,10}"
    r"|\n[ \t]*[^\s，。！？!~～]{1,8})\s{0,4}\Z"
)
_TAIL = 40  # characters at the end in which a signature is looked for
_PARAGRAPHS = 3


class ShapeGate:
    """Everything about a text's outer form that the scenario's rules do not allow."""

    name = "shape"

    def __init__(self, scenario: Scenario) -> None:
        self._rules = scenario.rules
        forms = "|".join(map(re.escape, (scenario.product, *scenario.words.forms)))
        self._title = re.compile(rf"\s*(?:{_TITLE}|[^\s，。！？,.!?：:]{{1,12}}(?:{forms})[：:\n])")

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        yield from self._counted(text)
        if match := _MARKDOWN.search(text):
            yield self._found("fault", match, "夹着 Markdown 记号。", "Holds Markdown.")
        yield from self._quoted(text, brief.value("salutation"))
        if self._rules.letter:
            return
        if match := self._title.match(text):
            yield self._found("fault", match, "写了标题。", "It has a title.")
        if match := _SIGNED.search(text, max(0, len(text) - _TAIL)):
            yield self._found("fault", match, "末尾署了名。", "It is signed.")
        if text.strip().count("\n") >= _PARAGRAPHS:
            yield Finding(self.name, "doubt", 0, 0, "分了太多段。", "Too many paragraphs.")

    def _quoted(self, text: str, salutation: str) -> Iterator[Finding]:
        body = text.strip()
        if salutation and body.startswith(salutation):
            body = body[len(salutation) :].lstrip("：:，, \n")
        if len(body) > 1 and _QUOTES.get(body[0]) == body[-1] and body[-1] not in body[1:-1]:
            start = text.find(body)
            zh, en = "整段加了引号。", "The whole stands in quotes."
            yield Finding(self.name, "fault", start, start + 1, zh, en)

    def _counted(self, text: str) -> Iterator[Finding]:
        exclamations = list(_EXCLAMATION.finditer(text))
        if len(exclamations) > (most := self._rules.max_exclamations):
            zh, en = (
                f"感叹号有 {len(exclamations)} 个，最多 {most} 个。",
                "Too many exclamation marks.",
            )
            yield self._found("fault", exclamations[most], zh, en)
        emoji = list(_EMOJI.finditer(text))
        if len(emoji) > (most := self._rules.max_emoji):
            zh, en = f"表情有 {len(emoji)} 个，最多 {most} 个。", "Too many emoji."
            yield self._found("fault", emoji[most], zh, en)

    def _found(self, severity: Severity, match: re.Match[str], zh: str, en: str) -> Finding:
        return Finding(self.name, severity, match.start(), match.end(), zh, en)
