"""What a scenario takes over from the one that it ``extends``.

What the child says wins. Keys of one mapping are put together; a list replaces the parent's,
but ``...`` in it stands for the parent's items, and an item of the parent's name (or value)
takes over what it does not say itself.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

EXTENDS = "extends"
_REST = "..."
_NAMED_BY = ("name", "value")
_OWN = ("name", "title", "en", "product", "product_en")  # a name is not inherited
_WHOLE = {"example", "examples"}  # replaced as they are, and inherited only where they fit
_FILES = ("prompt", "tact_model")


def rebased(declared: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return ``declared`` with the files that it names in ``folder`` found from anywhere."""
    found = {key: value for key, value in declared.items() if key not in _OWN}
    for key in _FILES:
        value = found.get(key)
        if isinstance(value, str) and value and (folder / value).is_file():
            found[key] = str(folder / value)
    return found


def inherited(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``child`` with what it takes over from ``parent``."""
    merged = dict(parent)
    for key, value in child.items():
        merged[key] = value if key in _WHOLE else _merged(parent.get(key), value)
    for key in _WHOLE - child.keys():
        if not _fits(merged.get(key), merged.get("dimensions")):
            merged.pop(key, None)
    return merged


def _fits(examples: Any, dimensions: Any) -> bool:
    """Whether inherited examples fill in nothing but fields that the child still has."""
    fields = {_name(item) for item in dimensions or ()} | {"text"}
    rows = examples if isinstance(examples, list) else [examples]
    return all(isinstance(row, Mapping) and row.keys() <= fields for row in rows)


def _merged(parent: Any, child: Any) -> Any:
    if isinstance(parent, Mapping) and isinstance(child, Mapping):
        return {**parent, **{key: _merged(parent.get(key), told) for key, told in child.items()}}
    if isinstance(parent, list) and isinstance(child, list):
        return list(_items(parent, child))
    return child


def _items(parent: list[Any], child: list[Any]) -> Iterator[Any]:
    """Yield the items of ``child``, each with what it takes over; ``...`` is the parent's rest."""
    above = {name: item for item in parent if (name := _name(item))}
    said = {_name(item) for item in child if _name(item)}
    for item in child:
        if item == _REST:
            yield from (other for other in parent if _name(other) not in said)
        elif (name := _name(item)) in above and name:
            yield _merged(above[name], item)
        else:
            yield item


def _name(item: Any) -> str:
    """Return by what an item is known; empty where by nothing."""
    if isinstance(item, Mapping):
        return next((str(item[key]) for key in _NAMED_BY if key in item), "")
    return ""
