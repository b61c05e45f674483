"""Every regular expression of the code and of the shipped scenarios, and text made to spite it."""

import ast
import importlib
import itertools
import re
import re._constants as codes
import re._parser as parser
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import fencun

SOURCE = Path(fencun.__file__).parent
_CALLS = {"compile", "match", "fullmatch", "search", "sub", "split", "findall", "finditer"}


class Expression(NamedTuple):
    """An expression of the code; ``once`` says that it is tried from the start of a text only."""

    where: str
    pattern: re.Pattern[str]
    once: bool

    def seconds(self, text: str) -> float:
        """Return the processor time of finding everything that it finds in ``text``."""
        if isinstance(self.pattern.pattern, bytes):
            text = text.encode()  # type: ignore[assignment]
        started = time.process_time()
        if self.once:
            self.pattern.fullmatch(text)
            self.pattern.match(text)
        else:
            for _ in self.pattern.finditer(text):
                pass
        return time.process_time() - started


def in_the_code() -> list[Expression]:
    """Return every expression that the source gives to ``re``."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tried = _tried_from_the_start(tree)
        names = {node.value: _name(node) for node in ast.walk(tree) if isinstance(node, ast.Assign)}
        for node in filter(_is_call, ast.walk(tree)):
            assert isinstance(node, ast.Call)
            assert isinstance(node.func, ast.Attribute)
            once = names.get(node) in tried or node.func.attr in ("match", "fullmatch")
            where = f"{path.relative_to(SOURCE)}:{node.lineno}"
            found += [Expression(where, pattern, once) for pattern in _evaluated(path, node)]
    return found


def _name(node: ast.Assign) -> str:
    return node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""


def _tried_from_the_start(tree: ast.AST) -> set[str]:
    """The names of which only ``fullmatch``, or ``match`` without a place, is ever called."""
    calls: dict[str, set[bool]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            calls.setdefault(node.id, set())
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            once = function.attr in ("match", "fullmatch") and len(node.args) == 1
            calls.setdefault(function.value.id, set()).add(once)
    return {name for name, once in calls.items() if once == {True}}


def _is_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in _CALLS
    )


def _evaluated(path: Path, call: Any) -> Iterator[re.Pattern[str]]:
    """The expression that ``call`` compiles, where it is a constant of its module."""
    names = vars(_module(path))
    try:
        pattern = eval(compile(ast.Expression(call.args[0]), str(path), "eval"), names)
    except NameError:
        return  # a local name: an expression of a scenario, see in_the_scenarios
    flags = next((arg.value for arg in call.keywords if arg.arg == "flags"), None)
    if call.func.attr == "compile" and len(call.args) > 1:
        flags = call.args[1]
    value = eval(compile(ast.Expression(flags), str(path), "eval"), names) if flags else 0
    yield re.compile(pattern, value)


def _module(path: Path) -> ModuleType:
    name = ".".join(("fencun", *path.relative_to(SOURCE).with_suffix("").parts))
    return importlib.import_module(name.removesuffix(".__init__"))


def in_a_scenario(declared: Any, where: str = "") -> list[Expression]:
    """Return every expression of a scenario: of the fields whose type says that they are some."""
    from fencun.scenario import Declared, Patterns

    found: list[Expression] = []
    if isinstance(declared, Declared):
        for name, field in type(declared).model_fields.items():
            value, here = getattr(declared, name), f"{where}.{name}"
            if field.annotation == Patterns:
                found += [Expression(here, re.compile(each), False) for each in value]
            else:
                found += in_a_scenario(value, here)
    elif isinstance(declared, tuple | list):
        for one in declared:
            found += in_a_scenario(one, where)
    return found


def spites(pattern: re.Pattern[str], size: int, most: int = 60) -> Iterator[str]:
    """Yield texts of ``size`` characters that nearly match over and over again.

    Made of the expression itself: a shortest match of each of its branches, whole and without its
    end, its letters alone and in turns; ``most`` of them, evenly chosen.
    """
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
    matches = list(dict.fromkeys(_examples(tree)))[:24]
    units = [*matches, *(example[:-1] for example in matches)]
    letters = list(dict.fromkeys(_letters(tree)))
    step = max(1, len(letters) // 12)
    some = letters[::step][:12]
    units += some
    units += [a + b for a, b in zip(some, some[1:] + some[:1], strict=True)]
    units.append("".join(letters)[:60])
    chosen = list(dict.fromkeys(filter(None, units)))
    for unit in itertools.islice(chosen, 0, None, max(1, len(chosen) // most)):
        yield (unit * (size // len(unit) + 1))[:size]


def _examples(tree: Any, repeats: int = 2) -> Iterator[str]:
    """Yield shortest texts that the parsed expression takes, one a branch (assertions aside)."""
    yield from _joined(list(tree), repeats)


def _joined(items: list[Any], repeats: int) -> list[str]:
    texts = [""]
    for item in items:
        said = _of(item, repeats)
        texts = [text + more for text in texts for more in said][:24]
    return texts


def _of(item: Any, repeats: int) -> list[str]:
    code, value = item
    if code is codes.LITERAL:
        return [chr(value)]
    if code is codes.NOT_LITERAL:
        return ["年" if value != ord("年") else "月"]
    if code is codes.ANY:
        return ["年"]
    if code is codes.IN:
        return list(_of_class(value))[:2] or ["年"]
    if code is codes.BRANCH:
        return [text for branch in value[1] for text in _joined(list(branch), repeats)][:24]
    if code is codes.SUBPATTERN:
        return _joined(list(value[3]), repeats)
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        least, most, inner = value
        times = min(int(most), max(int(least), repeats))
        none = [] if least else [""]
        return [text * times for text in _joined(list(inner), repeats)] + none
    if code is codes.ATOMIC_GROUP:
        return _joined(list(value), repeats)
    return [""]  # assertions, anchors, references


def _of_class(members: Any) -> Iterator[str]:
    if members[0][0] is codes.NEGATE:
        banned = set(_of_class(members[1:]))
        yield from [char for char in "年a1 ，" if char not in banned][:1]
        return
    for code, value in members:
        if code is codes.LITERAL:
            yield chr(value)
        elif code is codes.RANGE:
            yield from (chr(value[0]), chr(value[1]))
        elif code is codes.CATEGORY:
            known = {codes.CATEGORY_DIGIT: "1", codes.CATEGORY_SPACE: " "}
            yield known.get(value, "年")


def _letters(tree: Any) -> Iterator[str]:
    for code, value in tree:
        if code in (codes.LITERAL, codes.NOT_LITERAL):
            yield chr(value)
        elif code is codes.IN:
            yield from _of_class(value)
        elif code is codes.BRANCH:
            for branch in value[1]:
                yield from _letters(branch)
        elif code is codes.SUBPATTERN:
            yield from _letters(value[3])
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            yield from _letters(value[2])
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            yield from _letters(value[1])
        elif code is codes.ATOMIC_GROUP:
            yield from _letters(value)
