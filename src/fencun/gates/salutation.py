"""Whether the text calls the other by the name that was given, early, and speaks to them."""

import re
from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding, Severity
from fencun.gates.text import unquoted
from fencun.scenario import Scenario

_CALLED = r"[\W_]|\Z|好|早|今|这|明|给|来"  # and what the scenario's own greetings begin with
_SPOKEN_ABOUT = re.compile("[他她](?!们)")
_ABOUT_TIMES = 2
_I_AM = re.compile("我(?:就是|是|叫)(?:[您你]的?)?")
_ALONE = re.compile(r"[\W_]|\Z")
_EARLY_CHARS = 40
_SPOKEN_TO = re.compile(r"[您你咱]|二老|两位|几位|各位|诸位")


class SalutationGate:
    """The salutation is missing, changed, or late; or the other is spoken about, not to."""

    name = "salutation"

    def __init__(self, scenario: Scenario) -> None:
        greets = map(re.escape, scenario.words.greets)
        self._called = re.compile("|".join((_CALLED, *greets)))

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        salutation = brief.value("salutation")
        if not salutation:
            return
        at = text.find(salutation)
        end = at + len(salutation)
        if at < 0:
            zh, en = f"没有照原样叫“{salutation}”。", f"It never says {salutation!r} as given."
            yield self._found("fault", 0, 0, zh, en)
            return
        if claim := _claim(salutation, text):
            zh, en = f"把自己写成了“{salutation}”。", f"The writer claims to be {salutation!r}."
            yield self._found("fault", *claim, zh, en)
        elif brief.likely_person != "你们" and not self._speaks_to(salutation, text):
            zh, en = (
                f"像在讲“{salutation}”的事，不是对他说话。",
                "It speaks about them, not to them.",
            )
            yield self._found("fault", at, end, zh, en)
        elif at > _EARLY_CHARS:
            zh, en = f"“{salutation}”出现得晚，开头没有称呼。", f"{salutation!r} comes late."
            yield self._found("doubt", at, end, zh, en)

    def _speaks_to(self, salutation: str, text: str) -> bool:
        """Whether the text says 您 or 你, or calls the name first and then speaks of no 他."""
        spoken = unquoted(text)
        if _SPOKEN_TO.search(spoken):
            return True
        if len(_SPOKEN_ABOUT.findall(spoken)) >= _ABOUT_TIMES:
            return False
        first = spoken.find(salutation)
        return first >= 0 and bool(self._called.match(spoken, first + len(salutation)))

    def _found(self, severity: Severity, start: int, end: int, zh: str, en: str) -> Finding:
        return Finding(self.name, severity, start, end, zh, en)


def _claim(salutation: str, text: str) -> tuple[int, int] | None:
    """Where the writer claims to be the one called ``salutation``, as in 我是王老师."""
    for match in _I_AM.finditer(text):
        end = match.end() + len(salutation)
        if text.startswith(salutation, match.end()) and _ALONE.match(text, end):
            return match.start(), end
    return None
