"""What tests of breeding share: seeds, texts that pass, an author who gives them in turn."""

import json
from collections.abc import Sequence
from pathlib import Path

from data_case import row

from fencun.data.breeder import WrittenDraft
from fencun.data.breeding_plan import PlannedChild
from fencun.data.lines import Line
from fencun.files import Json, read_jsonl

SEEDS = [
    row("s1", "妈，窗台上那盆水仙开了，给您拜年，您歇着，锅我刷。"),
    row("s2", "妈，三十晚上我到家，灶上给我留碗热汤就成。"),
    row("s3", "哥，渔网晒在墙根了，等你回来一块补。", salutation="哥", relation="兄弟姐妹"),
]


TEXTS = (
    "爸，渔船我检查过了，缆绳也换了新的，您过年好。",
    "妈，鸡窝的门我钉牢了，黄鼠狼进不来，您踏实睡。",
    "爸，自行车链条上过油了，您初五去集上骑着轻。",
    "妈，老花镜给您配好了，放在针线筐里，过年好。",
    "爸，炉膛里我添好煤了，夜里您不用起来看。",
    "妈，被子晒过了，有太阳味，您今晚早点钻进去。",
)


def rows(path: Path) -> list[Json]:
    return [given for _, given in read_jsonl(path) if isinstance(given, dict)]


def children(count: int, **fields: str) -> list[PlannedChild]:
    values = {"relation": "父母", "occasion": "小年", "style": "真诚走心", "length": "一句话"}
    return [
        PlannedChild(f"b{at:04d}", "s1", values | fields, "空", "") for at in range(1, count + 1)
    ]


class Author:
    """Writes what it was given, in turn, and remembers what it was asked."""

    name = "小李"

    def __init__(self, texts: Sequence[str], **fields: str) -> None:
        self._texts = iter(texts)
        self._fields = {"salutation": "爸", "detail": "", "why": ""} | fields
        self.asked: list[tuple[str, list[str], int]] = []

    async def write(
        self, child: PlannedChild, parent: Line, siblings: Sequence[str], attempt: int
    ) -> WrittenDraft:
        self.asked.append((child.id, list(siblings), attempt))
        text = next(self._texts)
        fields = {**self._fields, "salutation": text[0], "text": text}
        return WrittenDraft(fields, json.dumps(fields), prompt_tokens=100, completion_tokens=50)
