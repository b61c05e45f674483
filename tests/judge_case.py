"""A judge for tests: it prefers the text with a word in it."""

from collections.abc import Sequence

from fencun.models.engine import Decoding, Message
from fencun.models.fake import FakeEngine


def prefers(word: str) -> FakeEngine:
    """A judge that takes the text with ``word``, and the first of two that are alike in that."""

    def script(messages: Sequence[Message], decoding: Decoding) -> str:
        content = messages[-1]["content"]
        one, other = content.split("\nA：")[1].split("\n\nB：")
        other = other.split("\n\n站在")[0]
        if (word in one) == (word in other):
            return "A"
        return "答：A" if word in one else "B"

    return FakeEngine(script, name="judge")
