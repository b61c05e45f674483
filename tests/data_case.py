"""Rows of data for tests: right ones, to be bent one field at a time."""

import random
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fencun.brief import parse_brief
from fencun.data.lines import Line, read_lines
from fencun.files import Json, write_jsonl
from fencun.records import Seed
from fencun.scenario import Scenario, load_scenario

ONE = "妈，窗台上那盆水仙开了，给您拜年，您歇着，锅我刷。"
TWO = "妈，门口的灯我换了新的，夜里出来您看得清道。"
TEXT = ONE


def row(identity: str = "s1", text: str = TEXT, **fields: Any) -> Json:
    """Return a seed's row, or a draft's where ``parent`` is among ``fields``."""
    return {
        "id": identity, "salutation": "妈", "relation": "父母", "detail": "", "occasion": "小年",
        "style": "真诚走心", "length": "一句话", "text": text, "tact": None, "why": "",
    } | fields  # fmt: skip


def line(scenario: Scenario, identity: str, text: str = TEXT, **fields: Any) -> Line:
    """Return a line as it would have been read."""
    seed = Seed.from_row(scenario, row(identity, text, **fields))
    return Line("seeds.jsonl", 1, seed, parse_brief(scenario, seed.brief, strict=True))


def write(path: Path, rows: Iterable[Json]) -> Path:
    """Write ``rows`` to ``path`` and return it."""
    write_jsonl(path, rows)
    return path


def small_scenario(folder: Path, rows: Iterable[Json]) -> Scenario:
    """Return the shipped scenario with ``rows`` for its only seeds, in a folder of its own."""
    shipped = load_scenario("spring_festival")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("scenario.yaml", "prompt.md", "charter.md", "targets.yaml"):
        shutil.copy(shipped.folder / name, folder / name)
    shutil.copytree(shipped.folder / "tact", folder / "tact", dirs_exist_ok=True)
    write(folder / "seeds.jsonl", rows)
    return load_scenario(folder)


def planted(scenario: Scenario, count: int) -> list[str]:
    """Real texts, and after them copies with a few characters changed, more and more."""
    texts = [
        line.text for line in read_lines([scenario.folder / "seeds.jsonl"], scenario).lines[:count]
    ]
    shuffle = random.Random(7)
    copies = []
    for at, text in enumerate(texts):
        letters = list(text)
        for _ in range(1 + at % 9):
            letters[shuffle.randrange(len(letters))] = shuffle.choice("甲乙丙丁戊己")
        copies.append("".join(letters))
    return texts + copies


def four_lines(scenario: Scenario) -> list[Line]:
    """Return two lines to parents, one to a brother, one with a sensitive matter."""
    return [
        line(scenario, "s1", ONE),
        line(scenario, "s2", TWO),
        line(
            scenario, "s3", "哥，值此新春之际，愿你万事如意。", salutation="哥", relation="兄弟姐妹"
        ),
        line(
            scenario, "s4", "嫂子，灯还亮着，我给你留了碗汤。", salutation="嫂子",
            relation="亲戚平辈晚辈", detail="她刚离婚",
            tact={"topic": "离婚分手", "handling": "不提"},
        ),
    ]  # fmt: skip
