"""The child that holds the model: one line in, one line out, gone with its parent."""

import json
import os
import subprocess
import sys
from pathlib import Path


def test_what_is_no_model_is_answered_in_one_line_and_the_child_is_gone(tmp_path: Path) -> None:
    settings = {
        "model": str(tmp_path / "none.gguf"), "adapters": [], "parallel": 1, "context": 256,
        "threads": 1, "api_key": "k", "parent": os.getpid(),
    }  # fmt: skip
    child = subprocess.run(
        [sys.executable, "-m", "fencun.models.server"],
        input=json.dumps(settings) + "\n", capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert child.returncode == 1
    (line,) = child.stdout.splitlines()
    assert set(json.loads(line)) == {"error"}


def test_a_child_whose_parent_is_gone_already_does_not_stay() -> None:
    child = subprocess.run(
        [sys.executable, "-m", "fencun.models.server"],
        input=json.dumps({"parent": 1 if os.getpid() != 1 else 2}) + "\n",
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (child.returncode, child.stdout) == (0, "")
