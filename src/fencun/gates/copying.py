"""Whether the text repeats the detail instead of using it."""

from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding
from fencun.gates.text import shown

_FAULT_CHARS = 10
_PIECE_CHARS = 4
_SHARE = 0.75
_SHORT_CHARS = 10


class CopyingGate:
    """A long run of the detail stands in the text, or nearly all of the detail does, in pieces."""

    name = "copying"

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        detail = brief.value("detail")
        if len(detail) < _SHORT_CHARS:
            return
        pieces = common_pieces(text, detail, _PIECE_CHARS)
        start, end = max(pieces, key=lambda piece: piece[1] - piece[0], default=(0, 0))
        share = sum(end - start for start, end in pieces) / len(detail)
        if end - start >= _FAULT_CHARS or share >= _SHARE:
            copied = shown(text[start:end])
            zh, en = f"把细节照抄了一遍：“{copied}”。", f"Copies the detail: {copied!r}."
            yield Finding(self.name, "fault", start, end, zh, en)


def common_pieces(text: str, other: str, least: int) -> list[tuple[int, int]]:
    """Return start and end of the maximal pieces of ``text``, ``least`` long, found in ``other``.

    Pieces are taken greedily from the left and do not overlap.
    """
    grams = {other[i : i + least] for i in range(len(other) - least + 1)}
    pieces = []
    start = 0
    while start + least <= len(text):
        if text[start : start + least] not in grams:
            start += 1
            continue
        end = start + least
        while end < len(text) and text[start : end + 1] in other:
            end += 1
        pieces.append((start, end))
        start = end
    return pieces
