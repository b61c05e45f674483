"""Rooms know only the rooms below them; pages write no SQL, and no code stands in strings."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import fencun

SOURCE = Path(fencun.__file__).parent
# Room -> the rooms that it may know. What stands beside them (brief, prompt, writer) is the core.
BELOW: dict[str, set[str]] = {
    "models": set(),
    "gates": set(),
    "data": {"gates", "models"},
    "tune": {"data", "gates", "models"},
    "store": {"data", "gates", "models"},
    "evaluate": {"data", "gates", "models", "store", "tune"},
    "web": {"data", "evaluate", "gates", "models", "store", "tune"},
    "cli": {"data", "evaluate", "gates", "models", "store", "tune", "web"},
}
CORE = {"data", "gates", "models"}


def sources(room: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Yield the modules of ``room``, those below it included."""
    for path in room.rglob("*.py"):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


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
        known = rooms_known(ast.parse(path.read_text(encoding="utf-8")))
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
