"""Whether the text asks for something: a job, a sale, money, a reply."""

from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding
from fencun.gates.text import shown
from fencun.scenario import Scenario
from fencun.words import Patterns


class FavourGate:
    """Phrases that turn a greeting into a request, as the scenario's rules list them."""

    name = "favour"

    def __init__(self, scenario: Scenario) -> None:
        self._asks = Patterns(scenario.rules.favours)

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        for span in self._asks.find(text):
            if span.word in brief.value("detail"):
                continue  # it is what happened between them
            yield Finding(
                self.name,
                "fault",
                span.start,
                span.end,
                f"“{shown(span.word)}”像是顺带求人或谈生意。",
                f"{shown(span.word)!r} asks for something.",
            )
