"""What a run is made of; what data alone decides comes before a base is opened."""

import json
from pathlib import Path
from typing import Any

import pytest
from run_case import read

from fencun.errors import FencunError
from fencun.files import sha256_json
from fencun.tune.config import TuneConfig

BRIEF = ("salutation", "relation", "detail", "occasion", "style", "length")


def test_what_the_data_alone_decides_is_told_before_a_base_is_opened(config: TuneConfig) -> None:
    with pytest.raises(FencunError, match="相同的种子家族"):
        read(config.replaced(validation=config.train, base="no such base"))
    with pytest.raises(FencunError, match="没有数据文件"):
        read(config.replaced(validation="nowhere.jsonl", base="no such base"))


@pytest.mark.parametrize("keep", [1, 0])
def test_too_little_data_is_refused(tmp_path: Path, config: TuneConfig, keep: int) -> None:
    train = Path(config.train)
    train.write_text("".join(train.read_text().splitlines(keepends=True)[:keep]))
    with pytest.raises(FencunError, match="至少要 2 条"):
        read(config)


def test_long_samples_are_left_out_and_named(config: TuneConfig) -> None:
    rows = [json.loads(line) for line in Path(config.train).read_text().splitlines()]
    brief = {key: rows[0][key] for key in BRIEF}
    rows[0]["text"] = "过年好，" * 200
    rows[0]["hash"] = sha256_json({"brief": brief, "text": rows[0]["text"]})
    _write(Path(config.train), rows)
    material = read(config)
    assert material.examples.dropped == [rows[0]["id"]]
    assert len(material.examples.training) == 23


def test_an_absurdly_long_line_is_named(config: TuneConfig) -> None:
    rows = [json.loads(line) for line in Path(config.train).read_text().splitlines()]
    rows[4]["text"] = "好" * 40_000
    _write(Path(config.train), rows)
    with pytest.raises(FencunError, match="第 5 行"):
        read(config)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
