"""Messages that differ in nothing but their line number, said once."""

import re
from collections.abc import Sequence

from fencun.language import enumerated, say

_LINE = re.compile(r"第 (\d+) 行|[Ll]ine (\d+)")
_NAMED = 5


def said_once(messages: Sequence[str]) -> list[str]:
    """Return each message once, in the order of the first, with how many more say the same.

    Where they name a line, the next few lines are named with the count.
    """
    lines: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for message in messages:
        kind = _LINE.sub("#", message)
        first.setdefault(kind, message)
        found = _LINE.search(message)
        lines.setdefault(kind, []).append((found[1] or found[2]) if found else "")
    return [message + _more(lines[kind][1:]) for kind, message in first.items()]


def _more(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    numbers = [line for line in lines if line][:_NAMED]
    rest = "…" if len(lines) > len(numbers) else ""
    named = enumerated(numbers) + rest
    if not numbers:
        return say(f"（同样的还有 {len(lines)} 处）", f" ({len(lines)} more of the same)")
    return say(
        f"（同样的还有 {len(lines)} 行：第 {named} 行）",
        f" ({len(lines)} more lines of the same: {named})",
    )
