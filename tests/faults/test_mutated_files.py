"""Files with bytes that changed: models, adapters, checkpoints and datasets, none taken for whole.

Where a hash was recorded any change is refused. Where none was, a file may still be read, but
never crashes the program, and never yields numbers that are none. ``FENCUN_MUTATIONS`` says how
many files of each kind; ``make soak`` tries four hundred of each.
"""

import math
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_adapter import write_manifest, write_small

from fencun.adapter import read_adapter
from fencun.data.lines import read_samples
from fencun.errors import FencunError, ModelError
from fencun.models.gguf import check_adapter
from fencun.scenario import Scenario

MUTATIONS = int(os.environ.get("FENCUN_MUTATIONS", "60"))


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return ``data`` with a few bytes changed, cut, doubled or put in; never the same."""
    changed = bytearray(data)
    at = rng.randrange(len(changed))
    kind = rng.randrange(7)
    if kind == 0:
        changed[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        for _ in range(rng.randint(1, 8)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    elif kind == 2:
        del changed[at:]
    elif kind == 3:
        changed[at:at] = rng.randbytes(rng.randint(1, 9))
    elif kind == 4:
        changed[at : at + 8] = b"\xff" * 8
    elif kind == 5:
        changed[at : at + 8] = bytes(8)
    else:
        del changed[at : at + rng.randint(1, 40)]
    return bytes(changed) if bytes(changed) != data else data + b"\0"


def of_head(data: bytes, rng: random.Random) -> bytes:
    """Return ``data`` with changes in its first half, where a file says what is in it."""
    middle = len(data) // 2
    return mutated(data[:middle], rng) + data[middle:]


def each(path: Path, change: Callable[[bytes, random.Random], bytes] = mutated) -> list[bytes]:
    """Return the changed contents of ``path``, the same ones at every run."""
    whole, rng = path.read_bytes(), random.Random(path.name)
    return [change(whole, rng) for _ in range(MUTATIONS)]


def test_no_changed_adapter_is_taken_for_the_recorded_one(tmp_path: Path) -> None:
    write_small(tmp_path / "adapter.gguf")
    write_manifest(tmp_path)
    assert read_adapter(tmp_path)
    for data in each(tmp_path / "adapter.gguf"):
        (tmp_path / "adapter.gguf").write_bytes(data)
        with pytest.raises(ModelError):
            read_adapter(tmp_path)


def test_no_changed_manifest_crashes(tmp_path: Path) -> None:
    write_small(tmp_path / "adapter.gguf")
    write_manifest(tmp_path)
    for data in each(tmp_path / "manifest.json"):
        (tmp_path / "manifest.json").write_bytes(data)
        try:
            adapter = read_adapter(tmp_path)
        except ModelError:
            continue
        assert adapter is not None
        assert 0 < adapter.scale <= 2


def test_no_changed_gguf_crashes(tmp_path: Path) -> None:
    path = write_small(tmp_path / "loose.gguf")
    refused = 0
    for data in each(path, of_head):
        path.write_bytes(data)
        try:
            check_adapter(path)
        except ModelError:
            refused += 1
    assert refused > MUTATIONS / 2


def test_a_changed_checkpoint_is_passed_over(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from fencun.tune.runs.checkpoint import Checkpoint, newest_checkpoint, save_checkpoint

    save_checkpoint(tmp_path, Checkpoint(1, {"a": torch.ones(9, 9)}, {}))
    newest = save_checkpoint(tmp_path, Checkpoint(2, {"a": torch.zeros(9, 9)}, {}))
    for data in each(newest / "state.safetensors"):
        (newest / "state.safetensors").write_bytes(data)
        found = newest_checkpoint(tmp_path)
        assert found is not None
        assert found.step == 1


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json"])
def test_no_changed_peft_adapter_crashes_or_holds_what_is_no_number(
    tmp_path: Path, name: str
) -> None:
    torch = pytest.importorskip("torch")
    from fencun.tune.lora import LoraAdapter

    widths = {"q_proj": (8, 8), "v_proj": (8, 8)}
    adapter = LoraAdapter.fresh(
        widths, rank=2, alpha=4, layers=range(2), targets=("q_proj", "v_proj")
    )
    for tensor in adapter.tensors.values():
        tensor.fill_(0.25)
    adapter.save(tmp_path / "whole", base="b")
    for data in each(tmp_path / "whole" / name):
        shutil.copytree(tmp_path / "whole", tmp_path / "changed", dirs_exist_ok=True)
        (tmp_path / "changed" / name).write_bytes(data)
        try:
            found = LoraAdapter.load(tmp_path / "changed")
        except FencunError:
            continue
        assert math.isfinite(found.scaling)
        assert all(bool(torch.isfinite(tensor).all()) for tensor in found.tensors.values())


def test_a_changed_dataset_says_the_same_or_is_refused(tmp_path: Path, scenario: Scenario) -> None:
    source = scenario.folder / "dataset" / "train.jsonl"
    path = tmp_path / "train.jsonl"
    path.write_bytes(b"".join(source.read_bytes().splitlines(keepends=True)[:3]))
    whole = [(sample.brief, sample.text) for sample in read_samples(path, scenario)]
    for data in each(path):
        path.write_bytes(data)
        try:
            samples = read_samples(path, scenario)
        except FencunError:
            continue
        said = [(sample.brief, sample.text) for sample in samples]
        assert said == whole[: len(said)], "a changed sample was taken"
