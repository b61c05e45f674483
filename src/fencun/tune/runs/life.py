"""The life of a run: it is started once, and resumed until it is finished, whoever trains."""

from pathlib import Path
from typing import Any

from fencun.errors import FencunError
from fencun.tune.runs import own_loop
from fencun.tune.runs.events import Tell, silently
from fencun.tune.runs.folder import RunFolder
from fencun.tune.runs.request import RunRequest


def start(path: Path, request: RunRequest, tell: Tell = silently) -> dict[str, Any]:
    """Start the run that is asked for in the folder ``path``; return its manifest.

    Raises:
        FencunError: bad input, or a run was begun there before.
    """
    folder = RunFolder(path)
    folder.refuse_finished()
    if folder.has_begun:
        raise FencunError(
            f"{path} 里已经开始过一次微调。接着跑：fencun tune resume {path}；"
            "重新开始请换一个文件夹。",
            f"A run was begun in {path}. Go on with it: fencun tune resume {path}; "
            "to start anew choose another folder.",
        )
    return _train(folder, request, tell)


def resume(path: Path, tell: Tell = silently) -> dict[str, Any]:
    """Go on with the run in ``path`` as it was begun, from its newest whole checkpoint.

    It ends in the same bytes as without the interruption. Returns its manifest.

    Raises:
        FencunError: no run was begun there, it is finished, or its base or data changed since.
    """
    folder = RunFolder(path)
    folder.refuse_finished()
    return _train(folder, RunRequest.from_facts(folder.facts()), tell)


def _train(folder: RunFolder, request: RunRequest, tell: Tell) -> dict[str, Any]:
    if request.engine == "llamafactory":
        from fencun.tune.llamafactory import executor

        return executor.train(folder, request, tell)
    return own_loop.train(folder, request, tell)
