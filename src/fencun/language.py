"""Which language the product speaks: Chinese first, English when asked."""

import os
from collections.abc import Iterable
from typing import Literal

Language = Literal["zh", "en"]


def language() -> Language:
    """Return ``"en"`` if ``FENCUN_LANG`` asks for English, else ``"zh"``."""
    return "en" if os.environ.get("FENCUN_LANG", "").lower().startswith("en") else "zh"


def say(zh: str, en: str) -> str:
    """Pick the sentence in the language of this process."""
    return en if language() == "en" else zh


def enumerated(words: Iterable[str]) -> str:
    """Return ``words`` as a sentence of this language lists them."""
    return say("、", ", ").join(words)


def titled(title: object, told: object) -> str:
    """Return ``told`` behind its title, with the colon of this language."""
    return f"{title}{say('：', ': ')}{told}"
