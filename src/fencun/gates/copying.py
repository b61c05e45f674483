"""Whether the text repeats the detail instead of using it."""

from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding, Severity
from fencun.gates.text import shown
from fencun.grams import common_pieces

_FAULT_CHARS = 16
_DOUBT_CHARS = 10
_PIECE_CHARS = 4
_SHARE = 0.75
_SHORT_CHARS = 10
_WHOLE = 0.9


class CopyingGate:
    """A long run of the detail stands in the text, or nearly all of the detail does, in pieces.

    Sixteen characters in one piece are a fault, and so is the whole detail as it was typed. Less
    may be the plain way to say to somebody what was typed about them, so it is a doubt.
    """

    name = "copying"

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        detail = brief.value("detail")
        if len(detail) < _SHORT_CHARS:
            return
        pieces = common_pieces(text, detail, _PIECE_CHARS)
        start, end = max(pieces, key=lambda piece: piece[1] - piece[0], default=(0, 0))
        share = sum(end - start for start, end in pieces) / len(detail)
        if end - start >= _DOUBT_CHARS or share >= _SHARE:
            most = min(_FAULT_CHARS, _WHOLE * len(detail))
            severity: Severity = "fault" if end - start >= most else "doubt"
            copied = shown(text[start:end])
            zh, en = f"把细节照抄了一遍：“{copied}”。", f"Copies the detail: {copied!r}."
            yield Finding(self.name, severity, start, end, zh, en)
