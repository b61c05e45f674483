"""Thinking aloud is not an answer: strip ``<think>…</think>`` from a stream."""

_OPEN = "<think>"
_CLOSE = "</think>"


class ThinkFilter:
    """Drop everything inside ``<think>…</think>``, however the pieces are cut.

    Whitespace that follows a closing tag is dropped too, and so is a closing tag
    that never was opened (some templates open the thinking inside the prompt).
    """

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self._trim = False

    def feed(self, piece: str) -> str:
        """Return what of the text so far may be shown and was not returned before."""
        text = self._held + piece
        shown: list[str] = []
        while True:
            tags = (_CLOSE,) if self._inside else (_OPEN, _CLOSE)
            found = [(at, tag) for tag in tags if (at := text.find(tag)) >= 0]
            if not found:
                break
            at, tag = min(found)
            shown.append(self._visible(text[:at]))
            text = text[at + len(tag) :]
            self._inside = tag == _OPEN
            self._trim = True
        keep = _partial(text, tags)
        shown.append(self._visible(text[: len(text) - keep]))
        self._held = text[len(text) - keep :]
        return "".join(shown)

    def finish(self) -> str:
        """Return what was held back at the end of the stream: an unfinished tag is text."""
        held, self._held = self._held, ""
        return self._visible(held)

    def _visible(self, text: str) -> str:
        if self._inside:
            return ""
        if self._trim:
            text = text.lstrip()
            self._trim = not text
        return text


def _partial(text: str, tags: tuple[str, ...]) -> int:
    """Return the length of the longest end of ``text`` that could begin one of ``tags``."""
    longest = max(len(tag) for tag in tags) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(tag.startswith(text[-length:]) for tag in tags):
            return length
    return 0
