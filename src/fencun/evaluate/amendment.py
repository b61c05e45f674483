"""Rules that were changed after they had been registered: possible, all kept, and all shown."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from fencun.errors import FencunError
from fencun.evaluate.rules import VerdictRules
from fencun.files import write_json
from fencun.language import enumerated, say
from fencun.provenance import timestamp

AMENDMENTS = "rules.json"
_SHOWN = 6
_LETTERS = 16


class Amendment(BaseModel):
    """One change: when, with how many votes cast, why, and the whole rules from then on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str
    votes: int
    why: str
    rules: dict[str, Any]
    changed: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return what was changed, when, and why."""
        shown = enumerated(self.changed[:_SHOWN])
        if len(self.changed) > _SHOWN:
            shown += say(f" 等 {len(self.changed)} 处", f" and more, {len(self.changed)} in all")
        return say(
            f"规则在 {self.at} 改过，当时已有 {self.votes} 票{f'：{shown}' if shown else ''}。"
            f"理由：{self.why}",
            f"The rules were changed at {self.at}, with {self.votes} votes cast"
            f"{f' ({shown})' if shown else ''}: {self.why}",
        )


def amendments(folder: Path) -> list[Amendment]:
    """Return every change of the rules of the study in ``folder``, first to last.

    Raises:
        FencunError: they cannot be read.
    """
    path = folder / AMENDMENTS
    if not path.exists():
        return []
    try:
        found = json.loads(path.read_bytes())
        # Before several were kept there was one, bare.
        return [
            Amendment.model_validate(one) for one in (found if isinstance(found, list) else [found])
        ]
    except (OSError, ValueError, RecursionError, ValidationError) as error:
        raise FencunError(f"{path} 读不了：{error}", f"{path} is malformed: {error}") from error


def amend(folder: Path, before: VerdictRules, after: VerdictRules, why: str, votes: int) -> None:
    """Change the rules of the study in ``folder`` from ``before``, ``votes`` having been cast.

    Raises:
        FencunError: no reason is given, nothing is changed, or earlier changes cannot be read.
    """
    if not why.strip():
        raise FencunError("改规则要写理由：--why。", "Changing the rules takes a reason: --why.")
    changed = tuple(_differences(before, after))
    if not changed:
        raise FencunError(
            "和现在用的规则一样，没什么可改：用 --rules 给新的规则。",
            "These are the rules in force, nothing changes: give new ones with --rules.",
        )
    one = Amendment(
        at=timestamp(),
        votes=votes,
        why=" ".join(why.split()),
        rules=after.model_dump(mode="json"),
        changed=changed,
    )
    write_json(
        folder / AMENDMENTS, [kept.model_dump(mode="json") for kept in (*amendments(folder), one)]
    )


def _differences(before: VerdictRules, after: VerdictRules) -> Iterator[str]:
    """Yield what differs, as in ``beats.at 0.55→0.5``."""
    old, new = (dict(_flat(rules.model_dump(mode="json"))) for rules in (before, after))
    for name in sorted(old | new):
        if old.get(name) != new.get(name):
            yield f"{name} {_brief(old.get(name, '–'))}→{_brief(new.get(name, '–'))}"


def _brief(value: object) -> str:
    """A threshold as it is, a sentence only as far as to know it again."""
    told = str(value)
    return told if len(told) <= _LETTERS else told[:_LETTERS] + "…"


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        named = value.items() if isinstance(value, dict) else enumerate(value, start=1)
        for key, below in named:
            yield from _flat(below, f"{name}.{key}" if name and name != "rules" else str(key))
    else:
        yield name, value
