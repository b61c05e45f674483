"""What reads say, in rows and sentences for a terminal."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from fencun.evaluate.reading import FAULTS
from fencun.evaluate.show import NOTHING, number, percent
from fencun.files import Json
from fencun.language import say, titled

_NAMES: dict[str, tuple[str, str]] = {
    "single": ("单条能照发", "single, as it is"),
    "mended": ("单条能发（含改一两个词）", "single, a word or two changed"),
    "first": ("第一条能照发", "the one shown first"),
    "one_of_three": ("三条里有一条", "one of three"),
    "one_of_all": ("全部里有一条", "one of all"),
}


def share(found: Json | None) -> str:
    """Return a share with its interval and what it is counted on."""
    if not found or found["share"] is None:
        return NOTHING
    low, high = percent(found["low"]), percent(found["high"])
    return f"{percent(found['share'])} ({low}-{high}) / {found['total']}"


def kind_title(kind: str, readers: Sequence[str]) -> str:
    """Return who read, and plainly so where it was an AI."""
    names = ", ".join(readers)
    if kind == "ai":
        return say(
            f"审读人 {names} 是 AI，不是人；这些不是票。",
            f"Read by {names}: an AI, not people. These are no votes.",
        )
    return say(
        f"审读人 {names}（人）；审读不是票。", f"Read by {names} (people). Reads, not votes."
    )


Cell = Callable[[Json | None], str]


def rows(arms: Mapping[str, Json], cell: Cell = share) -> Iterator[tuple[str, list[str]]]:
    """Yield what was counted, and one ``cell`` for every arm."""
    told = list(arms.values())
    for name, names in _NAMES.items():
        if any(arm[name] for arm in told):
            yield say(*names), [cell(arm[name]) for arm in told]
    lengths = list(dict.fromkeys(length for arm in told for length in arm["lengths"]))
    for length in lengths:
        parts = [arm["lengths"].get(length, {}) for arm in told]
        yield from _shares(length, parts, ("single", "first", "one_of_three"), cell)
    sensitive = say("敏感", "sensitive")
    yield from _shares(sensitive, [arm["sensitive"] for arm in told], ("single", "first"), cell)
    yield f"{sensitive} · {say(*FAULTS['named'])}", [cell(arm["named"]) for arm in told]
    if any(arm["verifier"] for arm in told):
        yield say("验评器 AUC", "AUC of the verifier"), [_area(arm["verifier"]) for arm in told]
    for fault, names in FAULTS.items():
        cells = [arm["faults"].get(fault) for arm in told]
        if any(cells):
            title = say("错在：", "fault: ") + say(*names)
            yield title, [f"{percent(c['share'])} / {c['count']}" if c else NOTHING for c in cells]


def _area(found: Json | None) -> str:
    if not found:
        return NOTHING
    return f"{number(found['auc'])} ({found['fit']} : {found['unfit']})"


def _shares(
    title: str, parts: Sequence[Json], names: Sequence[str], cell: Cell
) -> Iterator[tuple[str, list[str]]]:
    for name in names:
        if any(part.get(name) for part in parts):
            yield f"{title} · {say(*_NAMES[name])}", [cell(part.get(name)) for part in parts]


def sentences(told: Json) -> Iterator[str]:
    """Yield differences between arms, agreement and tails as sentences."""
    for kind in told["kinds"].values():
        for pair in kind["differences"]:
            for name in ("single", "first"):
                found = pair[name]
                if found and (name == "single" or found != pair["single"]):
                    yield _difference(pair["a"], pair["b"], name, found)
    for reader in told["readers"]:
        if reader["twice"]["pairs"]:
            who = f"{reader['reader']}{say('（AI）', ' (AI)') if reader['kind'] == 'ai' else ''}"
            yield say(f"{who} 读两遍的：", f"{who}, read twice: ") + _agreement(reader["twice"])
    if told["agreement"]:
        yield say("审读人之间：", "Between readers: ") + _agreement(told["agreement"])
    for arm, found in told["tails"].items():
        for tail in found:
            yield say(
                f"口头禅（{arm}）：“{tail['phrase']}”在 {percent(tail['share'])} 的文字里"
                f"（{tail['count']} 条，{tail['ending']} 条以它收尾），"
                f"训练文字里 {100 * tail['training']:.1f}%",
                f"Tail ({arm}): {tail['phrase']!r} in {percent(tail['share'])} of the texts "
                f"({tail['count']}, {tail['ending']} end with it), "
                f"{100 * tail['training']:.1f}% of the training texts",
            )


def _difference(a: str, b: str, name: str, found: Json) -> str:
    low, high = 100 * found["low"], 100 * found["high"]
    more = 100 * found["difference"]
    return (
        titled(say(*_NAMES[name]), f"{a} − {b} = {more:+.0f} ({low:+.0f}…{high:+.0f}) ")
        + say(f"个百分点，{found['briefs']} 条需求", f"points, {found['briefs']} briefs")
    )  # fmt: skip


def _agreement(found: Json) -> str:
    send, grade = found["alpha_send"]["value"], found["alpha_grade"]["value"]
    return say(
        f"{found['pairs']} 对，等级相同 {percent(found['same_grade'])}，能不能发相同 "
        f"{percent(found['same_send'])}，Krippendorff α {number(grade)}（等级）、"
        f"{number(send)}（能不能发）",
        f"{found['pairs']} pairs, same grade {percent(found['same_grade'])}, same on sending "
        f"{percent(found['same_send'])}, Krippendorff alpha {number(grade)} (grade), "
        f"{number(send)} (sending)",
    )
