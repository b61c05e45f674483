"""Checkpoints: all that a run needs to go on as if it had never stopped.

A checkpoint is a folder ``step-000120`` with ``state.safetensors`` (adapter and both moments
of AdamW) and, written last, ``manifest.json`` with its hash. The order of samples is a
function of the step, and nothing in a step is random, so no random state is kept.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from fencun import files

MANIFEST = "manifest.json"
STATE = "state.safetensors"
_KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: ``step`` steps are done; ``progress`` is what the loop remembers."""

    step: int
    tensors: dict[str, Tensor]
    progress: dict[str, Any]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write ``checkpoint`` under ``folder`` and drop all but the newest two.

    Raises:
        FencunError: the disk is full; earlier checkpoints are untouched.
    """
    place = folder / f"step-{checkpoint.step:06d}"
    data = save(checkpoint.tensors)
    files.write_bytes(place / STATE, data)
    manifest = {
        "step": checkpoint.step,
        "sha256": files.sha256_file(place / STATE),
        "progress": checkpoint.progress,
    }
    files.write_json(place / MANIFEST, manifest)
    for old in _folders(folder)[_KEPT:]:
        (old / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(old, ignore_errors=True)
    return place


def newest_checkpoint(folder: Path) -> Checkpoint | None:
    """Return the newest whole checkpoint; torn ones are passed over; None if there is none."""
    for place in _folders(folder):
        try:
            manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
            data = (place / STATE).read_bytes()
        except (OSError, ValueError):
            continue
        if files.sha256_file(place / STATE) == manifest["sha256"]:
            return Checkpoint(manifest["step"], load(data), manifest["progress"])
    return None


def _folders(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"), reverse=True) if folder.is_dir() else []
