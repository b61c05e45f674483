"""``fencun tune compare`` on the GGUF that serves: adapters of runs, and a shipped one."""

import json
from pathlib import Path

import pytest
from tiny_adapter import write_adapter, write_manifest
from typer.testing import CliRunner

from fencun import files
from fencun.cli.tune import app
from fencun.tune.lora import LoraAdapter

pytestmark = [pytest.mark.model, pytest.mark.slow]

LIGHT = "qwen2.5-coder-0.5b"
_WIDTHS = {
    "q_proj": (896, 896), "k_proj": (128, 896), "v_proj": (128, 896), "o_proj": (896, 896),
    "gate_proj": (4864, 896), "up_proj": (4864, 896), "down_proj": (896, 4864),
}  # fmt: skip


def _run(folder: Path, *, seed: int, loud: float) -> Path:
    """Write what a run over the light model leaves that is compared: its adapter, its options."""
    adapter = LoraAdapter.fresh(_WIDTHS, rank=2, alpha=4, layers=range(22, 24), seed=seed)
    for name, tensor in adapter.tensors.items():
        if "lora_B" in name:
            tensor.fill_(loud)
    adapter.save(folder / "best", LIGHT)
    files.write_json(folder / "config.json", {"resolved": {"base": LIGHT}})
    return folder


def _compare(*sides: str) -> list[dict[str, object]]:
    done = CliRunner().invoke(app, ["compare", *sides, "--json"])
    assert done.exit_code == 0, done.output
    rows: list[dict[str, object]] = json.loads(done.stdout)
    return rows


def test_the_adapters_of_two_runs_on_the_base_they_were_made_for(tmp_path: Path) -> None:
    silent = _run(tmp_path / "silent", seed=1, loud=0.0)
    loud = _run(tmp_path / "loud", seed=2, loud=0.5)
    still, noise, bare = _compare(str(silent), str(loud), "base")
    assert (still["name"], noise["name"]) == (str(silent), str(loud))
    assert bare["text"]
    assert still["text"] == bare["text"]  # an adapter of zeros changes nothing
    assert noise["text"] != bare["text"]
    assert noise["findings"]


def test_a_shipped_adapter_beside_the_base_alone(tmp_path: Path) -> None:
    write_adapter(tmp_path / "adapter.gguf")
    write_manifest(tmp_path, base=LIGHT)
    noise, bare = _compare(str(tmp_path), "base")
    assert noise["text"] != bare["text"]  # it is random and loud
    assert any(finding["severity"] == "fault" for finding in noise["findings"])
