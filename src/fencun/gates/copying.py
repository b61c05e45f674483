"""Whether the text repeats the detail instead of using it."""

from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding
from fencun.gates.text import shown

_FAULT_CHARS = 14
_SHARE = 0.6


class CopyingGate:
    """A long run of characters that stands in the detail as it stands in the text."""

    name = "copying"

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        detail = brief.value("detail")
        if len(detail) < 8:
            return
        start, end = longest_common(text, detail)
        size = end - start
        if size >= _FAULT_CHARS or (size >= 10 and size >= _SHARE * len(detail)):
            yield Finding(
                self.name,
                "fault",
                start,
                end,
                f"把细节原样抄了一遍：“{shown(text[start:end])}”。",
                f"Copies the detail: {shown(text[start:end])!r}.",
            )


def longest_common(text: str, other: str) -> tuple[int, int]:
    """Return start and end, in ``text``, of its longest run that stands in ``other``.

    Time is len(text) plus the length of the run, times a substring search in ``other``.
    """
    best = (0, 0)
    start, end = 0, 1
    while end <= len(text):
        if text[start:end] in other:
            if end - start > best[1] - best[0]:
                best = (start, end)
            end += 1
        else:
            start += 1
            end = max(end, start + 1)
    return best
