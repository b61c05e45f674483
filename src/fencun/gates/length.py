"""Whether a text keeps the length that was asked for."""

from collections.abc import Iterator

from fencun.brief import Brief
from fencun.gates.gate import Finding


def count_chars(text: str) -> int:
    """Return the number of characters, punctuation included, white space not."""
    return len("".join(text.split()))


class LengthGate:
    """Too short, too long, or nothing at all."""

    name = "length"

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        count = count_chars(text)
        if count == 0:
            yield Finding(self.name, "fault", 0, 0, "一个字也没有。", "It is empty.")
            return
        asked = brief.length
        if asked is None or asked.min <= count <= asked.max:
            return
        if count < asked.min:
            zh, en = f"短了：{count} 字，要 {asked.min} 到 {asked.max} 字。", "Too short"
        else:
            zh, en = f"长了：{count} 字，要 {asked.min} 到 {asked.max} 字。", "Too long"
        en = f"{en}: {count} characters, asked for {asked.min} to {asked.max}."
        yield Finding(self.name, "fault", 0, 0, zh, en)
