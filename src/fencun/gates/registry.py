"""The one registry: every gate that a scenario calls for, asked in one go."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from fencun.brief import Brief
from fencun.gates.calendar import CalendarGate
from fencun.gates.cliche import ClicheGate
from fencun.gates.copying import CopyingGate
from fencun.gates.facts import FactsGate
from fencun.gates.favour import FavourGate
from fencun.gates.gate import Finding, Gate
from fencun.gates.leak import LeakGate
from fencun.gates.length import LengthGate
from fencun.gates.person import PersonGate
from fencun.gates.repetition import RepetitionGate
from fencun.gates.rule import RuleGate
from fencun.gates.salutation import SalutationGate
from fencun.gates.shape import ShapeGate
from fencun.gates.tact import TactGate
from fencun.gates.text import storable
from fencun.scenario import Scenario
from fencun.script import simplified

_NOBODY = "\ue000"  # stands for each character of a name; in no pattern, and of no script
# The gates that look at words wherever they stand, and would find them in a name too.
_OF_WORDS = frozenset({"cliche", "calendar", "tact", "shape", "leak", "favour", "rule"})


class Gates:
    """All gates of one scenario, built once and asked for every text. Safe to share."""

    def __init__(self, scenario: Scenario, *, today: date | None = None) -> None:
        """Take ``today`` where dates must not follow the clock; None is the day of the check.

        Raises:
            ScenarioError: a pattern of the scenario's rules is no regular expression.
        """
        self._gates: tuple[Gate, ...] = (
            LengthGate(),
            PersonGate(),
            SalutationGate(scenario),
            ClicheGate(scenario),
            CopyingGate(),
            CalendarGate(scenario, today),
            TactGate(scenario),
            FactsGate(scenario),
            ShapeGate(scenario),
            LeakGate(scenario),
            RepetitionGate(),
            FavourGate(scenario),
            RuleGate(scenario),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the gates, in the order in which they are asked."""
        return tuple(gate.name for gate in self._gates)

    def check(self, text: str, brief: Brief) -> list[Finding]:
        """Return what is wrong with ``text`` as an answer to ``brief``.

        Faults come first, then by offset. Any string is taken; none raises. Traditional
        characters, of the text and of the brief, are read as simplified ones, and what the
        other is called is no fault, whatever it is made of.
        """
        text, brief = simplified(storable(text)), brief.simplified()
        found = [finding for gate in self._gates for finding in gate.check(text, brief)]
        if found and (name := brief.value("salutation")) in text and len(name) > 1:
            found = self._but_for_the_name(found, text, brief, name)
        found.sort(key=lambda finding: (finding.severity != "fault", finding.start, finding.end))
        return found

    def _but_for_the_name(
        self, found: list[Finding], text: str, brief: Brief, name: str
    ) -> list[Finding]:
        """Return ``found`` as if the other had a name of the same length that says nothing."""
        dimension = brief.scenario.role("salutation")
        if dimension is None:
            return found
        blank = _NOBODY * len(name)
        renamed = replace(brief, values={**brief.values, dimension.name: blank})
        text = text.replace(name, blank)
        kept = [finding for finding in found if finding.gate not in _OF_WORDS]
        for gate in self._gates:
            if gate.name in _OF_WORDS and any(finding.gate == gate.name for finding in found):
                kept += (_named(finding, name) for finding in gate.check(text, renamed))
        return kept


def _named(finding: Finding, name: str) -> Finding:
    """Put ``name`` back into what is said of a text in which it stood blank."""
    blank = _NOBODY * len(name)
    zh, en = (told.replace(blank, name).replace(_NOBODY, "") for told in (finding.zh, finding.en))
    return replace(finding, zh=zh, en=en)


def passes(findings: Iterable[Finding]) -> bool:
    """Return whether none of ``findings`` is a fault: doubts alone do not refuse a text."""
    return all(finding.severity != "fault" for finding in findings)
