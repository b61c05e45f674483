"""Which fields of a request an endpoint takes: what it refuses by name is left out from then on."""

import json
import re
from collections.abc import Iterator
from typing import Any

from fencun.models.engine import Decoding

# Every server that can think has a switch of its own: vLLM and SGLang take the first (the names
# in it are Qwen's and DeepSeek's), DashScope the second, Ollama the third and in newer versions
# the fourth, GLM, Doubao and Kimi the last.
THINKING_OFF: dict[str, Any] = {
    "chat_template_kwargs": {"enable_thinking": False, "thinking": False},
    "enable_thinking": False,
    "think": False,
    "reasoning_effort": "none",
    "thinking": {"type": "disabled"},
}
_SAMPLING = ("top_k", "min_p", "repetition_penalty")
_EXTRAS = frozenset({*THINKING_OFF, *_SAMPLING})
_OPENAI = frozenset(
    {"seed", "stream_options", "temperature", "top_p", "logprobs", "max_tokens",
     "max_completion_tokens"}
)  # fmt: skip
_NOT_KNOWN = re.compile(
    r"support|unknown|unrecogni|unexpected|extra|forbid|not (?:permitted|allowed)|invalid (?:field"
    r"|argument|parameter)|不支持|未知|无效|非法",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"['\"`“‘]([a-z_]{3,40})['\"`”’]")
_WORD = re.compile(r"(?<![A-Za-z_])[a-z_]{3,40}(?![A-Za-z_])")
_PLACES = ("param", "loc", "message", "msg", "detail", "error", "errors")


class Fields:
    """What an endpoint has refused so far. One for each endpoint and model."""

    def __init__(self) -> None:
        self._refused: set[str] = set()

    def fitted(
        self, body: dict[str, Any], decoding: Decoding, *, plain: bool = False
    ) -> dict[str, Any]:
        """Return ``body`` with what only some servers know, without what this one refused.

        ``plain`` leaves out everything that OpenAI's own API does not know.
        """
        known = (decoding.top_k, decoding.min_p, decoding.repeat_penalty)
        whole = body | THINKING_OFF | dict(zip(_SAMPLING, known, strict=True))
        if "max_tokens" in self._refused:
            whole["max_completion_tokens"] = whole["max_tokens"]
        left_out = self._refused | _EXTRAS if plain else self._refused
        return {name: value for name, value in whole.items() if name not in left_out}

    def learn(self, text: str, sent: dict[str, Any]) -> bool:
        """Note which fields of ``sent`` the words of a refusal name; whether there are any.

        A field of OpenAI's own is given up only where it is said to be unknown, not for its
        value.
        """
        said = _said(text)
        named = _named(said, sent.keys() & (_EXTRAS | _OPENAI))
        if not any(_NOT_KNOWN.search(words) for _, words in said):
            named -= _OPENAI
        self._refused |= named
        return bool(named)

    def learn_plain(self) -> None:
        """Note that the endpoint answers only where nothing beyond OpenAI's API is sent."""
        self._refused |= _EXTRAS


def _said(text: str) -> list[tuple[bool, str]]:
    try:
        return list(_strings(json.loads(text)))
    except (ValueError, RecursionError):
        return [(False, text)]


def _named(said: list[tuple[bool, str]], sent: set[str]) -> set[str]:
    """Return which of ``sent`` a refusal names: by place, else in quotes, else as a word."""
    words = " ".join(words for _, words in said)
    for found in (
        {words for placed, words in said if placed},
        set(_QUOTED.findall(words)),
        set(_WORD.findall(words)),
    ):
        if found & sent:
            return found & sent
    return set()


def _strings(value: Any, placed: bool = False) -> Iterator[tuple[bool, str]]:
    """Yield what an error says, and whether it is the place of a field; never what it echoes."""
    if isinstance(value, str):
        yield placed, value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each, placed)
    elif isinstance(value, dict):
        for name in _PLACES:
            yield from _strings(value.get(name), name in ("param", "loc"))
