"""The shipped dataset is what `fencun data build` makes of the seeds and drafts, bit for bit."""

import json
from pathlib import Path
from typing import Any

import pytest
from data_case import row, write
from typer.testing import CliRunner, Result

from fencun.cli import app_for
from fencun.data.check import check
from fencun.data.dataset import Dataset, assemble, judge, read_manifest, write_dataset
from fencun.data.lines import read_lines
from fencun.data.split import PARTS
from fencun.errors import FencunError, RecordError
from fencun.files import read_jsonl, sha256_file
from fencun.scenario import Scenario

FILES = ("train.jsonl", "validation.jsonl", "test.jsonl", "aside.jsonl", "manifest.json")


def own(scenario: Scenario) -> list[Path]:
    return [scenario.folder / "seeds.jsonl", scenario.folder / "drafts.jsonl"]


def fencun(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app_for(words), words)


@pytest.fixture(scope="module")
def dataset(scenario: Scenario) -> Dataset:
    return assemble(scenario, own(scenario))


def test_the_shipped_dataset_is_reproduced_bit_for_bit(scenario: Scenario, tmp_path: Path) -> None:
    ended = fencun("data", "build", "--out", tmp_path)
    assert ended.exit_code == 0, str(ended.exception)
    for name in FILES:
        shipped = scenario.folder / "dataset" / name
        assert (tmp_path / name).read_bytes() == shipped.read_bytes(), name


def test_the_shipped_dataset_passes_every_gate(scenario: Scenario) -> None:
    checked = check(scenario, [scenario.folder / "dataset"])
    assert checked.lines == 3107
    assert [str(remark.finding) for remark in checked.remarks] == []


def test_the_shipped_seeds_and_drafts_pass_every_gate(scenario: Scenario) -> None:
    assert check(scenario).faults == []


def test_the_manifest_tells_the_truth(scenario: Scenario, dataset: Dataset) -> None:
    folder = scenario.folder / "dataset"
    manifest = read_manifest(folder)
    assert manifest["samples"] == 3107
    assert manifest["arguments"] == {"size": None, "seed": 0, "semantic": False}
    assert manifest["resolved"]["size"] == 3107
    assert manifest["inputs"] == {path.name: sha256_file(path) for path in own(scenario)}
    for name, entry in manifest["files"].items():
        assert entry["lines"] == sum(1 for _ in read_jsonl(folder / name))
    for part in PARTS:
        assert manifest["families"][part] == len({s.family for s in dataset.samples[part]})
    assert manifest["unreadable"] == 0


def test_lineage_goes_into_every_sample(dataset: Dataset) -> None:
    samples = {s.id: s for part in PARTS for s in dataset.samples[part]}
    assert {sample.generation for sample in samples.values()} == {0, 1}
    for sample in samples.values():
        assert (sample.parent is None) == (sample.generation == 0)
        assert sample.family == (sample.parent or sample.id)
        assert sample.hash == sample.content_hash


def test_too_few_lines_for_the_size_is_said(scenario: Scenario) -> None:
    with pytest.raises(FencunError, match="还差 868 条"):
        assemble(scenario, own(scenario), size=4000)


def test_what_fails_is_set_aside_with_its_reasons(scenario: Scenario, tmp_path: Path) -> None:
    text = "妈，值此新春之际，愿你身体健康、万事如意、阖家欢乐！"
    path = write(tmp_path / "seeds.jsonl", [row("s1"), row("s2", text)])
    good, aside = judge(scenario, read_lines([path], scenario).lines)
    assert [line.id for line in good] == ["s1"]
    (refused,) = aside
    assert {finding.gate for finding in refused.findings} >= {"cliche"}
    kept = refused.to_row()
    assert (kept["id"], kept["file"], kept["line"]) == ("s2", "seeds.jsonl", 2)
    assert kept["reasons"][0]["zh"]


def _project(folder: Path, *more: str) -> Path:
    seeds = [row(f"s{at}", text) for at, text in enumerate(_TEXTS)]
    path = write(folder / "seeds.jsonl", seeds)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in more)
    return path


_TEXTS = (
    "妈，窗台上那盆水仙开了，给您拜年，您歇着，锅我刷。",
    "妈，三十晚上我到家，灶上给我留碗热汤就成。",
    "妈，门口的灯我换了新的，夜里出来您看得清道。",
    "妈，猫在我腿上打呼噜，跟您打盹一个样，小年好。",
)


def test_a_bad_line_leaves_the_dataset_that_was_there(tmp_path: Path) -> None:
    seeds = _project(tmp_path)
    out = tmp_path / "dataset"
    assert fencun("data", "build", "--from", seeds, "--out", out).exit_code == 0
    before = {name: (out / name).read_bytes() for name in FILES}
    _project(tmp_path, '{"id": "broken"')
    ended = fencun("data", "build", "--from", seeds, "--out", out)
    assert ended.exit_code == 1
    assert "第 5 行" in ended.output
    assert "没有动" in str(ended.exception)
    assert {name: (out / name).read_bytes() for name in FILES} == before
    skipped = fencun("data", "build", "--from", seeds, "--out", out, "--skip-bad", "--json")
    assert skipped.exit_code == 0, skipped.output
    manifest = json.loads(skipped.stdout)
    assert (manifest["samples"], manifest["unreadable"]) == (4, 1)


def test_a_build_that_breaks_off_leaves_no_manifest(scenario: Scenario, tmp_path: Path) -> None:
    seeds = _project(tmp_path)
    made = assemble(scenario, [seeds])
    out = tmp_path / "dataset"
    arguments: dict[str, Any] = {}
    write_dataset(made, out, scenario, [seeds], arguments)
    (out / "test.jsonl").unlink()
    (out / "test.jsonl").mkdir()
    with pytest.raises(FencunError, match=r"test\.jsonl"):
        write_dataset(made, out, scenario, [seeds], arguments)
    with pytest.raises(RecordError, match="fencun data build"):
        read_manifest(out)


def test_a_dataset_changed_by_hand_is_noticed(scenario: Scenario, tmp_path: Path) -> None:
    seeds = _project(tmp_path)
    out = tmp_path / "dataset"
    write_dataset(assemble(scenario, [seeds]), out, scenario, [seeds], {})
    (path,) = [path for path in out.glob("*.jsonl") if "锅我刷" in path.read_text("utf-8")]
    path.write_bytes(path.read_bytes().replace("锅我刷".encode(), "锅您刷".encode()))
    faults = check(scenario, [out]).faults
    assert any("清单对不上" in str(fault.finding) for fault in faults)
    assert any("hash" in str(fault.finding) for fault in faults)


def test_a_family_on_two_sides_is_found(scenario: Scenario, tmp_path: Path) -> None:
    seeds = _project(tmp_path)
    out = tmp_path / "dataset"
    write_dataset(assemble(scenario, [seeds]), out, scenario, [seeds], {})
    first = next(row for _, row in read_jsonl(out / "train.jsonl"))
    assert isinstance(first, dict)
    write(out / "test.jsonl", [first | {"id": "twin"}])
    told = [str(fault.finding) for fault in check(scenario, [out]).faults]
    assert any("泄题" in one for one in told)


def test_nothing_that_passes_is_no_dataset(tmp_path: Path) -> None:
    seeds = write(tmp_path / "seeds.jsonl", [row(text="妈，好。")])
    ended = fencun("data", "build", "--from", seeds, "--out", tmp_path / "dataset")
    assert ended.exit_code == 1
    assert not (tmp_path / "dataset").exists()
