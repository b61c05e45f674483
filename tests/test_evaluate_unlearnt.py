"""Test briefs are held against what the adapter's manifest says it learnt from."""

import json
from pathlib import Path

import pytest
from evaluate_study import make_adapter, make_model, make_scenario

from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.evaluate.arms import ArmSpec
from fencun.evaluate.unlearnt import check_unlearnt
from fencun.files import sha256_file, write_jsonl
from fencun.records import Sample
from fencun.scenario import Scenario


@pytest.fixture
def scene(tmp_path: Path) -> Scenario:
    return make_scenario(tmp_path / "scene")


def arm(tmp_path: Path, **manifest: object) -> ArmSpec:
    folder = make_adapter(tmp_path / "adapter", make_model(tmp_path / "base.gguf"))
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | manifest), encoding="utf-8")
    return ArmSpec(name="tuned", style="tuned", role="tuned", adapter=str(folder))


def asked(scene: Scenario) -> list[Sample]:
    return read_samples(scene.folder / "dataset" / "test.jsonl", scene)


def test_the_file_with_that_hash_decides_not_todays_dataset(
    scene: Scenario, tmp_path: Path
) -> None:
    old = tmp_path / "adapter" / "learnt.jsonl"
    samples = asked(scene)
    tuned = arm(tmp_path)
    write_jsonl(old, [samples[0].to_row()])
    manifest = old.parent / "manifest.json"
    declared = json.loads(manifest.read_bytes())
    declared["data"] = {"train": sha256_file(old), "validation": "0" * 64}
    manifest.write_text(json.dumps(declared), encoding="utf-8")
    with pytest.raises(FencunError, match=samples[0].id):
        check_unlearnt([tuned], scene, samples)
    assert check_unlearnt([tuned], scene, samples[1:]) == ()


def test_what_is_not_here_is_named_as_not_checked(scene: Scenario, tmp_path: Path) -> None:
    train = scene.folder / "dataset" / "train.jsonl"
    tuned = arm(tmp_path, data={"train": sha256_file(train), "pairs": "2" * 64})
    assert check_unlearnt([tuned], scene, asked(scene)) == ("tuned: pairs",)


def test_weights_it_started_from_leave_it_open_unless_all_is_listed(
    scene: Scenario, tmp_path: Path
) -> None:
    train = scene.folder / "dataset" / "train.jsonl"
    tuned = arm(tmp_path, data={"train": sha256_file(train), "adapter": "3" * 64})
    assert check_unlearnt([tuned], scene, asked(scene)) == ("tuned: adapter",)


def test_listed_hashes_are_believed(scene: Scenario, tmp_path: Path) -> None:
    samples = asked(scene)
    tuned = arm(tmp_path, learnt=[samples[2].hash])
    with pytest.raises(FencunError, match=samples[2].id):
        check_unlearnt([tuned], scene, samples)


def test_arms_without_an_adapter_have_learnt_nothing(scene: Scenario) -> None:
    assert check_unlearnt([ArmSpec(name="bare", style="bare")], scene, asked(scene)) == ()
