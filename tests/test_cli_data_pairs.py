"""Pairs on the command line: what trainers read, or why there are none."""

import json
from pathlib import Path

import pytest
from pairs_case import ASKED, OTHER, write
from typer.testing import CliRunner

from fencun.brief import parse_brief
from fencun.cli.data_pairs import app
from fencun.errors import FencunError
from fencun.files import read_jsonl
from fencun.records import Seed
from fencun.scenario import Scenario


@pytest.mark.parametrize("style", ["trl", "llamafactory"])
def test_the_command_writes_what_trainers_read(
    style: str, scenario: Scenario, tmp_path: Path
) -> None:
    write(scenario, [(0, "liked", None), (1, "disliked", None), (2, "edited", OTHER + "您保重。")])
    words = ["--out", str(tmp_path / "out"), "--format", style, "--json"]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["sources"] == {"edited": 1, "rated": 1}
    rows = [row for _, row in read_jsonl(tmp_path / "out" / "pairs.jsonl")]
    texts = json.dumps(rows, ensure_ascii=False)
    assert parse_brief(scenario, ASKED).lines().split("\n")[0] in texts
    if style == "trl":
        assert {"prompt", "chosen", "rejected"} == set(rows[0])  # type: ignore[arg-type]
    else:
        info = json.loads((tmp_path / "out" / "dataset_info.json").read_bytes())
        assert info["fencun_pairs"]["ranking"] is True
        assert set(info["fencun_pairs"]["columns"].values()) == set(rows[0])  # type: ignore[arg-type]
    seeds = [row for _, row in read_jsonl(tmp_path / "out" / "seeds.review.jsonl")]
    assert [Seed.from_row(scenario, row).text for row in seeds] == [OTHER + "您保重。"]  # type: ignore[arg-type]


def test_nothing_to_learn_from_is_explained(tmp_path: Path) -> None:
    words = ["--out", str(tmp_path / "out")]
    assert isinstance(CliRunner().invoke(app, words).exception, FencunError)
    words += ["--format", "csv"]
    assert "trl、llamafactory" in str(CliRunner().invoke(app, words).exception)
    assert not (tmp_path / "out").exists()
