"""The gates with a memory: files of data repeat lines, and what was checked lately is known."""

from datetime import date

from fencun.data.lines import Line
from fencun.gates import Finding, Gates
from fencun.scenario import Scenario

_REMEMBERED = 20_000


class GateCache:
    """Every gate of a scenario; the findings for the last 20,000 lines are remembered."""

    def __init__(self, scenario: Scenario, *, today: date | None = None) -> None:
        """Take ``today`` as :class:`Gates` does."""
        self._gates = Gates(scenario, today=today)
        self._known: dict[tuple[str, ...], list[Finding]] = {}

    def __call__(self, line: Line) -> list[Finding]:
        """Return what every gate finds in ``line``."""
        key = (line.text, *line.brief.values.values())
        if key not in self._known:
            if len(self._known) == _REMEMBERED:
                self._known.clear()
            self._known[key] = self._gates.check(line.text, line.brief)
        return self._known[key]
