"""Which language the product speaks: Chinese first, English when asked."""

import os
from typing import Literal

Language = Literal["zh", "en"]


def language() -> Language:
    """Return ``"en"`` if ``FENCUN_LANG`` asks for English, else ``"zh"``."""
    return "en" if os.environ.get("FENCUN_LANG", "").lower().startswith("en") else "zh"


def say(zh: str, en: str) -> str:
    """Pick the sentence in the language of this process."""
    return en if language() == "en" else zh
