"""A run as it lies on the disk, from its beginning to its end. Nothing here needs torch.

``config.json`` says what the run was told and made of, and is written when it begins;
``log.jsonl`` holds every event; ``checkpoints`` what it goes on from; ``best`` the adapter that
is kept; ``manifest.json``, written last, how it ended. Whoever trains, they are the same.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fencun import files
from fencun.errors import FencunError
from fencun.tune.runs.events import Event, RunOutcome, Tell

CONFIG, LOG, MANIFEST = "config.json", "log.jsonl", "manifest.json"
Facts = dict[str, Any]


class RunFolder:
    """The files of one run. A run begins, is recorded, goes on after a stop, and is finished."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.best = path / "best"
        self.checkpoints = path / "checkpoints"

    @property
    def has_begun(self) -> bool:
        """Whether it is written down what the run was told."""
        return (self.path / CONFIG).exists()

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end."""
        return (self.path / MANIFEST).exists()

    def facts(self) -> Facts:
        """Return what the run was told and made of when it began.

        Raises:
            FencunError: no run was begun here, or its config.json is unreadable.
        """
        if not self.has_begun:
            raise FencunError(
                f"{self.path} 里没有开始过的微调。", f"No run was begun in {self.path}."
            )
        try:
            facts: Facts = json.loads((self.path / CONFIG).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FencunError(
                f"{self.path / CONFIG} 读不了；请换一个文件夹重新开始。",
                f"{self.path / CONFIG} is unreadable; start anew in another folder.",
            ) from error
        return facts

    def refuse_finished(self) -> None:
        """Raise :class:`FencunError` where the run came to its end: it is not trained again."""
        if self.is_finished:
            raise FencunError(
                f"{self.path} 里的微调已经完成；换一个文件夹，"
                f"或直接导出：fencun tune export {self.path} --out 文件夹",
                f"The run in {self.path} is finished; choose another folder, or export it: "
                f"fencun tune export {self.path} --out FOLDER",
            )

    def begin(self, facts: Mapping[str, Any]) -> None:
        """Write down what the run is told and made of; one that goes on must be made of the same.

        Raises:
            FencunError: the base or a file of data is not what the run began with.
        """
        if not self.has_begun:
            files.write_json(self.path / CONFIG, dict(facts))
            return
        begun = self.facts()
        changed = []
        if begun["base"]["sha256"] != facts["base"]["sha256"]:
            changed.append(("底座模型", "the base model"))
        changed += [
            (name, name)
            for name, value in begun["data"].items()
            if facts["data"].get(name) != value
        ]
        if changed:
            zh, en = "、".join(z for z, _ in changed), ", ".join(e for _, e in changed)
            raise FencunError(
                f"{self.path} 开始之后，{zh} 变了，接着训会得到说不清的结果；"
                "请换一个文件夹重新开始。",
                f"Since the run in {self.path} began, {en} changed; start anew in another folder.",
            )

    @contextmanager
    def recording(self, tell: Tell) -> Iterator[Tell]:
        """Yield a ``tell`` that also appends every event to the log."""
        with files.Appender(self.path / LOG) as log:

            def record(event: Event) -> None:
                log.write({"kind": event.kind, "at": time.time(), **asdict(event)})
                tell(event)

            yield record

    def finish(self, outcome: RunOutcome, **found: Any) -> Facts:
        """Write and return the manifest: how the run began, ended, and what else was ``found``."""
        manifest = {
            **self.facts(),
            "outcome": asdict(outcome),
            "adapter_sha256": files.sha256_file(self.best / "adapter_model.safetensors"),
            **found,
        }
        files.write_json(self.path / MANIFEST, manifest)
        return manifest


def facts_of(path: Path) -> Facts:
    """Return what the folder of a run (or of an export) says of it; empty for bare weights.

    Raises:
        FencunError: its manifest.json or config.json is unreadable.
    """
    for name in (MANIFEST, CONFIG):
        try:
            facts: Facts = json.loads((path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise FencunError(f"{path / name} 读不了。", f"{path / name} is unreadable.") from error
        return facts
    return {}


def base_of_run(path: Path) -> str:
    """Return the base that the run in ``path`` was told to tune; empty for the one in use."""
    facts = facts_of(path)
    base = facts.get("resolved", {}).get("base") or facts.get("base", "")
    return base if isinstance(base, str) else ""
