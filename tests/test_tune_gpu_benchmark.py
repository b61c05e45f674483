"""The script for a GPU, on a tiny shape and a CPU: it runs, and both arms compute the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

_BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
# Counts the weights of the large shape, of one block and of two, without making any.
_COUNT = """
import sys, tempfile
from pathlib import Path
import tune_gpu
shape = tune_gpu.SHAPES["qwen3-32b"]
print(shape["num_hidden_layers"], shape["vocab_size"] * shape["hidden_size"])
for blocks in (1, 2):
    shape["num_hidden_layers"] = blocks
    with tempfile.TemporaryDirectory() as folder:
        model = tune_gpu.random_model("qwen3-32b", Path(folder), "meta")
    print(sum(weight.numel() for weight in model.parameters()))
"""


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=_BENCHMARKS,
        env={**os.environ, "FENCUN_LLAMAFACTORY": "/nowhere", "FENCUN_TRL": ""},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_it_runs_on_a_tiny_shape_and_all_compute_the_same(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    sizes = ["--batch", "2", "--steps", "2", "--peer-steps", "2", "--rank", "2"]
    shown = _run("tune_gpu.py", "--shape", "tiny", *sizes, "--json", str(out))
    result = json.loads(out.read_text(encoding="utf-8"))
    own, peer = result["arms"]
    assert (own["name"], peer["name"]) == ("fencun", "transformers + peft")
    assert own["first_loss"] == pytest.approx(peer["first_loss"], abs=2e-3)
    for arm in (own, peer):
        assert arm["tokens_per_second"] > arm["samples_per_second"] > 0
        assert arm["minutes_for_all"] > 0
        assert arm["memory_gib"] > 0
    assert result["steps_of_all"] == -(-result["samples"] * 3 // 2)
    assert "setup-llamafactory" in result["missing"]["TRL SFTTrainer"]
    assert "TRL SFTTrainer: left out" in shown


@pytest.mark.slow
def test_the_large_shape_is_that_of_qwen3_32b() -> None:
    blocks, embedded, one, two = map(int, _run("-c", _COUNT).split())
    every = one + (blocks - 1) * (two - one)
    # Its model card: 32.8 billion weights, 31.2 billion without embedding and head.
    assert round(every / 1e9, 1) == 32.8
    assert round((every - 2 * embedded) / 1e9, 1) == 31.2
    assert torch.bfloat16.itemsize * every < 139 * 2**30
