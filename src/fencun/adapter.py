"""The adapter that ships with a scenario: which base it was made for, and how strong it speaks."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fencun.errors import ModelError
from fencun.language import say
from fencun.models.catalog import catalog
from fencun.models.gguf import check_adapter
from fencun.models.integrity import require_hash, require_sound
from fencun.scenario import Scenario

MANIFEST = "manifest.json"
GGUF = "adapter.gguf"
WRITER, VERIFIER = "adapter", "verifier"  # the folders of a scenario that adapters ship in


class Adapter(BaseModel):
    """What serving needs to know of an adapter; the manifest holds more, for people.

    ``base`` is the catalog name of the base model, ``base_sha256`` the hash of its file;
    ``scale`` multiplies the LoRA update, ``temperature`` is what its answers were picked at,
    ``edits`` says that it learnt to adapt the written lines it is shown.
    ``sendable`` says of how many of its texts shown first blind readers would send as they stood,
    from 0 to 1, by the choice of length; empty where nobody read.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    base: Annotated[str, StringConstraints(min_length=1)]
    base_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    scale: float = Field(default=1.0, gt=0, le=2)
    temperature: float = Field(default=0.7, ge=0, le=2)
    edits: bool = False
    sendable: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    folder: Path

    @property
    def strengths(self) -> str:
        """What blind readers found it good for, in one sentence; empty where nobody read."""
        shares = " · ".join(f"{length} {share:.0%}" for length, share in self.sendable.items())
        told = say(
            f"蒙着眼读过，这个模型排第一的能照发的：{shares}。",
            f"Read blind, so much of what this model shows first could be sent: {shares}.",
        )
        return told if shares else ""

    def mostly_fails(self, length: str) -> bool:
        """Whether blind readers would not send most of what it shows first at this length."""
        return self.sendable.get(length, 1.0) < 0.5

    @property
    def gguf(self) -> Path:
        """The file that the embedded engine loads."""
        return self.folder / GGUF


def described_adapter(folder: Path) -> Adapter | None:
    """Return what the manifest in ``folder`` says of an adapter; None where there is none.

    Raises:
        ModelError: it is malformed.
    """
    manifest = folder / MANIFEST
    if not manifest.exists():
        return None
    try:
        declared = json.loads(manifest.read_bytes())
        return Adapter(**{**declared, "folder": folder})
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(
            f"适配器清单 {manifest} 读不了；请重新导出：fencun tune export。",
            f"The adapter manifest {manifest} is malformed; export it again: fencun tune export.",
        ) from error


def read_adapter(folder: Path) -> Adapter | None:
    """Return the adapter in ``folder``; None where no manifest, hence no adapter, is.

    Raises:
        ModelError: the manifest is malformed, the weights are missing, are not those that the
            manifest pins, or would do nothing.
    """
    adapter = described_adapter(folder)
    if adapter is None:
        return None
    if not adapter.gguf.is_file():
        raise ModelError(
            f"适配器缺文件 {adapter.gguf}；请重新导出：fencun tune export。",
            f"The adapter lacks {adapter.gguf}; export it again: fencun tune export.",
        )
    again = "请重新导出：fencun tune export。", "Export it again: fencun tune export."
    require_hash(adapter.gguf, adapter.sha256, again)
    require_sound(adapter.gguf, check_adapter)
    return adapter


def shipped_adapter(scenario: Scenario, base: str, folder: str = WRITER) -> Adapter | None:
    """Return the adapter that ``scenario`` ships in ``folder`` for the model ``base``, if any.

    Raises:
        ModelError: as :func:`read_adapter`; or it was made for another file of that name.
    """
    described = described_adapter(scenario.folder / folder)
    if described is None or described.base != base:
        return None
    adapter = read_adapter(scenario.folder / folder)
    assert adapter is not None
    entry = catalog().models.get(base)
    if entry and entry.sha256 not in (None, adapter.base_sha256):
        raise ModelError(
            f"{adapter.folder} 里的适配器是给另一个 {base} 文件做的；请重新训练、导出。",
            f"The adapter in {adapter.folder} was made for another file of {base}; "
            "tune and export it for this one.",
        )
    return adapter


def served_adapter(scenario: Scenario) -> Adapter:
    """Return what is known of the adapter that an endpoint serves for ``scenario``.

    Its weights lie there; the manifest that ships says how its answers are to be drawn.

    Raises:
        ModelError: the scenario ships no adapter, or its manifest is malformed.
    """
    adapter = described_adapter(scenario.folder / WRITER)
    if adapter is None:
        raise ModelError(
            f"设了 FENCUN_ENDPOINT_TUNED，但场景“{scenario.title}”没有适配器清单"
            f"（{scenario.folder / WRITER / MANIFEST}）；先 fencun tune export，或去掉这个设置。",
            f"FENCUN_ENDPOINT_TUNED is set, but the scenario {scenario.name} ships no adapter "
            f"({scenario.folder / WRITER / MANIFEST}): run fencun tune export, or unset it.",
        )
    return adapter
