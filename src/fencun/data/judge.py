"""The gates over many lines, of which the same may come again and again."""

from fencun.data.lines import Line
from fencun.gates import Finding, Gates
from fencun.scenario import Scenario

_REMEMBERED = 20_000


class Judge:
    """Asks the gates; what was judged lately is not judged again."""

    def __init__(self, scenario: Scenario) -> None:
        self._gates = Gates(scenario)
        self._known: dict[tuple[str, ...], list[Finding]] = {}

    def __call__(self, line: Line) -> list[Finding]:
        """Return what every gate finds in ``line``."""
        key = (line.text, *line.brief.values.values())
        if key not in self._known:
            if len(self._known) == _REMEMBERED:
                self._known.clear()
            self._known[key] = self._gates.check(line.text, line.brief)
        return self._known[key]
