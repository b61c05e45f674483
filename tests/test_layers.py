"""Rooms know only the rooms below them; pages write no SQL, and no code stands in strings."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import fencun

SOURCE = Path(fencun.__file__).parent
# Room -> the rooms that it may know. What stands beside them (brief, prompt, writer) is the core.
BELOW: dict[str, set[str]] = {
    "scenario": set(),
    "models": set(),
    "gates": {"scenario"},
    "data": {"gates", "models", "scenario"},
    "tune": {"data", "gates", "models", "scenario"},
    "store": {"data", "gates", "models", "scenario"},
    "evaluate": {"data", "gates", "models", "scenario", "store", "tune"},
    "author": {"data", "evaluate", "gates", "models", "scenario"},
    "web": {"author", "data", "evaluate", "gates", "models", "scenario", "store", "tune"},
    "cli": {"author", "data", "evaluate", "gates", "models", "scenario", "store", "tune", "web"},
}
CORE = {"data", "gates", "models", "scenario"}


@cache
def parsed(path: Path) -> ast.Module:
    """A module as it was parsed once for all tests here."""
    return ast.parse(path.read_text(encoding="utf-8"))


def sources(room: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Yield the modules of ``room``, those below it included."""
    for path in room.rglob("*.py"):
        yield path, parsed(path)


def rooms_known(tree: ast.Module) -> set[str]:
    """The rooms that a module imports from, at its top or anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "fencun":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fencun."):
            found.add((node.module or "").split(".")[1])
    return found & BELOW.keys()


def test_every_room_has_its_place() -> None:
    rooms = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    assert rooms == BELOW.keys()


@pytest.mark.parametrize("room", BELOW)
def test_a_room_knows_only_what_is_below_it(room: str) -> None:
    for path, tree in sources(SOURCE / room):
        assert rooms_known(tree) - {room} <= BELOW[room], path


def test_the_core_knows_neither_pages_nor_votes_nor_the_store() -> None:
    for path in SOURCE.glob("*.py"):
        known = rooms_known(parsed(path))
        assert known <= (CORE | {"cli"} if path.name == "__main__.py" else CORE), path


def test_pages_write_no_sql() -> None:
    for path, tree in sources(SOURCE / "web"):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
                assert {alias.name for alias in node.names} <= {"Session"}, path


def test_no_program_is_written_in_a_string() -> None:
    """Our own command line is started as ``python -m fencun``."""
    for path, tree in sources(SOURCE):
        strings = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
        assert "-c" not in strings, path


def modules() -> Iterator[str]:
    """Yield our modules by their name below ``fencun``, numbered migrations and packages aside."""
    for path in SOURCE.rglob("*.py"):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        if path.name != "__init__.py" and not name.startswith("store.migrations.versions."):
            yield name


def test_every_module_has_a_test_by_its_name() -> None:
    """A module is tested where one looks for it: ``tests/test_ROOM_MODULE.py``."""
    here = Path(__file__).parent
    names = {name: here / f"test_{name.replace('.', '_')}.py" for name in modules()}
    assert sorted(name for name, path in names.items() if not path.is_file()) == []


def imports(tree: ast.Module, known: set[str]) -> set[str]:
    """The modules among ``known`` that a module imports from, at its top or anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            found |= {name if name in known else node.module for name in names}
    return found & known


def test_no_two_modules_need_each_other() -> None:
    """Nor three in a circle, however late they import."""
    trees = {}
    for path, tree in sources(SOURCE):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        trees[".".join(parts).removesuffix(".__init__")] = tree
    needs = {name: imports(tree, trees.keys() - {name}) for name, tree in trees.items()}
    assert len([name for name, needed in needs.items() if needed]) > 200
    TopologicalSorter(needs).prepare()  # raises CycleError, which names them


def test_what_is_private_to_a_module_stays_in_it() -> None:
    for path, tree in sources(SOURCE):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                names = [alias.name for alias in node.names if not alias.name.startswith("__")]
                assert not any(name.startswith("_") for name in names), path


def test_a_class_has_a_name_of_its_own() -> None:
    """Whoever searches for a class finds one; what a module keeps to itself may be called alike."""
    where: dict[str, list[str]] = {}
    for path, tree in sources(SOURCE):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where.setdefault(node.name, []).append(str(path.relative_to(SOURCE)))
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


ENDINGS = re.compile(r"(?:ings?|ers?|ed|es|s|e|ions?|ations?)$")


def test_no_two_files_of_a_room_differ_by_an_ending() -> None:
    """Whoever looks for the plan must not have to open plan, plans and planning."""
    found: dict[tuple[Path, str], list[str]] = {}
    for path, _ in sources(SOURCE):
        if path.name != "__init__.py" and path.parent.name != "versions":
            stem = re.sub(r"(.)\1$", r"\1", ENDINGS.sub("", path.stem))
            found.setdefault((path.parent, stem), []).append(path.name)
    assert [names for names in found.values() if len(names) > 1] == []


# The fake of a seam, and what the rules of a verdict are held against: tests and benchmarks ask.
FOR_TESTS = {"fencun.models.fake", "fencun.evaluate.simulate"}
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def uses(tree: ast.AST) -> Counter[str]:
    """How often each name is read in ``tree``: alone, behind a dot, or in a string."""
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found[node.id] += 1
        elif isinstance(node, ast.Attribute):
            found[node.attr] += 1
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update(re.findall(r"\w+", node.value) if len(node.value) < 80 else [])
    return found


def defined(tree: ast.Module) -> Iterator[tuple[Definition, bool]]:
    """Yield what a module defines that nothing registers: and whether it is of a plain class."""
    for node in tree.body:
        if isinstance(node, Definition) and not node.decorator_list:
            yield node, False
        if isinstance(node, ast.ClassDef) and not node.bases:
            methods = (one for one in node.body if isinstance(one, Definition))
            yield from ((one, True) for one in methods if not one.name.startswith("__"))


def test_what_only_tests_use_is_not_kept() -> None:
    trees = {path: tree for path, tree in sources(SOURCE) if "versions" not in path.parts}
    pages = (*SOURCE.rglob("*.html"), *SOURCE.rglob("*.j2"))
    everywhere = Counter(re.findall(r"\w+", "".join(p.read_text("utf-8") for p in pages)))
    imported: set[tuple[str, str]] = set()
    for tree in trees.values():
        everywhere += uses(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                imported |= {(node.module or "", alias.name) for alias in node.names}
    dead = []
    for path, tree in trees.items():
        name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        name, here = name.removesuffix(".__init__"), uses(tree)
        for node, method in [] if name in FOR_TESTS else defined(tree):
            read = (everywhere if method else here)[node.name] - uses(node)[node.name]
            if not read and not method:  # a module may also be read as a whole: ``tact.named``
                read = (name, node.name) in imported or everywhere[node.name] > here[node.name]
            if not read:
                dead.append(f"{name}.{node.name}")
    assert dead == []
