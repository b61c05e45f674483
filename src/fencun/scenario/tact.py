"""Sensitive matters: how a brief betrays one, and what a text must then leave unsaid."""

import re
from typing import Any, Literal

from pydantic import Field, model_validator

from fencun.scenario.declared import Declared, Patterns, Word, filled

Handling = Literal["不提", "轻提"]


class TactTopic(Declared):
    """A sensitive matter: ``cues`` (regular expressions) betray it in a brief, but for ``unless``.

    Both read the detail as :func:`fencun.tact.cue_text`. ``words`` and ``tells`` (regular
    expressions) name it in a text, ``unfit`` words jar with it; ``allowed`` holds longer words
    in which one of them is innocent.
    """

    name: Word = Field(description="这件事叫什么|what the matter is called")
    en: Word = Field(description="英文名，不写就用中文名|its English name (default: name)")
    handling: Handling = Field(
        default="不提", description="不提（正文里不说）或轻提|不提 (leave unsaid) or 轻提 (touch)"
    )
    cues: Patterns = Field(
        description="正则：细节里出现就是这件事|regular expressions that betray it in the detail"
    )
    unless: Patterns = Field(
        default=(), description="正则：出现就不是这件事|regular expressions that say it is not this"
    )
    words: tuple[Word, ...] = Field(
        default=(), description="正文里不许出现的词|words that name it in a text"
    )
    tells: Patterns = Field(
        default=(), description="正则：换了说法点破它|regular expressions that name it otherwise"
    )
    unfit: tuple[Word, ...] = Field(
        default=(), description="和这件事不相称的词|words that jar with it"
    )
    allowed: tuple[Word, ...] = Field(
        default=(), description="含有上面的词却不算的长词|longer words in which one is innocent"
    )

    @model_validator(mode="before")
    @classmethod
    def _in_english(cls, declared: Any) -> Any:
        return filled(declared, "en", "name")

    def holds(self, found: set[str], detail: str) -> bool:
        """Return whether the cues ``found`` in ``detail`` are this matter's, and stand."""
        return not found.isdisjoint(self.cues) and self.stands(detail)

    def stands(self, detail: str) -> bool:
        """Return whether nothing in ``detail`` says that it is not this matter after all."""
        return not any(re.search(pattern, detail) for pattern in self.unless)
