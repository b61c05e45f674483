"""The seam of what is wrong with a text: a gate looks at one text under its brief.

The same gates look at seeds, at drafts and at what a model answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from fencun.brief import Brief
from fencun.language import say

Severity = Literal["fault", "doubt"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (``fault``) or that a person should look at (``doubt``).

    ``start`` and ``end`` are character offsets into the text (0, 0 where it is the whole);
    ``zh`` and ``en`` say it in one short sentence.
    """

    gate: str
    severity: Severity
    start: int
    end: int
    zh: str
    en: str

    def __str__(self) -> str:
        return say(self.zh, self.en)


class Gate(Protocol):
    """One way in which a text can be wrong. Built once for a scenario, asked for every text."""

    @property
    def name(self) -> str:
        """The name that findings, reports and options use."""
        ...

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """Yield what is wrong with ``text`` as an answer to ``brief``; nothing if it is right."""
        ...
