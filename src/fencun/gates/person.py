"""Whether 您, 你 and 你们 fit who is addressed, and are not mixed."""

import re
from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding, Severity
from fencun.gates.text import unquoted

_POLITE = re.compile("您")
_FAMILIAR = re.compile(r"(?<!迷)你(?![们俩仨]|的(?:名字|姓名))")
_ONE_OF_MANY = re.compile(r"你(?![们俩仨几各])|您(?![们俩仨几各二三])")
# "您总说你别急" without quotation marks: the 你 is in somebody's mouth.
_REPORTED = re.compile(r"(?:说|问|喊|叫|骂|念叨|嘱咐|叮嘱|告诉|教|讲|夸|怪|劝)[^。！？!?]{0,12}$")


class PersonGate:
    """The wrong pronoun for this audience, or 您 and 你 for one and the same person."""

    name = "person"

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        spoken = unquoted(text)
        polite = _POLITE.search(spoken)
        familiar = next(_said_here(spoken), None)
        if polite and familiar:
            yield self._found("fault", familiar, "“您”和“你”混着用了。", "您 and 你 are mixed.")
            return
        person, likely = brief.person, brief.likely_person
        if familiar and likely == "您":
            severity: Severity = "fault" if person == "您" else "doubt"
            zh, en = "对这样的人要称“您”，这里用了“你”。", "Say 您, not 你."
            yield self._found(severity, familiar, zh, en)
        elif polite and likely == "你":
            severity = "fault" if person == "你" else "doubt"
            zh, en = "对这样的人用“你”就好，“您”显得生分。", "Say 你, not 您."
            yield self._found(severity, polite, zh, en)
        elif likely == "你们" and (single := _ONE_OF_MANY.search(spoken)) and polite:
            zh, en = "对许多人说话，用“大家”或“你们”更合适。", "Address them as many."
            yield self._found("doubt", single, zh, en)

    def _found(self, severity: Severity, at: re.Match[str], zh: str, en: str) -> Finding:
        return Finding(self.name, severity, at.start(), at.end(), zh, en)


def _said_here(text: str) -> Iterator[re.Match[str]]:
    for match in _FAMILIAR.finditer(text):
        if not _REPORTED.search(text[max(0, match.start() - 16) : match.start()]):
            yield match
