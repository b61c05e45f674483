"""Pairs that words alone tell apart, without their brief."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fencun.cli import app_for
from fencun.errors import FencunError
from fencun.evaluate.tells import LabelledPair, read_labelled, tells
from fencun.files import write_jsonl
from fencun.scenario import Scenario

_PLAIN = "今年雪大路滑你慢些走家里都好汤在锅上孩子会背诗了门口灯亮着茶还热"


def text(rng: random.Random, extra: str = "") -> str:
    return "".join(rng.sample(_PLAIN, 14)) + extra


def pairs(
    rng: random.Random, *, chosen: str = "", rejected: str = "", count: int = 80
) -> list[LabelledPair]:
    return [
        LabelledPair(str(n % 40), text(rng, chosen), text(rng, rejected), "A" if n % 2 else "")
        for n in range(count)
    ]


def test_a_word_that_gives_pairs_away_is_found_and_named() -> None:
    found = tells(pairs(random.Random(2), rejected="别"))
    assert found.pairs.share is not None
    assert found.pairs.share > 0.95
    assert not found.passed
    assert "别" in found.rejected
    assert set(found.kinds) == {"A"}


def test_pairs_without_a_tell_are_a_coin_toss() -> None:
    shares = [tells(pairs(random.Random(seed))).pairs.share for seed in range(4)]
    assert 0.4 < sum(share or 0.0 for share in shares) / 4 < 0.6


def test_a_brief_is_not_learnt_by_heart() -> None:
    """One brief's pairs share a mark: across briefs it tells nothing."""
    rng, told = random.Random(3), []
    for brief in range(40):
        mark = chr(0x4E00 + 7 * brief)
        told += [LabelledPair(str(brief), text(rng, mark), text(rng)) for _ in range(4)]
    share = tells(told).pairs.share
    assert share is not None
    assert share < 0.65


def test_the_shipped_pairs_give_themselves_away(scenario: Scenario) -> None:
    path = scenario.folder / "preferences" / "pairs.jsonl"
    words = ["eval", "tells", str(path)]
    ended = CliRunner().invoke(app_for(words), [*words, "--json"])
    told = json.loads(ended.stdout)
    assert ended.exit_code == (0 if told["passed"] else 1)
    assert told["passed"] == (told["pairs"]["share"] <= told["limit"])
    assert told["pairs"]["briefs"] == len({p.brief for p in read_labelled([path], scenario)})


@pytest.mark.parametrize(
    "row",
    [
        {"chosen": "好", "rejected": "坏"},
        {"prompt": [{"role": "user", "content": "问"}],
         "chosen": [{"role": "assistant", "content": "好"}],
         "rejected": [{"role": "assistant", "content": "坏"}]},
        {"conversations": [{"from": "human", "value": "问"}],
         "chosen": {"from": "gpt", "value": "好"}, "rejected": {"from": "gpt", "value": "坏"}},
    ],
)  # fmt: skip
def test_pairs_of_every_format_are_read(
    row: dict[str, Any], tmp_path: Path, scenario: Scenario
) -> None:
    path = tmp_path / "pairs.jsonl"
    write_jsonl(path, [row])
    [told] = read_labelled([path], scenario)
    assert (told.chosen, told.rejected) == ("好", "坏")
    with pytest.raises(FencunError, match="至少要 10 条"):
        tells([told])


def test_a_line_that_is_no_pair_is_named(tmp_path: Path, scenario: Scenario) -> None:
    path = tmp_path / "pairs.jsonl"
    write_jsonl(path, [{"chosen": "好", "rejected": []}])
    with pytest.raises(FencunError, match="第 1 行没有 chosen"):
        read_labelled([path], scenario)
