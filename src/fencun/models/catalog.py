"""The catalog of base models: what there is, how big, under which licence, and from where."""

import difflib
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

from fencun.errors import ModelError
from fencun.language import say

_FILE = Path(__file__).with_name("catalog.yaml")

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Chunks(BaseModel):
    """A model cut into Python packages, one member a part, all but the last ``size`` bytes long.

    ``package`` and ``member`` are format strings of ``part``, which counts from 1 to ``count``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: str
    member: str
    version: str
    count: int = Field(gt=0)
    size: int = Field(gt=0)


class CatalogModel(BaseModel):
    """One base model. ``size`` is in bytes, ``memory_gib`` what the engine needs to run it.

    ``sha256`` is None where nobody has checked the file yet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    file: str = Field(pattern=r"^[\w.-]+\.gguf$")
    repository: str
    size: int | None = None
    sha256: Sha256 | None = None
    license: str
    parameters: str
    memory_gib: float
    zh: str
    en: str
    chunks: Chunks | None = None

    @property
    def about(self) -> str:
        """One sentence about the model in the user's language."""
        return say(self.zh, self.en)


class Catalog(BaseModel):
    """All the models, by name, and the one used where nobody chose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: str
    models: dict[str, CatalogModel]

    def find(self, name: str) -> CatalogModel:
        """Return the model of that name, in any case of letters.

        Raises:
            ModelError: there is none; the nearest names are told.
        """
        wanted = name.strip().lower()
        if found := self.models.get(wanted):
            return found
        near = difflib.get_close_matches(wanted, self.models, n=3, cutoff=0.4)
        names = "、".join(near or self.models)
        raise ModelError(
            f"目录里没有“{name[:80]}”这个模型。可选：{names}。运行 fencun model list 看全部。",
            f"No model called {name[:80]!r}. Perhaps: {', '.join(near or self.models)}. "
            "See fencun model list.",
        )


@cache
def catalog() -> Catalog:
    """Return the catalog that ships with this version."""
    raw = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    for name, model in raw["models"].items():
        model["name"] = name
    return Catalog.model_validate(raw)
