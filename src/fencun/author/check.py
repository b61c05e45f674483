"""``fencun scenario check``: what is wrong with a scenario, and what will be once it is used."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fencun.brief import Brief, parse_brief
from fencun.data.axes import TYPING
from fencun.data.breeder import CHARTER
from fencun.data.lines import SEEDS, BadLine, Line, iterate_lines
from fencun.data.targets import load_targets
from fencun.errors import FencunError, RecordError
from fencun.evaluate.briefs import OWN, read_briefs
from fencun.evaluate.planning import votes_planned
from fencun.evaluate.rules import shipped_rules
from fencun.files import read_jsonl
from fencun.gates import Gates
from fencun.language import say
from fencun.models.engine import Message
from fencun.prompt import instructions, messages
from fencun.scenario import Dimension, Scenario, flag

Weight = Literal["wrong", "soon", "note"]
_SEEDS = 5
_EMPTY = "空"
_ORDINARY = re.compile("[我你您咱]")  # such words people say, whatever the scenario
_VALUE_CHARS = 4  # as the gate on leaks has it
_THIRD = re.compile("[他她](?!们)")
_RUN_TOGETHER = re.compile(r"[\w ]+(?:[，、][\w ]+)+")
_CLAUSES = re.compile(r"\w+，\w+")  # a cue may reach from one clause into the next


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing to mend (``wrong``), to mend before it hurts (``soon``), or to know (``note``)."""

    weight: Weight
    zh: str
    en: str

    def __str__(self) -> str:
        return say(self.zh, self.en)


def look_over(scenario: Scenario) -> list[Hint]:
    """Return everything that is wrong with ``scenario``, or will be, the worst first."""
    prompt = list(_prompt(scenario))
    whole = all(advice.weight != "wrong" for advice in prompt)
    gates = Gates(scenario) if whole else None  # they look for the prompt in texts
    found = [
        *prompt,
        *_examples(scenario, gates),
        *_choices(scenario),
        *_commas(scenario),
        *_targets(scenario),
        *_seeds(scenario, gates),
        *_briefs(scenario),
        *_third_persons(scenario),
        *_unwatched(scenario),
        *_silent(scenario),
    ]
    return sorted(found, key=lambda advice: ("wrong", "soon", "note").index(advice.weight))


def sample_brief(scenario: Scenario) -> Brief:
    """Return the brief that is shown: the example, as far as there is one."""
    return parse_brief(scenario, scenario.whole_example)


def prompts(scenario: Scenario) -> dict[str, list[Message]]:
    """Return what is sent for the example, by arm; ``bare`` and ``tuned`` are the same words."""
    brief = sample_brief(scenario)
    return {"bare": messages(brief, "bare"), "prompt": messages(brief, "prompt")}


def _examples(scenario: Scenario, gates: Gates | None) -> Iterator[Hint]:
    if not scenario.example:
        zh = "没有 example：页面上的“填个例子”是空的。"
        yield Hint("soon", zh, "There is no example: the button on the page fills in nothing.")
    for where, given in (
        ("example", scenario.whole_example),
        *((f"examples.{n}", each) for n, each in enumerate(scenario.examples, start=1)),
    ):
        asked = {key: value for key, value in given.items() if key != "text"}
        try:
            brief = parse_brief(scenario, asked)
        except FencunError as error:
            yield Hint("wrong", f"{where}：{error.zh}", f"{where}: {error.en}")
            continue
        if where != "example":
            yield from _text_of(gates, where, given.get("text", ""), brief)


def _text_of(gates: Gates | None, where: str, text: str, brief: Brief) -> Iterator[Hint]:
    if not text:
        yield Hint("wrong", f"{where} 少了 text。", f"{where} lacks its text.")
        return
    for fault in gates.check(text, brief) if gates else ():
        if fault.severity == "fault" and fault.gate != "leak":  # it is itself the worked example
            zh, en = f"{where} 的 text：{fault.zh}", f"The text of {where}: {fault.en}"
            yield Hint("wrong", zh, en)


def _prompt(scenario: Scenario) -> Iterator[Hint]:
    try:
        instructions(scenario)
    except FencunError as error:
        yield Hint("wrong", error.zh, error.en)
        return
    if not scenario.prompt:
        yield Hint(
            "note",
            "没有 prompt：用一段通用的提示词。自己写一份，prompt 这一组才是像样的对手。",
            "There is no prompt: a plain one stands for it. Write one, or the arm is no rival.",
        )
    if not (scenario.folder / CHARTER).is_file():
        yield Hint(
            "soon",
            f"没有宪章 {CHARTER}：让模型写样本（fencun data breed）之前，先写下什么算对。",
            f"There is no {CHARTER}: say what is right before a model writes samples.",
        )


def _choices(scenario: Scenario) -> Iterator[Hint]:
    for dimension in scenario.dimensions:
        for choice in dimension.choices:
            long = len(choice.value) >= _VALUE_CHARS and dimension.kind == "choice"
            if long and not choice.spoken and _ORDINARY.search(choice.value):
                yield Hint(
                    "soon",
                    f"{dimension.label}的“{choice.value}”是平常话，正文里说了会被当成夹带；"
                    "写上 spoken: true。",
                    f"{choice.value!r} of {dimension.en} is ordinary speech, and a text that says "
                    "it is refused as a leak; add spoken: true.",
                )


def _commas(scenario: Scenario) -> Iterator[Hint]:
    """Where a list was written with Chinese commas, all of it is one word."""
    lists = {f"tact 的{topic.name}": (*topic.cues, *topic.words) for topic in scenario.tact}
    for dimension in scenario.dimensions:
        for choice in dimension.choices:
            lists[f"{dimension.label}的“{choice.value}”"] = (choice.value, *choice.aliases)
    for where, words in lists.items():
        for word in words:
            cue = where.startswith("tact") and _CLAUSES.fullmatch(word)
            if _RUN_TOGETHER.fullmatch(word) and not cue:
                yield Hint(
                    "soon",
                    f"{where}里，“{word}”是一个词；几个词之间要用英文逗号。",
                    f"{where}: {word!r} is one word; several are parted by ASCII commas.",
                )


def _targets(scenario: Scenario) -> Iterator[Hint]:
    try:
        targets = load_targets(scenario)
    except FencunError as error:
        yield Hint("wrong", error.zh, error.en)
        return
    detail = scenario.role("detail")
    empty = targets.shares.get(TYPING, {}).get(_EMPTY, 0.0)
    if detail and must_be_given(detail) and empty:
        yield Hint(
            "wrong",
            f"{detail.label}是必填的，targets.yaml 却要 {empty:.0%} 空着；去掉 typing 里的“空”，"
            "或者写 required: false。",
            f"{detail.en} is required, yet targets.yaml wants {empty:.0%} empty; drop 空 from "
            "typing, or say required: false.",
        )


def must_be_given(dimension: Dimension) -> bool:
    """Whether a brief without this field is refused."""
    return dimension.required and dimension.default is None


def _seeds(scenario: Scenario, gates: Gates | None) -> Iterator[Hint]:
    path = scenario.folder / SEEDS
    if not path.is_file():
        zh = f"没有种子 {SEEDS}：要微调，先写二十条以上您认可的。"
        yield Hint("soon", zh, f"There are no seeds ({SEEDS}): to tune, write twenty or more.")
        return
    lines = list(iterate_lines(path, scenario))
    bad = [entry for entry in lines if isinstance(entry, BadLine)]
    good = [entry for entry in lines if isinstance(entry, Line)]
    if not good and len(bad) > 1 and len({_complaint(line) for line in bad}) == 1:
        yield Hint(
            "wrong",
            f"{SEEDS} 没有一行读得了，是写给别的几项的；换成您的，或者先删掉。{bad[0].error.zh}",
            f"No line of {SEEDS} can be read; they were written for other fields. Overwrite them, "
            f"or delete the file for now. {bad[0].error.en}",
        )
        return
    wrong = [Hint("wrong", f"{SEEDS} {b.error.zh}", f"{SEEDS} {b.error.en}") for b in bad]
    wrong += [fault for line in good for fault in _faults(gates, line)] if gates else ()
    yield from wrong[:_SEEDS]
    if (more := len(wrong) - _SEEDS) > 0:
        named = flag(scenario.folder)
        zh = f"{SEEDS} 还有 {more} 处（fencun data check{named}）。"
        yield Hint("wrong", zh, f"{SEEDS}: {more} more (fencun data check{named}).")
    if len(good) <= _SEEDS:
        zh = f"{SEEDS} 里只有 {len(good)} 条；要微调，二十条以上才有方向。"
        yield Hint("soon", zh, f"{SEEDS} holds {len(good)} lines; to tune takes twenty or more.")


def _complaint(line: BadLine) -> str:
    """What is wrong with a line, without its number."""
    return re.sub(r"\d+", "", line.error.zh, count=1)


def _faults(gates: Gates, line: Line) -> Iterator[Hint]:
    for finding in gates.check(line.text, line.brief):
        if finding.severity == "fault":
            yield Hint(
                "wrong",
                f"{SEEDS} 第 {line.number} 行 {line.id}：{finding.zh}",
                f"{SEEDS}, line {line.number}, {line.id}: {finding.en}",
            )


def _briefs(scenario: Scenario) -> Iterator[Hint]:
    count = 0
    try:
        count = _test_briefs(scenario)
    except FencunError as error:
        yield Hint("wrong", error.zh, error.en)
        return
    rules = shipped_rules()
    needed = max(int(rules.rules["briefs"].at), min(rules.plan.votes[2]))
    if count < needed:
        votes = votes_planned(2, needed, rules)
        yield Hint(
            "soon",
            f"测试需求有 {count} 条，下结论至少要 {needed} 条（写在 {OWN} 里，一行一条需求）；"
            f"比两组，{needed} 条大约要 {votes} 票，需求越多票越省。",
            f"There are {count} test briefs; a verdict takes {needed} at least (in {OWN}, a brief "
            f"a line). Two arms on {needed} take about {votes} votes, fewer with more briefs.",
        )


def _test_briefs(scenario: Scenario) -> int:
    """How many briefs a study of ``scenario`` could ask by itself."""
    built: Path = scenario.folder / "dataset" / "test.jsonl"
    if built.is_file():
        return sum(not isinstance(row, RecordError) for _, row in read_jsonl(built))
    own = scenario.folder / OWN
    return len(read_briefs(own, scenario)) if own.is_file() else 0


def _third_persons(scenario: Scenario) -> Iterator[Hint]:
    """Where the other is 您 and the detail says 他, the model must be told who 他 is."""
    detail, audience = scenario.role("detail"), scenario.role("audience")
    if detail is None or audience is None or not any(c.person == "您" for c in audience.choices):
        return
    told = f"{instructions_or_nothing(scenario)}{scenario.advice.detail}"
    if not _THIRD.search(told) and "对方" not in told and "对那个人" not in told:
        yield Hint(
            "note",
            f"{detail.label}照原样给模型，里面的“他”是谁它不知道；"
            "在 prompt 里说一句谁是写的人、谁是对方。",
            f"The model reads {detail.en} as typed and does not know who 他 is; "
            "say in the prompt who writes and who is addressed.",
        )


def _unwatched(scenario: Scenario) -> Iterator[Hint]:
    """Where people may type a sensitive matter that no gate looks for there."""
    detail = scenario.role("detail")
    other = [d.label for d in scenario.dimensions if d.kind == "text" and d.role is None]
    if scenario.tact and detail and other:
        fields = "、".join(other)
        yield Hint(
            "note",
            f"敏感的事只在{detail.label}里认；{fields}里写了，关卡看不见。",
            f"Sensitive matters are looked for in {detail.en} only; typed into {fields}, "
            "the gates do not see them.",
        )


def instructions_or_nothing(scenario: Scenario) -> str:
    """Return the prompt, empty where its file is not there."""
    try:
        return instructions(scenario)
    except FencunError:
        return ""


def _silent(scenario: Scenario) -> Iterator[Hint]:
    """Say which gates have nothing to go by."""
    if scenario.role("detail") is None:
        yield Hint(
            "note",
            "没有 role: detail 的一项：照抄、编事、点破都没法查。",
            "No field has role: detail: copying, made-up facts and tact cannot be checked.",
        )
    if scenario.role("length") is None:
        yield Hint(
            "note",
            "没有 role: length 的一项：长短没法查。",
            "No field has role: length: lengths cannot be checked.",
        )
    if not (scenario.rules.cliches or scenario.rules.openings):
        yield Hint(
            "note",
            "rules 里没有套话：什么话不想再看见，写进 cliches。",
            "The rules name no clichés: what nobody wants to read again goes into cliches.",
        )
