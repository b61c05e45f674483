"""Checkpoints that are torn are passed over; those before them still serve."""

from pathlib import Path

import pytest
import torch

from fencun import files
from fencun.errors import FencunError
from fencun.tune.runs.checkpoint import (
    MANIFEST,
    STATE,
    Checkpoint,
    newest_checkpoint,
    save_checkpoint,
)


def _save(folder: Path, step: int) -> Path:
    return save_checkpoint(folder, Checkpoint(step, {"x": torch.full((4,), float(step))}, {}))


def test_the_newest_comes_back_and_two_are_kept(tmp_path: Path) -> None:
    for step in (2, 4, 6):
        _save(tmp_path, step)
    newest = newest_checkpoint(tmp_path)
    assert newest is not None
    assert newest.step == 6
    assert newest.tensors["x"].tolist() == [6.0] * 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000004", "step-000006"]


@pytest.mark.parametrize("harm", ["no manifest", "half a manifest", "no state", "torn state"])
def test_a_torn_one_is_passed_over(tmp_path: Path, harm: str) -> None:
    _save(tmp_path, 2)
    place = _save(tmp_path, 4)
    target = place / (MANIFEST if "manifest" in harm else STATE)
    if harm.startswith("no "):
        target.unlink()
    else:
        target.write_bytes(target.read_bytes()[:-3])
    newest = newest_checkpoint(tmp_path)
    assert newest is not None
    assert newest.step == 2


def test_a_full_disk_costs_no_earlier_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _save(tmp_path, 2)

    def full(*_: object) -> None:
        raise FencunError("磁盘满了。", "The disk is full.")

    monkeypatch.setattr(files, "write_bytes", full)
    with pytest.raises(FencunError, match="磁盘满了"):
        _save(tmp_path, 4)
    kept = newest_checkpoint(tmp_path)
    assert kept is not None
    assert kept.step == 2


def test_where_nothing_is_there_is_none(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path) is None
