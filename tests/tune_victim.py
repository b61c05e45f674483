"""A tuning run to be killed: cheap to start from a fork server that has torch loaded."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # what an optimizer imports when it is made: here, once for all children
from peft.tuners import tuners_utils  # what loading an adapter imports
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from fencun.tune.config import TuneConfig
from fencun.tune.runs.life import resume, start
from fencun.tune.runs.request import RunRequest

PRELOADED = (torch._dynamo, tuners_utils, AutoTokenizer, PreTrainedTokenizerFast)


def config(folder: Path) -> TuneConfig:
    """Return options for the tiny base and dataset that lie in ``folder``."""
    return TuneConfig(
        base=str(folder / "base"), train=str(folder / "train.jsonl"),
        validation=str(folder / "validation.jsonl"), layers=2, rank=2, rate=1e-2, warmup=2,
        batch=2, steps=14, look=4, briefs=0, validation_samples=3, checkpoint=3, threads=1,
    )  # fmt: skip


def run(folder: str, out: str, home: str, fatal_event: int = 0) -> None:
    """Start or go on with the run in ``out``.

    With ``fatal_event`` n, SIGKILL this process at its n-th touch of a file of the run:
    opening, renaming or removing, hence in the middle of a save.
    """
    os.environ["FENCUN_HOME"] = home
    torch.set_num_threads(1)
    if fatal_event:
        _die_at(fatal_event, out)
    if (Path(out) / "config.json").exists():
        resume(Path(out))
    else:
        start(Path(out), RunRequest(config(Path(folder))))


def _die_at(fatal_event: int, out: str) -> None:
    seen = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        touches = event in ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod")
        if touches and str(arguments[0]).startswith(out):
            seen += 1
            if seen == fatal_event:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
