"""Whether the text calls the other by the name that was given, and does so early."""

from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding

_EARLY_CHARS = 40


class SalutationGate:
    """The salutation is missing, changed, or comes late."""

    name = "salutation"

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        salutation = brief.value("salutation")
        if not salutation:
            return
        at = text.find(salutation)
        if at < 0:
            yield Finding(
                self.name,
                "fault",
                0,
                0,
                f"没有照原样叫“{salutation}”。",
                f"It never says {salutation!r} as given.",
            )
        elif at > _EARLY_CHARS:
            yield Finding(
                self.name,
                "doubt",
                at,
                at + len(salutation),
                f"“{salutation}”出现得晚，开头没有称呼。",
                f"{salutation!r} comes late.",
            )
