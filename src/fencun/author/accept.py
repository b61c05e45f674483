"""What a person took of a draft becomes a scenario; the rest is kept beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from fencun import files
from fencun.author.draft import Kind, Proposal
from fencun.author.new import make
from fencun.errors import FencunError
from fencun.scenario import load_scenario

FILE = "draft.yaml"
Answer = Literal["yes", "no", "later"]
_HEAD = """\
# 起草的提议，一条一条看：take 写 yes 就收下，no 不要，later 以后再说。declared 可以改。
# Proposals, to be looked at one by one: take is yes, no or later; declared may be changed.
# 收下的写进场景：fencun scenario draft {name} --take {path}
"""
_ASKED = ({"name": "to", "label": "写给谁", "role": "salutation", "max_chars": 12},
          {"name": "what", "label": "什么事", "role": "detail", "max_chars": 200})  # fmt: skip


def write_draft(path: Path, name: str, decided: Iterable[tuple[Proposal, Answer]]) -> None:
    """Write the proposals and what was said of each."""
    rows = [
        {
            "take": answer,
            **{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(p).items()},
        }
        for p, answer in decided
    ]
    text = yaml.safe_dump(rows, allow_unicode=True, sort_keys=False, width=100)
    files.write_text(path, _HEAD.format(name=name, path=path) + text)


def read_draft(path: Path) -> list[tuple[Proposal, Answer]]:
    """Read what :func:`write_draft` wrote and a person went through.

    Raises:
        FencunError: it cannot be read, or an entry is no proposal; names it.
    """
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FencunError(f"读不了 {path}：{error}", f"Cannot read {path}: {error}") from error
    if not isinstance(rows, list | None):
        raise FencunError(
            f"{path} 不是一条一条的提议：每条要以 - 打头。",
            f"{path} is no list of proposals: each begins with a dash.",
        )
    return [_entry(path, number, row) for number, row in enumerate(rows or (), start=1)]


def _entry(path: Path, number: int, row: Any) -> tuple[Proposal, Answer]:
    told = dict(row) if isinstance(row, Mapping) else {}
    take = told.pop("take", None)
    try:
        proposal = Proposal(**{**told, "shown": tuple(told.get("shown", ()))})
    except TypeError as error:
        raise FencunError(
            f"{path} 第 {number} 条不是提议：{error}", f"{path}, entry {number}: {error}"
        ) from error
    answer: Any = "yes" if take is True else "no" if take is False else take  # yes is true in YAML
    if answer not in ("yes", "no", "later"):
        raise FencunError(
            f"{path} 第 {number} 条（{proposal.title}）的 take 要写 yes、no 或 later。",
            f"{path}, entry {number} ({proposal.title}): take is yes, no or later.",
        )
    if wrong := _wrong(proposal):
        zh, en = wrong
        raise FencunError(
            f"{path} 第 {number} 条（{proposal.title}）{zh}。",
            f"{path}, entry {number} ({proposal.title}): {en}.",
        )
    return proposal, answer


def _wrong(proposal: Proposal) -> tuple[str, str] | None:
    """Say what a person who edited ``proposal`` broke; what it declares is looked at when built."""
    if proposal.kind not in get_args(Kind):
        kinds = get_args(Kind)
        return f"的 kind 只能是 {'、'.join(kinds)}", f"kind is one of {', '.join(kinds)}"
    if not isinstance(proposal.declared, Mapping):
        return "的 declared 要写成“名: 值”", "declared should be names with values"
    if proposal.kind == "cliche" and "pattern" not in proposal.declared:
        return "的 declared 少了 pattern", "declared lacks its pattern"
    return None


def build(
    name: str, taken: Sequence[Proposal], *, title: str = "", out: Path | None = None
) -> Path:
    """Write a scenario of what was ``taken`` and return its folder.

    It begins from the blank template; where no field was taken its two first ones stand.

    Raises:
        FencunError: the name is taken or will not do, or what was taken declares no scenario.
    """
    folder = make(name, "blank", title=title, folder=out)
    declared = _declared(name, title or name, taken)
    text = yaml.safe_dump(declared, allow_unicode=True, sort_keys=False, width=100)
    head = "# 从真实的消息起草，逐条由人收下。看看还差什么：fencun scenario check\n"
    for example in ("seeds.jsonl", "briefs.jsonl", "targets.yaml"):
        (folder / example).unlink()  # they fill in the fields of the template
    files.write_text(folder / "scenario.yaml", head + text)
    load_scenario(folder)
    return folder


def _declared(name: str, title: str, taken: Sequence[Proposal]) -> dict[str, Any]:
    dimensions: list[dict[str, Any]] = [dict(each) for each in _ASKED]
    for one in (p for p in taken if p.kind == "dimension"):
        used = {each["name"] for each in dimensions} | {"size"}
        dimensions.append({**one.declared, "name": _free_name(one.declared.get("name"), used)})
    for one in (p for p in taken if p.kind == "length"):
        size = {"name": "size", "label": "篇幅", "role": "length", "default": "中"}
        dimensions.append({**size, "limits": {"min": 5, "max": 500}, **one.declared})
    declared: dict[str, Any] = {"name": name, "title": title, "dimensions": dimensions}
    declared["prompt"] = "prompt.md"
    if topics := [p.declared for p in taken if p.kind == "tact"]:
        declared["tact"] = topics
    if phrases := [p.declared["pattern"] for p in taken if p.kind == "cliche"]:
        declared["rules"] = {"cliches": phrases}
    return declared


def _free_name(own: Any, used: set[str]) -> str:
    """Return ``own`` where no other field is called so, else a name that is still free."""
    if own and own not in used:
        return str(own)
    letters = (chr(ord("a") + n % 26) * (n // 26 + 1) for n in count())  # a, b, … z, aa, bb
    return next(name for name in (f"field_{each}" for each in letters) if name not in used)
