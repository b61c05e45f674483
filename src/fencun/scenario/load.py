"""A scenario is read from YAML, all that is wrong with it told at once."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from fencun.errors import ScenarioError
from fencun.mistakes import Mistake, listed, of_bytes, of_keys, of_syntax, of_values
from fencun.scenario.declared import Declared
from fencun.scenario.inherit import EXTENDS, inherited, rebased
from fencun.scenario.model import Scenario
from fencun.scenario.places import at_home, find, scenario_names

_ROOM = __name__.rpartition(".")[0]
_DEEP = 8  # scenarios that extend one another
# The C one is ten times as fast, where it is there.
YAML_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_scenario(source: str | Path = "") -> Scenario:
    """Load a scenario by name, by its folder or its YAML file; empty is the one in use.

    A file that has changed since is read again.

    Raises:
        ScenarioError: there is none, or its YAML does not declare a scenario; says where.
    """
    path = find(source)
    return _load(path, state_of(path))


def readable_scenarios() -> list[Scenario]:
    """Return the scenarios of this machine; one that is broken hides no other."""
    found = []
    for name in scenario_names():
        with suppress(ScenarioError):
            found.append(load_scenario(at_home(name) or name))
    return found


def state_of(path: Path) -> tuple[Any, ...]:
    """Return what changes when ``path``, or a file that it extends, is saved."""
    states: list[Any] = []
    for _ in range(_DEEP):
        try:
            stat = path.stat()
        except OSError:
            break
        states.append((str(path), stat.st_mtime_ns, stat.st_size))
        if (above := _extended(path, stat.st_mtime_ns)) is None:
            break
        path = above
    return tuple(states)


@lru_cache(maxsize=64)
def _load(path: Path, _state: tuple[Any, ...]) -> Scenario:
    text, declared = _declared(path)
    root = yaml.compose(text, YAML_LOADER)
    twice = list(of_keys(root))
    whole = _whole(path, declared)
    try:
        made = Scenario(**{**whole, "folder": path.parent})
    except ValidationError as error:
        found = of_values(error, root, _keys(), whole)
        raise _malformed(path, [*twice, *found]) from error
    except TypeError as error:  # a key that is no text
        raise ScenarioError(f"{path}：{error}", f"{path}: {error}") from error
    if twice:
        raise _malformed(path, twice)
    return made


def _whole(path: Path, declared: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Return what ``declared`` says together with what it inherits."""
    own = {key: value for key, value in declared.items() if key != EXTENDS}
    if EXTENDS not in declared:
        return own
    parent = _parent(path, declared[EXTENDS])
    if depth >= _DEEP:
        raise ScenarioError(
            f"{path}：extends 转了圈，或超过 {_DEEP} 层。",
            f"{path}: extends goes round in a circle, or more than {_DEEP} deep.",
        )
    _, above = _declared(parent)
    whole = _whole(parent, above, depth + 1)
    if depth == 0:
        load_scenario(parent)  # what is wrong with it is told with its own lines
    return inherited(rebased(whole, parent.parent), own)


def _parent(path: Path, named: Any) -> Path:
    """Return the file that ``path`` extends: a name, or a folder beside it."""
    beside = path.parent / str(named)
    found = find(beside) if str(named).startswith((".", "/")) else find(str(named))
    if not found.is_file():
        raise ScenarioError(
            f"{path}：extends 说的“{named}”不在；现有：{'、'.join(scenario_names())}，"
            "也可以写文件夹，如 ../那个场景。",
            f"{path}: it extends {named!r}, which is not there. There are: "
            f"{', '.join(scenario_names())}; a folder will do too, as in ../that_one.",
        )
    return found


def _declared(path: Path) -> tuple[str, dict[str, Any]]:
    text = _read(path)
    try:
        declared: Any = yaml.load(text, YAML_LOADER)
    except yaml.YAMLError:
        raise _malformed(path, [of_syntax(_complaint(text), text)]) from None
    if not isinstance(declared, dict):
        colon = "；冒号要用英文的 :" if "：" in text else ""
        raise ScenarioError(
            f"{path} 里没有声明场景{colon}。", f"{path} declares no scenario (a key: value a line)."
        )
    return text, declared


def _complaint(text: str) -> yaml.YAMLError:
    """Return what the slow parser complains of: it says more than the fast one."""
    try:
        yaml.safe_load(text)
    except yaml.YAMLError as error:
        return error
    except RecursionError:  # nested so deeply that only the fast one gets to its end
        pass
    return yaml.YAMLError()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        zh, en = of_bytes(error.object)
        raise ScenarioError(f"{path} {zh}。", f"{path} {en}.") from error
    except OSError as error:
        raise _unread(path) from error


def _unread(path: Path) -> ScenarioError:
    """Say what is there instead of a scenario, which was likely meant, and what to do."""
    names = scenario_names()
    zh, en = f"没有叫“{path.parent.name}”的场景。", f"There is no scenario {path.parent.name!r}. "
    if path.exists():
        zh, en = f"读不了场景文件 {path}。", f"Cannot read the scenario file {path}. "
    elif path.parent.is_dir():
        zh, en = f"{path.parent} 里没有 {path.name}。", f"{path.parent} holds no {path.name}. "
    elif path.parent.is_file():
        zh, en = f"{path.parent} 不是场景的文件夹。", f"{path.parent} is no folder of a scenario. "
    elif near := get_close_matches(path.parent.name, names, 1):
        zh, en = f"{zh}是不是 {near[0]}？", f"{en}Is {near[0]} meant? "
    return ScenarioError(
        f"{zh}现有：{'、'.join(names)}。新建一个：fencun scenario new 名字",
        f"{en}There are: {', '.join(names)}. Make one: fencun scenario new NAME",
    )


@lru_cache(maxsize=256)
def _extended(path: Path, _changed: int) -> Path | None:
    """Return the file that ``path`` extends, as far as that can be told."""
    try:
        _, declared = _declared(path)
        return _parent(path, declared[EXTENDS]) if EXTENDS in declared else None
    except ScenarioError:
        return None


def _malformed(path: Path, mistakes: Iterable[Mistake]) -> ScenarioError:
    zh, en = listed(mistakes)
    return ScenarioError(f"{path} 要改这些地方：\n{zh}", f"{path} needs mending:\n{en}")


def _keys() -> set[str]:
    """Every key that a scenario may hold somewhere."""
    own = (each for each in Declared.__subclasses__() if each.__module__.startswith(_ROOM))
    return {name for model in own for name in model.model_fields} | {EXTENDS}
