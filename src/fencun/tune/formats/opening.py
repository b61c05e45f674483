"""An adapter that is there already: a run's, one in PEFT's format, or one that ships."""

from pathlib import Path

from fencun.adapter import GGUF
from fencun.tune.formats.gguf import import_gguf
from fencun.tune.lora import WEIGHTS, LoraAdapter, weights_of


def weights_file(folder: Path) -> Path:
    """Return the file with the weights of a run or an adapter; the GGUF that ships, if no other."""
    weights, shipped = weights_of(folder) / WEIGHTS, folder / GGUF
    return shipped if shipped.exists() and not weights.exists() else weights


def open_adapter(folder: Path) -> LoraAdapter:
    """Read the adapter of a run, of a PEFT folder, or the GGUF that ships with a scenario.

    Raises:
        ModelError: none of them is there, or it is broken.
    """
    file = weights_file(folder)
    return import_gguf(file) if file.name == GGUF else LoraAdapter.load(file.parent)
