"""A sheet for reading blind: texts in an order that tells nothing, some twice and far apart."""

import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from fencun.errors import FencunError
from fencun.evaluate.reading import FAULTS, GRADES, Key, KeyText, SheetLine, Shown, sheet_hash
from fencun.evaluate.texts import Text
from fencun.files import write_bytes, write_jsonl, write_text
from fencun.language import say
from fencun.provenance import timestamp
from fencun.scenario import Scenario

TWICE = 1 / 3
SEED = 20260217


def order(count: int, *, twice: float, seed: int) -> list[int]:
    """Return the positions of ``count`` texts as they are shown, a share of them twice.

    What comes twice comes once in either half of the sheet, at the same place of the half:
    half a sheet lies between, whatever the seed.
    """
    rng = random.Random(seed)
    shuffled = rng.sample(range(count), count)
    again = shuffled[: round(twice * count)]
    rest = shuffled[len(again) :]
    halves = [rest[::2], rest[1::2]]
    places = sorted(rng.sample(range(len(again) + len(halves[1])), len(again)))
    for half in halves:
        for place, text in zip(places, again, strict=True):
            half.insert(place, text)
    return halves[0] + halves[1]


def write_sheet(
    path: Path,
    scenario: Scenario,
    texts: Sequence[Text],
    *,
    key: Path | None = None,
    seed: int = SEED,
    twice: float = TWICE,
) -> tuple[list[SheetLine], list[Path]]:
    """Write the sheet (JSON Lines and plain text) and its key; return the lines and the files.

    The key, beside the sheet unless told otherwise, is readable by its owner only.

    Raises:
        FencunError: one of the files is there already; a sheet that is being read stays.
    """
    files = [path, path.with_suffix(".txt"), key or path.with_suffix(".key.json")]
    if len(set(files)) < len(files):
        raise FencunError(
            "审读单要叫别的名字，比如 sheet.jsonl。", "Call the sheet something like sheet.jsonl."
        )
    if there := next((file for file in files if file.exists()), None):
        raise FencunError(
            f"{there} 已经有了；换一个名字，正在读的不会被盖掉。",
            f"{there} is there already; choose another name, so that nothing being read is lost.",
        )
    numbers = order(len(texts), twice=twice, seed=seed)
    lines = [
        SheetLine(number=n, brief=texts[at].asked.brief.lines(), text=texts[at].text)
        for n, at in enumerate(numbers, start=1)
    ]
    held = Key(
        sheet=sheet_hash(lines),
        scenario=scenario.name,
        made=timestamp(),
        seed=seed,
        twice=twice,
        texts=tuple(
            _keyed(text, tuple(n for n, shown in enumerate(numbers, start=1) if shown == at))
            for at, text in enumerate(texts)
        ),
    )
    write_bytes(files[2], held.model_dump_json(indent=2).encode(), mode=0o600)
    write_text(files[1], printed(lines))
    write_jsonl(path, (line.model_dump() | {"reason": ""} for line in lines))
    return lines, files


def _keyed(text: Text, numbers: tuple[int, ...]) -> KeyText:
    return KeyText(
        id=text.asked.id,
        brief=dict(text.asked.typed),
        length=text.asked.brief.value("length"),
        topic=text.asked.topic,
        text=text.text,
        hash=text.hash,
        shown=tuple(Shown.model_validate(asdict(place)) for place in text.shown),
        numbers=numbers,
    )


def printed(lines: Sequence[SheetLine]) -> str:
    """Return the sheet as plain text for paper, with what the grades and reasons mean."""
    reasons = "　".join(f"{n} {say(*names)}" for n, names in enumerate(FAULTS.values(), start=1))
    head = [
        say("审读单：每条只看需求和文字。", "Reading sheet: look at the brief and the text only."),
        *(f"{grade} = {say(*told)}" for grade, told in GRADES.items()),
        say("不是 2 的写一个理由：", "Where it is not a 2, one reason: ") + reasons,
        say("句 = 第一处不对在第几句（可不写）", "Sentence = the first that is wrong (optional)"),
    ]
    blank = say("等级 ____  理由 ____  句 ____", "Grade ____  Reason ____  Sentence ____")
    parts = [
        f"{'─' * 40}\n{line.number}\n{line.brief}\n\n{line.text}\n\n{blank}\n" for line in lines
    ]
    return "\n".join([*head, "", *parts])
