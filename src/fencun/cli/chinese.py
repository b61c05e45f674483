"""In Chinese what Typer says by itself: the frame of help pages, and refusals of what was typed."""

import io
import re
from typing import Any

from typer.core import TyperGroup

from fencun.language import language

# What Typer and Click say, as regular expressions, and the same in Chinese.
_SAID: tuple[tuple[str, str], ...] = (
    (r"^Usage: ", "用法："),
    (r"\[OPTIONS\]", "[选项]"),
    (r"COMMAND \[ARGS\]\.\.\.", "命令 [参数]..."),
    (r"^Options:$", "选项："),
    (r"^Commands:$", "命令："),
    (r"^Arguments:$", "参数："),
    (r"Show\s+this\s+message\s+and\s+exit\.", "显示这一页。"),
    (r"(?<=[\[ ])required\]$", "必填]"),
    (r"\[default: ?", "[默认："),
    (r"^Try '(.+)' for help\.$", r"怎么用：\1"),
    (r"^Error: ", "没成："),
    (r"Missing argument (.+)\.$", r"少了参数 \1。"),
    (r"Missing option (.+)\.$", r"少了选项 \1。"),
    (r"Missing command\.$", "少了命令。"),
    (r"No such option: (\S+?)\.?(?=\s|$)", r"没有 \1 这个选项。"),
    (r"No such command (.+?)\.", r"没有 \1 这个命令。"),
    (r" ?\(Possible options: (.+)\)$", r"是不是 \1？"),
    (r" ?Did you mean (.+)\?$", r"是不是 \1？"),
    (r"Got unexpected extra arguments? \((.+)\)$", r"多了 \1。"),
    (r"Got unexpected extra argument\(s\) \((.+)\)$", r"多了 \1。"),
    (r"(?:Option|Argument) '(.+)' requires an argument\.$", r"\1 后面要写内容。"),
    (r"Option '(.+)' does not take a value\.$", r"\1 后面不写内容。"),
    (r"Invalid value for (.+?): ", r"\1 不对："),
    (r"Invalid value: ", ""),
    (r"Input should be a valid integer.*$", "要写整数。"),
    (r"Input should be a valid number.*$", "要写数字。"),
    (r"Input should be greater than or equal to (.+)$", r"不能小于 \1。"),
    (r"Input should be less than or equal to (.+)$", r"不能大于 \1。"),
    (r"'(.+)' is not a valid integer(?: range)?\.$", r"要写整数，\1 不是。"),
    (r"'(.+)' is not a valid float(?: range)?\.$", r"要写数字，\1 不是。"),
    (r"(\S+) is not in the range (.+)\.$", r"\1 不在 \2 之内。"),
)
_COMPILED = tuple((re.compile(said, re.MULTILINE), zh) for said, zh in _SAID)
_Context: Any = TyperGroup.context_class


class _Formatter(_Context.formatter_class):  # type: ignore[misc]
    """Writes help pages and lines of usage in the language of this process."""

    def getvalue(self) -> str:
        """Return what was written."""
        return translated(super().getvalue())


def speak() -> None:
    """Let the frame of every help page be in the language of this process."""
    if not issubclass(_Context.formatter_class, _Formatter):
        _Context.formatter_class = _Formatter


def refusal(error: Any) -> str:
    """Return what Typer shows of ``error``; empty where it is none of Typer's."""
    if not hasattr(error, "show"):
        return ""
    shown = io.StringIO()
    error.show(shown)
    return translated(shown.getvalue())


def translated(said: str) -> str:
    """Return what Typer said in Chinese, in an English process unchanged."""
    if language() == "en":
        return said
    for pattern, zh in _COMPILED:
        said = pattern.sub(zh, said)
    return said
