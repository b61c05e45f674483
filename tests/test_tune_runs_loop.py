"""The training loop: what it does when a loss is no number or memory runs out."""

from pathlib import Path
from typing import Any

import pytest
import torch
from run_case import done_steps, start

from fencun.errors import FencunError
from fencun.tune.config import TuneConfig
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter


def test_a_loss_that_is_no_number_stops_with_the_last_checkpoint_whole(
    tmp_path: Path, config: TuneConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    nll = Student.nll

    def broken(self: Student, batch: Any, adapter: Any) -> tuple[torch.Tensor, int]:
        value, count = nll(self, batch, adapter)
        taught = adapter is not None and torch.is_grad_enabled()
        return value * (float("nan") if taught and _moved(adapter) else 1), count

    monkeypatch.setattr(Student, "nll", broken)
    with pytest.raises(FencunError, match="第 2 步的损失不是数"):
        start(tmp_path / "run", config.replaced(checkpoint=1))
    assert done_steps(tmp_path / "run") == 1


def _moved(adapter: LoraAdapter) -> bool:
    return any(bool(v.any()) for name, v in adapter.tensors.items() if "lora_B" in name)


def test_out_of_memory_halves_the_batch_and_changes_no_gradient(
    tmp_path: Path, config: TuneConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENCUN_HOME", str(tmp_path / "home"))
    halves = start(tmp_path / "halves", config.replaced(micro=2))
    nll = Student.nll

    def small(self: Student, batch: Any, adapter: Any) -> tuple[torch.Tensor, int]:
        if torch.is_grad_enabled() and len(batch) > 2:
            raise torch.OutOfMemoryError
        return nll(self, batch, adapter)

    monkeypatch.setattr(Student, "nll", small)
    survived = start(tmp_path / "whole", config)
    assert survived["adapter_sha256"] == halves["adapter_sha256"]
