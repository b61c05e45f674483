"""Checks and datasets over a real Ray are, byte for byte, those of one process."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from data_case import row, write

from fencun.data.check import check
from fencun.data.dataset import assemble, write_dataset
from fencun.data.likeness import near_duplicates
from fencun.data.ray_scan import RayScan, _groups, _packed
from fencun.files import read_jsonl
from fencun.scenario import Scenario

pytestmark = pytest.mark.usefixtures("ray_here")


@pytest.fixture(scope="module")
def material(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lines of the scenario, and of every kind of bad one some."""
    folder = tmp_path_factory.mktemp("ray")
    lines = (scenario.folder / "seeds.jsonl").read_bytes().splitlines(keepends=True)[:60]
    lines[7:7] = [lines[3], b"\n", b'{"id": \n', "写\n".encode("gbk"), b'{"a":\r1}\n']
    faulty = row("x1", "妈，值此新春之际，愿你万事如意。"), row("x2", parent="x9")
    lines += [json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in faulty]
    path = folder / "a.jsonl"
    path.write_bytes(b"".join(lines))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("block", [2_000, 1 << 18])
def test_a_check_finds_the_same_in_blocks_of_any_size(
    scenario: Scenario, material: Path, block: int
) -> None:
    paths = [material]
    here = check(scenario, paths)
    assert len(here.remarks) > 5
    assert check(scenario, paths, scan=RayScan(scenario, paths, block=block)) == here


@pytest.mark.slow
def test_a_dataset_has_the_same_bytes(scenario: Scenario, material: Path, tmp_path: Path) -> None:
    told = {}
    for name, scan in (("here", None), ("ray", RayScan(scenario, [material], block=5_000))):
        dataset = assemble(scenario, [material], scan=scan)
        write_dataset(dataset, tmp_path / name, scenario, [material], {})
        files = sorted((tmp_path / name).iterdir())
        told[name] = {file.name: file.read_bytes() for file in files}
    assert told["here"] == told["ray"]
    assert len(told["ray"]["train.jsonl"]) > 1000


@pytest.mark.slow
def test_near_duplicates_across_blocks_are_the_same(scenario: Scenario) -> None:
    rng = random.Random(1)
    rows = (row for _, row in read_jsonl(scenario.folder / "seeds.jsonl"))
    clauses = [part for row in rows if isinstance(row, dict) for part in row["text"].split("，")]
    texts = ["，".join(rng.sample(clauses, 4)) for _ in range(600)]
    texts += [text.replace("，", "；", 1)[:-2] for text in texts[::3]]
    rng.shuffle(texts)
    here = near_duplicates(texts, once=True)
    assert len(here) > 100
    assert RayScan(scenario, [], texts=150).near(texts) == here
    assert len(list(_groups(texts, 150))) > 1, "they are looked through in several parts"


@pytest.mark.slow
def test_the_command_joins_a_cluster_by_its_address(scenario: Scenario, tmp_path: Path) -> None:
    import ray

    path = write(tmp_path / "a.jsonl", [row("s1"), row("s2", "妈，值此新春之际，万事如意。")])
    address = ray.get_runtime_context().gcs_address
    told = []
    for more in ([], ["--on", "ray", "--ray-address", address]):
        command = [sys.executable, "-m", "fencun", "data", "check", str(path), "--json", *more]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 1, done.stderr
        told.append(done.stdout)
    assert told[0] == told[1]
    assert "cliche" in told[0]


def test_blocks_keep_lines_whole_and_number_them() -> None:
    lines = [b"a\n", b"bb\r\n", b"c\rc\n", b"d"]
    blocks = list(_packed(lines, 4, 2))
    assert [(block["file"], block["first"], block["raw"]) for block in blocks] == [
        (2, 1, b"a\nbb\r\n"), (2, 3, b"c\rc\n"), (2, 4, b"d"),
    ]  # fmt: skip
