"""What is wrong with a YAML file, all of it at once: line, what was meant, and how to mend it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

import yaml
from pydantic import ValidationError
from yaml.reader import ReaderError

_MOST = 20
_WITHIN = re.compile(r"\"[^\"]*\"|(?<=\w)'(?=\w)")  # quoted otherwise, or in a word
_OPENING = re.compile(r"(?<!\w)'")
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a]")
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # UTF-16, as Windows saves it
_KEY = re.compile(r"\s*(- )?\{?\w+:")
_FILLED = {"en", "product", "product_en"}  # taken from other keys, which are then told as missing
# What to say of each kind of pydantic's errors; {key} is the last step, others are its context.
_SAID: dict[str, tuple[str, str]] = {
    "missing": ("少了 {key}", "{key} is missing"),
    "extra_forbidden": ("没有 {key} 这一项", "there is no key {key}"),
    "string_type": ("要写文字", "should be text"),
    "string_too_short": ("不能是空的", "must not be empty"),
    "string_pattern_mismatch": (
        "要用小写英文字母和下划线，字母打头",
        "takes lower-case letters and underscores, beginning with a letter",
    ),
    "int_type": ("要写整数", "should be a whole number"),
    "int_parsing": ("要写整数", "should be a whole number"),
    "int_from_float": ("要写整数", "should be a whole number"),
    "bool_type": ("要写 true 或 false", "should be true or false"),
    "bool_parsing": ("要写 true 或 false", "should be true or false"),
    "tuple_type": ("要写成列表，如 [甲, 乙]", "should be a list, like [a, b]"),
    "dict_type": ("要写成“名: 值”", "should be names with values"),
    "model_type": ("要写成“名: 值”", "should be names with values"),
    "model_attributes_type": ("要写成“名: 值”", "should be names with values"),
    "too_short": ("至少要有 {min_length} 项", "needs at least {min_length}"),
    "greater_than_equal": ("不能小于 {ge}", "must not be below {ge}"),
    "less_than_equal": ("不能大于 {le}", "must not be above {le}"),
    "literal_error": ("只能是 {expected}", "must be {expected}"),
}
# Of a parser's complaint, by a part of it, how to mend what most likely caused it.
_MENDED: tuple[tuple[str, str, str], ...] = (
    ("\\t", "缩进不能用 Tab，改用空格", "indent with spaces, not with tabs"),
    ("mapping values", "一行里多了冒号，把整段文字放进引号", "put text with a colon in quotes"),
    ("expected ',' or", "方括号、花括号或引号没有配好", "a bracket or a quote is not closed"),
    ("expected <block end>", "缩进没有对齐，或少了引号", "wrong indentation, or a missing quote"),
    ("could not find expected ':'", "这一行少了英文冒号", "a colon is missing in this line"),
    ("stream end", "方括号、花括号或引号没有配好", "a bracket or a quote is not closed"),
    ("undefined alias", "* 打头的文字要放进引号", "text that begins with * wants quotes"),
    ("constructor", "不能用 ! 开头的标签", "tags that begin with ! are not allowed"),
    ("cannot start any token", "这个字符开头的文字要放进引号", "such text wants quotes"),
)  # fmt: skip


class WrongError(ValueError):
    """A rule of a declaration is broken; said in both languages.

    ``where`` are the steps to what is wrong, from what was being validated.
    """

    def __init__(self, zh: str, en: str, *where: str | int) -> None:
        super().__init__(en)
        self.zh, self.en, self.where = zh, en, where


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong, at a line (from 1; 0 where none applies)."""

    line: int
    zh: str
    en: str


def of_syntax(error: yaml.YAMLError, text: str) -> Mistake:
    """Say where and, as far as can be told, why ``text`` is no YAML."""
    if isinstance(error, ReaderError):
        return Mistake(
            text.count("\n", 0, error.position) + 1,
            "这一行有看不见的控制字符，删掉它",
            "there is a control character in this line; delete it",
        )
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    told = str(error)
    line = mark.line + 1 if mark else 0
    lines = text.splitlines()
    if opened := _opened_quote(lines[:line], '"') or _opened_quote(lines[:line], "'"):
        return Mistake(opened, "这一行的引号没有配好", "a quote in this line is not closed")
    for number, wrong in list(enumerate(lines, start=1))[max(0, line - 2) : line]:
        if "：" in wrong and ":" not in wrong:
            return Mistake(
                number, "冒号要用英文的 :，后面空一格", "use an ASCII colon, then a space"
            )
    for part, zh, en in _MENDED:
        if part in told:
            return Mistake(line, zh, en)
    return Mistake(line, f"不是合法的 YAML：{told}", f"no valid YAML: {told}")


def _opened_quote(lines: list[str], quote: str) -> int:
    """The first line whose quote is still open where the next line begins a key; 0 for none."""
    opened = False
    for number, (one, after) in enumerate(pairwise([*lines, "end:"]), start=1):
        if _odd(one, quote, opened=opened):
            opened = not opened
            if opened and _KEY.match(after):
                return number
    return 0


def _odd(line: str, quote: str, *, opened: bool) -> bool:
    """Whether ``line`` opens or closes a quote; an apostrophe in a word does neither."""
    plain = line.replace('\\"', "").split(" #")[0]
    if quote == "'":
        plain = _WITHIN.sub("", plain)
        if not (opened or _OPENING.search(plain)):
            return False
    return plain.count(quote) % 2 == 1


def of_bytes(data: bytes) -> tuple[str, str]:
    """Say why ``data`` is no text in UTF-8, and what to do."""
    if _NO_TEXT.search(data) and not data.startswith(_WIDE):
        return (
            "不是文字，像是图片或压缩包；要 UTF-8 的文本文件",
            "is no text but, by its looks, a picture or an archive; it must be text in UTF-8",
        )
    return "不是 UTF-8；请在编辑器里另存为 UTF-8", "is not UTF-8; save it as UTF-8"


def of_keys(root: yaml.Node | None) -> Iterator[Mistake]:
    """Yield the keys that are written twice: YAML would silently keep the last."""
    if isinstance(root, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in root.value:
            line = key.start_mark.line + 1
            if first := seen.get(key.value):
                yield Mistake(
                    line,
                    f"{key.value} 写了两次（第 {first} 行也有）",
                    f"{key.value} is there twice (line {first} too)",
                )
            seen[key.value] = line
            yield from of_keys(value)
    elif isinstance(root, yaml.SequenceNode):
        for node in root.value:
            yield from of_keys(node)


def of_values(
    error: ValidationError, root: yaml.Node | None, known: Iterable[str], declared: Any = None
) -> Iterator[Mistake]:
    """Yield what ``error`` finds; ``known`` are the keys that a misspelt one may stand for.

    ``declared`` is what was validated, where that is more than the file says: items of a list
    are then found by their name.
    A key that is missing because another one was misspelt is told once.
    """
    names = sorted(known)
    found = error.errors()
    meant: set[tuple[tuple[Any, ...], str]] = set()
    for item in found:
        if item["type"] == "extra_forbidden":
            near = get_close_matches(str(item["loc"][-1]), names, 1, 0.7)
            meant |= {(item["loc"][:-1], name) for name in near}
    for item in found:
        wrong = (item.get("ctx") or {}).get("error")
        where = (*item["loc"], *(wrong.where if isinstance(wrong, WrongError) else ()))
        missed = item["type"] == "missing"
        if missed and ((where[:-1], where[-1]) in meant or where[-1] in _FILLED):
            continue
        if item["type"] == "too_short" and any(_inside(other["loc"], where) for other in found):
            continue  # there are some, and they are wrong
        told_at = where[:-1] if missed else where
        line, steps = _place(root, told_at, declared)
        zh, en = _said(dict(item), names)
        path = ".".join(map(str, steps))
        yield Mistake(line, f"{path}：{zh}" if path else zh, f"{path}: {en}" if path else en)


def _inside(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return len(one) > len(other) and one[: len(other)] == other


def ended(sentence: str, stop: str) -> str:
    """Return ``sentence`` with its stop, unless it is a question."""
    return sentence if sentence.endswith(("？", "?")) else sentence + stop


def first_of(error: ValidationError, known: Iterable[str]) -> tuple[str, str]:
    """Say the first thing that ``error`` finds, with where, in both languages."""
    item: dict[str, Any] = dict(error.errors()[0])
    zh, en = _said(item, sorted(known))
    path = ".".join(map(str, item["loc"]))
    if item["type"] in ("missing", "extra_forbidden") or not path:
        return zh, en
    return f"{path}：{zh}", f"{path}: {en}"


def _said(item: dict[str, Any], names: list[str]) -> tuple[str, str]:
    context = item.get("ctx") or {}
    if isinstance(wrong := context.get("error"), WrongError):
        return wrong.zh, wrong.en
    zh, en = _SAID.get(item["type"], (item["msg"], item["msg"]))
    told = {**context, "key": item["loc"][-1] if item["loc"] else ""}
    if item["type"] in _SAID:
        zh, en = zh.format(**told), en.format(**told)
    if item["type"] == "extra_forbidden":
        for near in get_close_matches(str(told["key"]), names, 1, 0.7):
            return f"{zh}，是不是 {near}？", f"{en}; did you mean {near}?"
    return zh, en


def _place(root: yaml.Node | None, where: tuple[Any, ...], declared: Any) -> tuple[int, list[Any]]:
    """The line of the last step of ``where`` that is in the file, and the steps to say."""
    line, node, steps = (1 if root else 0), root, []
    for step in where:
        declared = _inner(declared, step)
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if pair is None and isinstance(step, int) and step < len(node.value):
                pair = node.value[step]  # a list that was written as names with values
            if pair is None:
                steps.append(step)
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            item = _item(node, step, declared)
            if item is None:
                break
            node = item
            line = node.start_mark.line + 1
        else:
            break  # a tag of pydantic's, which stands in no file
        steps.append(step + 1 if isinstance(step, int) else step)
    return line, steps


def _inner(declared: Any, step: Any) -> Any:
    try:
        return declared[step]
    except (KeyError, IndexError, TypeError):
        return None


def _item(node: yaml.SequenceNode, step: int, declared: Any) -> yaml.Node | None:
    """The item of ``node`` that stands for the item ``declared``, by its name or its place."""
    names = {declared.get("name"), declared.get("value")} if isinstance(declared, dict) else set()
    if names - {None}:
        for item in node.value:
            said = {k.value: v.value for k, v in item.value} if _is_mapping(item) else {}
            if names & {said.get("name"), said.get("value")} - {None}:
                found: yaml.Node = item
                return found
    return node.value[step] if step < len(node.value) else None


def _is_mapping(node: yaml.Node) -> bool:
    return isinstance(node, yaml.MappingNode)


def listed(mistakes: Iterable[Mistake]) -> tuple[str, str]:
    """Return the mistakes in the order of their lines, in Chinese and in English."""
    found = sorted(set(mistakes))
    zh = [f"第 {m.line} 行：{m.zh}" if m.line else m.zh for m in found[:_MOST]]
    en = [f"line {m.line}: {m.en}" if m.line else m.en for m in found[:_MOST]]
    if (more := len(found) - _MOST) > 0:
        zh.append(f"还有 {more} 处")
        en.append(f"{more} more")
    return "\n".join(zh), "\n".join(en)
