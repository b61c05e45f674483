"""Who may know whom: every import of every module, also those inside functions."""

import ast
import re
from pathlib import Path

import pytest

import fencun

SOURCE = Path(fencun.__file__).parent
UPPER = frozenset({"web", "cli"})
# Package -> the packages that it must not know.
FORBIDDEN = {
    "gates": {"data", "store", "evaluate", "tune"} | UPPER,
    "models": {"gates", "data", "store", "evaluate", "tune"} | UPPER,
    "data": {"store", "evaluate", "tune"} | UPPER,
    "store": {"evaluate", "tune"} | UPPER,
    "evaluate": set(UPPER),
    "tune": set(UPPER),
    "web": {"cli"},
}


def imported(path: Path) -> set[str]:
    """Return the dotted names that a module imports, names taken from a module included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("package", FORBIDDEN)
def test_a_package_knows_only_what_lies_below_it(package: str) -> None:
    for path in (SOURCE / package).rglob("*.py"):
        for name in imported(path):
            parts = name.split(".")
            wrong = parts[0] == "fencun" and parts[1] in FORBIDDEN[package]
            assert not wrong, f"{path.relative_to(SOURCE)} imports {name}"


def test_the_web_writes_no_sql() -> None:
    for path in (SOURCE / "web").rglob("*.py"):
        used = {name for name in imported(path) if name.startswith("sqlalchemy")}
        assert used <= {"sqlalchemy.orm.Session"}, path


def test_the_store_names_no_module_by_a_string() -> None:
    for path in (SOURCE / "store").glob("*.py"):
        strings = [
            node.value
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert not [text for text in strings if re.fullmatch(r"fencun(\.[a-z_]+){2,}", text)], path
