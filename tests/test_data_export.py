"""What is exported is what is served: same prompt, same answer, in the keys that trainers read."""

import json
from pathlib import Path
from typing import Any

import pytest
from data_case import row, small_scenario
from typer.testing import CliRunner

from fencun.brief import parse_brief
from fencun.cli import app_for
from fencun.data.dataset import assemble, write_dataset
from fencun.data.export import FORMATS, export, rows
from fencun.errors import FencunError, RecordError
from fencun.files import read_jsonl, sha256_file
from fencun.prompt import messages
from fencun.records import Sample
from fencun.scenario import Scenario

_TEXTS = (
    "妈，窗台上那盆水仙开了，给您拜年，您歇着，锅我刷。",
    "妈，三十晚上我到家，灶上给我留碗热汤就成。",
    "妈，门口的灯我换了新的，夜里出来您看得清道。",
    "妈，猫在我腿上打呼噜，跟您打盹一个样，小年好。",
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    folder = tmp_path_factory.mktemp("scenario")
    small = small_scenario(folder, [row(f"s{at}", text) for at, text in enumerate(_TEXTS)])
    seeds = folder / "seeds.jsonl"
    write_dataset(assemble(small, [seeds]), folder / "dataset", small, [seeds], {})
    return small


def samples(scenario: Scenario) -> list[Sample]:
    found = []
    for part in ("train", "validation", "test"):
        for _, given in read_jsonl(scenario.folder / "dataset" / f"{part}.jsonl"):
            assert isinstance(given, dict)
            found.append(Sample.from_row(scenario, given))
    return found


def test_every_format_holds_the_served_prompt_and_the_text(small: Scenario) -> None:
    first = samples(small)[0]
    (turn,) = messages(parse_brief(small, first.brief, strict=True), "tuned")
    asked, answer = turn["content"], first.text
    assert {form: rows(small, [first], form)[0] for form in FORMATS if form != "llamafactory"} == {
        "alpaca": {"instruction": asked, "input": "", "output": answer},
        "sharegpt": {"conversations": [
            {"from": "human", "value": asked}, {"from": "gpt", "value": answer}]},
        "openai": {"messages": [
            {"role": "user", "content": asked}, {"role": "assistant", "content": answer}]},
        "trl": {"prompt": [{"role": "user", "content": asked}],
                "completion": [{"role": "assistant", "content": answer}]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("alpaca", ["export.json", "test.json", "train.json", "validation.json"]),
        ("trl", ["export.json", "test.jsonl", "train.jsonl", "validation.jsonl"]),
        ("llamafactory", ["dataset_info.json", "fencun.json", "fencun_test.json",
                          "fencun_validation.json"]),
    ],
)  # fmt: skip
def test_all_parts_are_written_once(
    small: Scenario, tmp_path: Path, form: Any, names: list[str]
) -> None:
    told = export(small, small.folder / "dataset", tmp_path / "out", form)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert sum(entry["lines"] for entry in told["files"].values()) == 4
    for name, entry in told["files"].items():
        assert sha256_file(tmp_path / "out" / name) == entry["sha256"]
    again = export(small, small.folder / "dataset", tmp_path / "again", form)
    assert again == told


def test_llamafactory_is_told_where_and_how(small: Scenario, tmp_path: Path) -> None:
    """Keys as its documentation names them for chats in OpenAI form."""
    export(small, small.folder / "dataset", tmp_path, "llamafactory")
    info = json.loads((tmp_path / "dataset_info.json").read_bytes())
    assert set(info) == {"fencun", "fencun_validation", "fencun_test"}
    entry = info["fencun"]
    assert entry["formatting"] == "sharegpt"
    given = json.loads((tmp_path / entry["file_name"]).read_bytes())
    for chat in (item[entry["columns"]["messages"]] for item in given):
        roles = [turn[entry["tags"]["role_tag"]] for turn in chat]
        assert roles == [entry["tags"]["user_tag"], entry["tags"]["assistant_tag"]]
        assert all(turn[entry["tags"]["content_tag"]] for turn in chat)


def test_a_dataset_changed_by_hand_is_not_exported(small: Scenario, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    for path in (small.folder / "dataset").iterdir():
        (dataset / path.name).write_bytes(path.read_bytes().replace("水仙".encode(), b""))
    with pytest.raises(RecordError, match="对不上"):
        export(small, dataset, tmp_path / "out", "openai")
    assert not (tmp_path / "out").exists()


def test_an_export_never_lands_in_the_dataset(small: Scenario) -> None:
    dataset = small.folder / "dataset"
    before = (dataset / "train.jsonl").read_bytes()
    with pytest.raises(FencunError, match="--out"):
        export(small, dataset, dataset, "openai")
    assert (dataset / "train.jsonl").read_bytes() == before


def test_export_on_the_command_line(small: Scenario, tmp_path: Path) -> None:
    def fencun(form: str) -> Any:
        words = ["data", "export", "--format", form, "--out", str(tmp_path / form),
                 "--scenario", str(small.folder), "--json"]  # fmt: skip
        return CliRunner().invoke(app_for(words), words)

    assert json.loads(fencun("openai").stdout)["format"] == "openai"
    unknown = fencun("parquet")
    assert "llamafactory" in str(unknown.exception)
    assert not (tmp_path / "parquet").exists()
