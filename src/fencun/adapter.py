"""The adapter that ships with a scenario: which base it was made for, and how strong it speaks."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fencun.errors import ModelError
from fencun.scenario import Scenario

MANIFEST = "manifest.json"
GGUF = "adapter.gguf"
WRITER, VERIFIER = "adapter", "verifier"  # the folders of a scenario that adapters ship in


class Adapter(BaseModel):
    """What serving needs to know of an adapter; the manifest holds more, for people.

    ``base`` is the catalog name of the base model, ``base_sha256`` the hash of its file;
    ``scale`` multiplies the LoRA update, ``temperature`` is what its answers were picked at.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    base: Annotated[str, StringConstraints(min_length=1)]
    base_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    scale: float = Field(default=1.0, gt=0, le=2)
    temperature: float = Field(default=0.7, ge=0, le=2)
    folder: Path

    @property
    def gguf(self) -> Path:
        """The file that the embedded engine loads."""
        return self.folder / GGUF


def read_adapter(folder: Path) -> Adapter | None:
    """Return the adapter in ``folder``; None where no manifest, hence no adapter, is.

    Raises:
        ModelError: the manifest is malformed or the weights are missing.
    """
    manifest = folder / MANIFEST
    if not manifest.exists():
        return None
    try:
        declared = json.loads(manifest.read_bytes())
        adapter = Adapter(**{**declared, "folder": folder})
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(
            f"适配器清单 {manifest} 读不了；请重新导出：fencun tune export。",
            f"The adapter manifest {manifest} is malformed; export it again: fencun tune export.",
        ) from error
    if not adapter.gguf.is_file():
        raise ModelError(
            f"适配器缺文件 {adapter.gguf}；请重新导出：fencun tune export。",
            f"The adapter lacks {adapter.gguf}; export it again: fencun tune export.",
        )
    return adapter


def shipped_adapter(scenario: Scenario, base: str, folder: str = WRITER) -> Adapter | None:
    """Return the adapter that ``scenario`` ships in ``folder`` for the model ``base``, if any."""
    adapter = read_adapter(scenario.folder / folder)
    return adapter if adapter and adapter.base == base else None
