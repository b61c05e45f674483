"""What tuning needs beside Fencun, and whether it is there. Nothing here needs torch."""

import os
import shutil
from pathlib import Path

from fencun.errors import FencunError
from fencun.home import home

_LLAMAFACTORY = "llamafactory-cli"


def find_llamafactory() -> Path:
    """Return ``llamafactory-cli``: ``FENCUN_LLAMAFACTORY``, on PATH, or set up by our script.

    Raises:
        FencunError: it is not installed.
    """
    named = os.environ.get("FENCUN_LLAMAFACTORY", "").strip()
    own = home() / "llamafactory" / "bin" / _LLAMAFACTORY
    found = Path(named or shutil.which(_LLAMAFACTORY) or own)
    if not found.is_file():
        raise FencunError(
            f"没有找到 llamafactory-cli（{found}）：它要装在自己的虚拟环境里"
            "（scripts/setup-llamafactory 会装），再用 FENCUN_LLAMAFACTORY 指向它。",
            f"llamafactory-cli was not found ({found}): it needs an environment of its own "
            "(scripts/setup-llamafactory makes one); point FENCUN_LLAMAFACTORY at it.",
        )
    return found


def has_llamafactory() -> bool:
    """Whether LLaMA-Factory can be run."""
    try:
        find_llamafactory()
    except FencunError:
        return False
    return True
