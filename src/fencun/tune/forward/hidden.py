"""What the frozen lower blocks make of a sample, computed once and kept across epochs and runs.

Blocks below the lowest adapted one never change, so their output for a sample is a function
of its tokens alone: a cache by content, one small file a sample. It needs no manifest, for
a file is either whole or not there, and losing it costs time only.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from fencun import files
from fencun.tune.examples import TrainingExample
from fencun.tune.forward.decoder import Decoder, KeysValues, PackedLayout


class Lower:
    """Embedding and frozen lower blocks behind a cache in ``folder`` (None: no cache).

    The prefix runs through exact products, once: its first token carries by far the largest
    activations.
    """

    def __init__(self, quick: Decoder, prefix: Sequence[int], folder: Path | None) -> None:
        self.quick = quick
        self._embedding = quick.embedding()
        self._count = len(prefix)
        self.folder = folder
        self.past: list[KeysValues] = []
        self.hits = self.misses = 0
        self.prefix = self.embed(prefix)
        if prefix:
            count = len(prefix)
            layout = PackedLayout([count], 0, past=False, exact=count, device=quick.device)
            with torch.no_grad():
                self.prefix = quick.forward(self.prefix, layout, keep=self.past)

    def embed(self, ids: Sequence[int]) -> Tensor:
        """Return the embeddings (tokens, hidden) of ``ids``."""
        index = torch.tensor(list(ids), dtype=torch.long, device=self._embedding.device)
        return self._embedding[index].to(self.quick.dtype)

    def __call__(self, example: TrainingExample) -> Tensor:
        """Return the hidden states (tokens after the prefix, hidden) of one example."""
        path = self.folder / f"{example.key}.safetensors" if self.folder else None
        if path is not None and (kept := _read(path)) is not None:
            self.hits += 1
        else:
            self.misses += 1
            kept = self.run(example.ids[self._count :])
            if path is not None:
                files.write_bytes(path, save({"hidden": kept.cpu()}))
        return kept.to(self.quick.device, self.quick.dtype)

    def run(self, ids: Sequence[int]) -> Tensor:
        """Compute hidden states for tokens that follow the prefix, rounded as they are kept."""
        layout = PackedLayout([len(ids)], self._count, past=True, device=self.quick.device)
        with torch.no_grad():
            past = self.past if self._count else None
            hidden = self.quick.forward(self.embed(ids), layout, past=past)
        return hidden.to(torch.float16 if self.quick.dtype == torch.float32 else hidden.dtype)


def _read(path: Path) -> Tensor | None:
    try:
        return load(path.read_bytes())["hidden"]
    except (OSError, SafetensorError, KeyError):
        return None
