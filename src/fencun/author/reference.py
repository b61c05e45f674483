"""Every key that a scenario may hold, as Markdown, told by the models that read it."""

from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo

from fencun.data.targets import Targets
from fencun.language import Language
from fencun.scenario import (
    Advice,
    Case,
    Choice,
    Declared,
    Dimension,
    LengthRange,
    Rules,
    Scenario,
    ScenarioWords,
    TactTopic,
)
from fencun.scenario.inherit import EXTENDS

# Where in the files each model stands, in the order in which one writes them.
PLACES: tuple[tuple[str, type[Declared]], ...] = (
    ("scenario.yaml", Scenario),
    ("dimensions", Dimension),
    ("choices", Choice),
    ("range, limits", LengthRange),
    ("words", ScenarioWords),
    ("advice", Advice),
    ("tact", TactTopic),
    ("rules", Rules),
    ("rules.cases", Case),
    ("targets.yaml", Targets),
)
_UNSAID = ("folder",)  # where the file lies, which nobody writes
_FILLED = ("en", "product", "product_en", "kind")  # taken from other keys
_EXTENDS = (
    "继承哪个场景：名字，或 ../文件夹；这里没写的都从那边来"
    "|the scenario to take over from: a name, or ../folder; what is not said here comes from there"
)


def reference(language: Language) -> str:
    """Return one table for every place, with every key that may stand there."""
    tables = [_table(place, model, language) for place, model in PLACES]
    return "\n".join(tables)


def _table(place: str, model: type[Declared], language: Language) -> str:
    head = ("键", "是什么", "不写") if language == "zh" else ("key", "what it is", "default")
    rows = [f"### `{place}`", "", f"| {' | '.join(head)} |", "|---|---|---|"]
    for key, told, default in _rows(model):
        rows.append(f"| `{key}` | {_in(told, language)} | {_in(default, language)} |")
    return "\n".join([*rows, ""])


def _rows(model: type[Declared]) -> Iterator[tuple[str, str, str]]:
    for key, field in model.model_fields.items():
        if key not in _UNSAID:
            yield key, field.description or "", _default(key, field)
    if model is Scenario:
        yield EXTENDS, _EXTENDS, "—"


def _default(key: str, field: FieldInfo) -> str:
    if key in _FILLED:
        return "—"
    if field.is_required():
        return "必须写|required"
    value: Any = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, int | str) and value else "—"


def _in(told: str, language: Language) -> str:
    zh, _, en = told.partition("|")
    return zh if language == "zh" or not en else en
