"""Thinking aloud is not an answer: strip ``<think>…</think>`` and its kin from a stream."""

import re

_NAMES = (
    "think", "thinking", "thought", "thoughts", "reasoning", "reflection", "analysis",
    "scratchpad", "antthinking", "seed:think", "cot", "chain_of_thought", "monologue", "planning",
    "inner_thoughts", "inner_monologue", "thinking_process", "thought_process",
    "reasoning_process", "reasoning_content", "思考", "思考过程", "推理", "推理过程", "思路",
    "分析", "分析过程", "内心独白",
)  # fmt: skip
_OPENS = (
    "[think]",
    "◁think▷",
    "<|begin_of_thought|>",
    "<|begin_of_thinking|>",
    "<｜begin▁of▁thinking｜>",
    "<unused94>thought",
    "＜think＞",
    "<|channel|>analysis<|message|>",
    "<|channel|>commentary<|message|>",
)
_CLOSES = (
    "[/think]",
    "◁/think▷",
    "<|end_of_thought|>",
    "<|end_of_thinking|>",
    "<｜end▁of▁thinking｜>",
    "<unused95>",
    "＜/think＞",
    "<|channel|>final<|message|>",
)
_LONGEST = 120  # characters of the longest tag there is
_NAME = "|".join(sorted(_NAMES, key=len, reverse=True))
_REST = r"(?:\s[^<>]{0,80})?"
_OPEN = rf"<\s?(?:{_NAME}){_REST}/?>|{'|'.join(map(re.escape, _OPENS))}"
_CLOSE = rf"<\s?/\s?(?:{_NAME})\s?>|{'|'.join(map(re.escape, _CLOSES))}"
_EITHER = re.compile(rf"(?P<open>{_OPEN})|(?P<close>{_CLOSE})", re.IGNORECASE)
_CLOSING = re.compile(rf"(?P<close>{_CLOSE})", re.IGNORECASE)
_BEGUN = "|".join(sorted({name[:n] for name in _NAMES for n in range(1, len(name) + 1)}))
_UNFINISHED = re.compile(rf"<\s?/?\s?(?:{_BEGUN})?|<\s?/?\s?(?:{_NAME}){_REST}/?", re.IGNORECASE)


class ThinkFilter:
    """Drop what is thought, however the pieces are cut; ``thought`` says if anything was.

    A closing tag that was never opened (some templates open the thinking inside the prompt)
    makes all that came before it a thought: ``mistaken`` then says that some of it was
    returned already, and :attr:`text` is without it. With ``hold`` nothing is returned before
    a tag has come, or the end. White space that follows a tag is dropped.
    """

    def __init__(self, *, hold: bool = False) -> None:
        self.thought = self.mistaken = False
        self._hold = hold
        self._parts: list[str] = []
        self._tail = ""
        self._inside = self._trim = self._told = False

    @property
    def text(self) -> str:
        """What has come so far without the thoughts."""
        return "".join(self._parts)

    def feed(self, piece: str) -> str:
        """Return what of the text so far may be shown and was not returned before."""
        text = self._tail + piece
        start = len(self._parts)
        while match := (_CLOSING if self._inside else _EITHER).search(text):
            self._keep(text[: match.start()])
            closing = match["close"] is not None
            if closing and not self._inside:
                self.mistaken = self.mistaken or self._told
                self.thought = self.thought or bool(self._parts)
                self._parts.clear()
                start = 0
            self._inside = not closing and not match[0].endswith("/>")
            self._trim = True
            if self._hold:
                self._hold, start = False, 0
            text = text[match.end() :]
        at = _unfinished(text)
        self._keep(text[:at])
        self._tail = text[at:]
        return "" if self._hold else self._tell(start)

    def finish(self) -> str:
        """Return what was held back at the end of the stream: an unfinished tag is text."""
        start = 0 if self._hold else len(self._parts)
        self._hold = False
        tail, self._tail = self._tail, ""
        self._keep(tail)
        return self._tell(start)

    def _tell(self, start: int) -> str:
        shown = "".join(self._parts[start:])
        self._told = self._told or bool(shown)
        return shown

    def _keep(self, text: str) -> None:
        if self._inside:
            self.thought = self.thought or bool(text.strip())
            return
        if self._trim:
            text = text.lstrip()
            self._trim = not text
        if text:
            self._parts.append(text)


def _unfinished(text: str) -> int:
    """Return where a tag begins that the end of ``text`` leaves unfinished; else its length."""
    for match in re.finditer(r"[<＜\[◁]", text):
        tail = text[match.start() :]
        if len(tail) <= _LONGEST and (
            _UNFINISHED.fullmatch(tail)
            or any(tag.startswith(tail.lower()) for tag in (*_OPENS, *_CLOSES))
        ):
            return match.start()
    return len(text)
