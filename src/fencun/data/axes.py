"""The ways to divide the data: every choice of the scenario, tact, and how details are typed."""

from collections.abc import Mapping
from dataclasses import dataclass

from fencun.language import say
from fencun.scenario import Scenario

TACT = "tact"
TYPING = "typing"
EVERY = "every"  # the axis that keeps a map flat where there is but one other
NO_TOPIC = "无"
# How details are typed, by characters: nothing, a few words, a sentence, more than that.
TYPINGS: Mapping[str, tuple[str, int]] = {
    "空": ("empty", 0),
    "短": ("terse", 10),
    "一般": ("normal", 40),
    "啰嗦": ("rambling", 10**9),
}


@dataclass(frozen=True, slots=True)
class Axis:
    """One way to divide the data: its name, what people call it, and its values in order."""

    name: str
    zh: str
    en: str
    values: tuple[str, ...]
    english: Mapping[str, str]

    @property
    def label(self) -> str:
        """What the axis is called in the language of this process."""
        return say(self.zh, self.en)

    def value_label(self, value: str) -> str:
        """Return ``value`` in the language of this process."""
        return say(value, self.english.get(value, value))


def axes(scenario: Scenario) -> tuple[Axis, ...]:
    """Return the axes of ``scenario``: every choice, then tact, then how details are typed."""
    found = [
        Axis(
            d.name,
            d.label,
            d.en,
            tuple(choice.value for choice in d.choices),
            {choice.value: choice.en for choice in d.choices},
        )
        for d in scenario.dimensions
        if d.kind != "text"
    ]
    topics = {NO_TOPIC: "none", **{topic.name: topic.en for topic in scenario.tact}}
    found.append(Axis(TACT, "分寸", "Tact", tuple(topics), topics))
    if scenario.role("detail"):
        typings = {value: en for value, (en, _) in TYPINGS.items()}
        found.append(Axis(TYPING, "细节写法", "Detail as typed", tuple(typings), typings))
    if len(found) == 1:
        found.append(Axis(EVERY, "全部", "All", (EVERY,), {EVERY: "all"}))
    return tuple(found)


def map_axes(scenario: Scenario) -> tuple[str, str]:
    """Return the axes that a map is drawn over by itself: whom it is for down, the next across."""
    names = [axis.name for axis in axes(scenario)]
    audience = scenario.role("audience")
    rows = audience.name if audience and audience.choices else names[0]
    return rows, next(name for name in names if name != rows)


def typing_of(detail: str) -> str:
    """Return how ``detail`` was typed: one of :data:`TYPINGS`."""
    return next(value for value, (_, most) in TYPINGS.items() if len(detail) <= most)
