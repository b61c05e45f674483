"""The arms: who answers the test briefs, and what each is told."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from fencun.adapter import Adapter, read_adapter
from fencun.brief import Brief, parse_brief
from fencun.errors import FencunError
from fencun.evaluate.declared import read_yaml
from fencun.models.engine import Message
from fencun.prompt import engineered, messages
from fencun.retrieval import Example
from fencun.scenario import Scenario, flag
from fencun.writer import SHOWN

Style = Literal["bare", "prompt", "rag", "tuned", "edit", "file"]
Role = Literal["bare", "prompt", "rag", "tuned"]
BuiltIn = Literal["bare", "prompt", "rag", "tuned", "edit"]
BUILT_IN: tuple[BuiltIn, ...] = ("bare", "prompt", "rag", "tuned", "edit")
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]


class ArmSpec(BaseModel):
    """One arm as declared.

    ``style`` is what it is told: ``bare`` and ``tuned`` get the lines of the brief alone,
    ``prompt`` the scenario's instructions, ``rag`` those and the ``examples`` nearest seeds,
    ``edit`` the ``examples`` nearest lines that the adapter learnt to adapt, before the brief;
    ``file`` is no model but lines that people wrote (JSONL with ``brief`` and ``text``).
    ``model`` is anything :func:`fencun.models.open.open_engine` takes; ``adapter`` a folder
    with a manifest, or ``"shipped"``. ``role`` is the part this arm plays in the verdict.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    style: Style
    role: Role | None = None
    model: str | None = None
    adapter: str | None = None
    file: str | None = None
    examples: int = Field(default=3, ge=1, le=12)


def built_in(name: BuiltIn, adapter: str | None = None) -> ArmSpec:
    """Return one of the arms that need no declaring; ``edit`` plays the part of ``tuned``."""
    if name == "edit":
        own = adapter or "shipped"
        return ArmSpec(name=name, style=name, role="tuned", adapter=own, examples=SHOWN)
    if name == "tuned":
        return ArmSpec(name=name, style=name, role=name, adapter=adapter or "shipped")
    return ArmSpec(name=name, style=name, role=name)


def _with_one_tuned(arms: Sequence[ArmSpec]) -> list[ArmSpec]:
    """Let ``edit`` alone play the part of ``tuned`` where both are there: it is what is served.

    The arm ``tuned`` stands beside it and shows what the written lines bring.
    """
    if not any(arm.name == "edit" and arm.role == "tuned" for arm in arms):
        return list(arms)
    return [
        arm.model_copy(update={"role": None}) if arm == built_in("tuned", arm.adapter) else arm
        for arm in arms
    ]


def parse_arms(source: str, *, adapter: str | None = None) -> list[ArmSpec]:
    """Read arms: names with commas between (``bare,prompt,rag,tuned``), or a YAML file.

    The file holds a list ``arms`` of names and of mappings with the fields of
    :class:`ArmSpec`; paths in it are relative to it. ``adapter`` replaces the shipped one.

    Raises:
        FencunError: an arm is unknown, malformed or named twice.
    """
    if source.endswith((".yaml", ".yml")):
        declared, folder = _read(Path(source)), Path(source).resolve().parent
    else:
        declared, folder = [part.strip() for part in source.split(",") if part.strip()], Path()
    arms = _with_one_tuned([_parse(item, folder, adapter) for item in declared])
    if len(arms) < 2:
        raise FencunError("至少要两组才能比。", "It takes at least two arms to compare.")
    names: list[str] = [arm.name for arm in arms]
    for what in (names, [str(arm.role) for arm in arms if arm.role]):
        if twice := sorted(name for name, count in Counter(what).items() if count > 1):
            raise FencunError(
                f"两组用了同一个名字或角色：{'、'.join(twice)}。",
                f"Two arms share a name or a role: {', '.join(twice)}.",
            )
    return arms


def _read(path: Path) -> list[Any]:
    declared = read_yaml(path)
    arms = declared.get("arms") if isinstance(declared, dict) else None
    if not isinstance(arms, list):
        raise FencunError(f"{path} 里没有 arms 列表。", f"{path} has no list of arms.")
    return arms


def _parse(item: Any, folder: Path, adapter: str | None) -> ArmSpec:
    if isinstance(item, str):
        if item not in BUILT_IN:
            raise FencunError(
                f"没有叫“{item[:24]}”的对照组；内置的有：{'、'.join(BUILT_IN)}，其余写进 YAML。",
                f"No arm {item[:24]!r}; built in: {', '.join(BUILT_IN)}; declare others in YAML.",
            )
        return built_in(item, adapter)
    try:
        arm = ArmSpec.model_validate(item)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(step) for step in first["loc"]) or "/"
        raise FencunError(
            f"对照组写得不对：{field} {first['msg']}", f"Malformed arm: {field} {first['msg']}"
        ) from error
    if (arm.style == "file") != (arm.file is not None):
        raise FencunError(
            f"对照组 {arm.name}：style: file 和 file: 要一起写。",
            f"Arm {arm.name}: style: file and file: go together.",
        )
    changes = {
        field: str(folder / value)
        for field, value in (("file", arm.file), ("adapter", arm.adapter))
        if value and value != "shipped" and not Path(value).is_absolute()
    }
    return arm.model_copy(update=changes)


def adapter_of(arm: ArmSpec, scenario: Scenario) -> Adapter | None:
    """Return the adapter that ``arm`` speaks with; None if it speaks without.

    Raises:
        FencunError: it should have one and there is none.
    """
    if arm.adapter is None:
        return None
    folder = scenario.folder / "adapter" if arm.adapter == "shipped" else Path(arm.adapter)
    adapter = read_adapter(folder)
    if adapter is None:
        named = flag(scenario.folder)
        raise FencunError(
            f"对照组 {arm.name} 要的适配器还没有：{folder}。先运行 fencun tune run{named}，"
            "或用 --arms bare,prompt,rag 只比另外几组。",
            f"Arm {arm.name} has no adapter at {folder}. Run fencun tune run{named} first, "
            "or compare the others: --arms bare,prompt,rag.",
        )
    return adapter


def messages_for(arm: ArmSpec, brief: Brief, examples: Sequence[Example] = ()) -> list[Message]:
    """Return the chat that ``arm`` is sent for ``brief``; ``examples`` are its nearest first.

    Those of rag come after the fixed beginning, which stays the same and so cacheable, and
    right before the question, in the form of the question, the nearest last.
    """
    if arm.style == "edit":
        return messages(brief, "edit", examples)
    if arm.style not in ("prompt", "rag"):
        return messages(brief, "bare")
    chat = messages(brief, "prompt")
    shown: list[Message] = []
    for example in reversed(examples):
        asked = engineered(parse_brief(brief.scenario, example.values))
        shown.append({"role": "user", "content": asked})
        shown.append({"role": "assistant", "content": example.text})
    return [*chat[:-1], *shown, chat[-1]]
