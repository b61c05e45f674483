"""Whether an answer came to its own end: a cut text, or thoughts alone, is no message."""

from dataclasses import dataclass
from typing import Literal

from fencun.errors import EngineError
from fencun.models.engine import Completion


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with how an answer ended: a ``fault``, or a ``doubt`` for a person."""

    severity: Literal["fault", "doubt"]
    zh: str
    en: str

    def error(self) -> EngineError:
        """Return it as the error of an engine that gave no answer."""
        return EngineError(self.zh, self.en)


_CUT = {
    "length": ("没有写完：到了长度上限，被截断了。", "Unfinished: cut off at the limit of length."),
    "content_filter": (
        "没有写完：被模型服务的内容审查拦下了。",
        "Unfinished: stopped by the content filter of the model server.",
    ),
    "tool_calls": (
        "没有写正文：模型想去调用工具。请换一个模型，或在服务那边关掉工具调用。",
        "No text: the model wants to call a tool. Take another model, or turn tools off there.",
    ),
    "broken": (
        "没有写完：模型服务自己中止了这一条。",
        "Unfinished: the model server ended it for a reason of its own.",
    ),
}
_THOUGHTS = Flaw(
    "fault",
    "模型只给出了思考，没有正文。请在服务那边关掉思考，或换一个不思考的模型。",
    "The model gave thoughts only, no text. Turn thinking off at the server, or take a model "
    "that does not think.",
)
_NOTHING = Flaw("fault", "模型没有给出正文。", "The model gave no text.")
_UNTOLD = Flaw(
    "doubt",
    "模型服务没有说这一条是否写完了，请看看结尾。",
    "The model server did not say whether this is finished; look at its end.",
)


def flaw(completion: Completion) -> Flaw | None:
    """Return what is wrong with the end of an answer; None where it ended by itself."""
    if not completion.text.strip() and completion.finish != "tool_calls":
        if completion.thought:
            return _THOUGHTS
        if completion.finish in ("stop", "untold"):
            return _NOTHING
    if completion.finish in _CUT:
        return Flaw("fault", *_CUT[completion.finish])
    return _UNTOLD if completion.finish == "untold" else None
