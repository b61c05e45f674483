"""Which model is in use on this machine, and where its file is."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fencun import files
from fencun.errors import ModelError
from fencun.home import home, models_dir
from fencun.models.catalog import CatalogModel, catalog

_GGUF_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class Installed:
    """A model file that is there. ``entry`` is None for a file of the user's own."""

    name: str
    path: Path
    entry: CatalogModel | None


def chosen() -> str:
    """Return the name or path of the model in use: ``FENCUN_MODEL``, the choice, the default."""
    if wanted := os.environ.get("FENCUN_MODEL", "").strip():
        return wanted
    try:
        choice = json.loads(_choice_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return catalog().default
    except (OSError, ValueError):
        choice = None
    model = choice.get("model") if isinstance(choice, dict) else None
    if not isinstance(model, str) or not model:
        raise ModelError(
            f"{_choice_file()} 读不懂。运行 fencun model use 名字 重新选一次。",
            f"{_choice_file()} is unreadable. Choose again: fencun model use NAME.",
        )
    return model


def use(wanted: str) -> Installed:
    """Make ``wanted`` (a catalog name or the path of a .gguf file) the model in use.

    Raises:
        ModelError: no such model, or its file is not there.
    """
    found = locate(wanted)
    value = found.name if found.entry else str(found.path)
    files.write_json(_choice_file(), {"model": value})
    return found


def locate(wanted: str | None = None) -> Installed:
    """Return the file of a model; of the one in use where ``wanted`` is None.

    Raises:
        ModelError: no such model, not fetched yet, or not a GGUF file.
    """
    wanted = wanted or chosen()
    if wanted.lower().endswith(".gguf"):
        path = Path(wanted).expanduser().resolve()
        check_gguf(path)
        return Installed(path.stem, path, None)
    entry = catalog().find(wanted)
    path = path_of(entry)
    if not path.is_file():
        raise ModelError(
            f"模型 {entry.name} 还没有下载。运行：fencun model fetch {entry.name}",
            f"The model {entry.name} is not fetched yet. Run: fencun model fetch {entry.name}",
        )
    check_gguf(path)
    return Installed(entry.name, path, entry)


def path_of(entry: CatalogModel) -> Path:
    """Return where the file of a catalog model is, or would be."""
    return models_dir() / entry.file


def is_fetched(entry: CatalogModel) -> bool:
    """Whether the file of a catalog model is there."""
    return path_of(entry).is_file()


def receipt_of(path: Path) -> dict[str, Any] | None:
    """Return what the fetch of ``path`` wrote down; None where it was put there by hand."""
    try:
        receipt = json.loads(receipt_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return receipt if isinstance(receipt, dict) else None


def receipt_path(path: Path) -> Path:
    """Return where the receipt of a model file lies."""
    return path.with_name(f"{path.name}.json")


def check_gguf(path: Path) -> None:
    """Raise :class:`ModelError` unless ``path`` is there and begins like a GGUF file."""
    try:
        good = is_gguf(path)
    except OSError as error:
        raise ModelError(
            f"打不开模型文件 {path}：{error.strerror}。",
            f"Cannot open the model file {path}: {error.strerror}.",
        ) from error
    if not good:
        raise ModelError(f"{path} 不是 GGUF 模型文件。", f"{path} is not a GGUF model file.")


def is_gguf(path: Path) -> bool:
    """Whether a file begins like a GGUF file. Raises :class:`OSError` where it cannot be read."""
    with path.open("rb") as file:
        return file.read(len(_GGUF_MAGIC)) == _GGUF_MAGIC


def _choice_file() -> Path:
    return home() / "model.json"
