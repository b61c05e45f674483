"""A short forward pass over Qwen2 and Qwen3 blocks, with LoRA on the upper ones.

Tokens of several samples lie packed in one (rows, hidden) matrix, so no product is ever
spent on padding; only attention pads. All samples begin with the same tokens (the chat
template's opening): that prefix is computed once a batch, in row 0 and on.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional

from fencun.tune.forward.frozen import Product

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
KeysValues = tuple[Tensor, Tensor]
Lora = dict[tuple[int, str], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Shape:
    """The numbers of config.json that the forward pass needs."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    eps: float
    theta: float
    vocab: int

    @classmethod
    def read(cls, folder: Path) -> "Shape":
        """Read ``config.json`` of a Hugging Face folder, old style or new."""
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        rope = config.get("rope_parameters") or {}
        heads = config["num_attention_heads"]
        return cls(
            layers=config["num_hidden_layers"],
            hidden=config["hidden_size"],
            heads=heads,
            kv_heads=config["num_key_value_heads"],
            head_dim=config.get("head_dim") or config["hidden_size"] // heads,
            eps=config["rms_norm_eps"],
            theta=rope.get("rope_theta") or config["rope_theta"],
            vocab=config["vocab_size"],
        )


class Weights(Protocol):
    """The tensors of a base by their names in Hugging Face's format."""

    def __contains__(self, name: object) -> bool:
        """Whether there is a tensor of this name."""
        ...

    def read(self, name: str) -> Tensor:
        """Return the tensor called ``name``."""
        ...


@dataclass
class DecoderBlock:
    """The frozen parts of one transformer block."""

    index: int
    products: dict[str, Product]
    norms: dict[str, Tensor]


class PackedLayout:
    """Where the tokens of a batch lie in its packed matrix, and what each may attend to.

    Args:
        lengths: the samples' own tokens, after the ``prefix`` shared ones.
        prefix: tokens that all samples begin with.
        past: the prefix has no rows here: its keys and values are handed in.
        before: with ``past``, how many tokens of its own each sample has in there, packed
            behind the prefix.
        exact: how many of the first rows are never rounded to eight bits; by default those of
            the prefix.
        device: a torch device.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        prefix: int,
        *,
        past: bool,
        before: Sequence[int] = (),
        exact: int | None = None,
        device: Any,
    ) -> None:
        self.prefix = prefix
        self.past = past
        self.exact = (0 if past else prefix) if exact is None else exact
        earlier = list(before) or [0] * len(lengths)
        own, self.valid = _places(lengths, device)
        read, seen = _places(earlier, device)
        shared = torch.arange(prefix, device=device).expand(len(lengths), prefix)
        self.queries = own if past else own + prefix
        self.keys = torch.cat([shared, read + prefix, own + prefix + sum(earlier)], dim=1)
        longest = own.shape[1]
        steps = torch.arange(longest, device=device)
        causal = (steps[None, :] <= steps[:, None]).expand(len(lengths), -1, -1)
        known = torch.cat([torch.ones_like(shared, dtype=torch.bool), seen], dim=1)
        self.mask = torch.cat([known[:, None].expand(-1, longest, -1), causal], dim=2)[:, None]
        positions = [
            torch.arange(prefix + start, prefix + start + count, device=device)
            for start, count in zip(earlier, lengths, strict=True)
        ]
        if not past:
            positions.insert(0, torch.arange(prefix, device=device))
        self.positions = torch.cat(positions)


def _places(lengths: Sequence[int], device: Any) -> tuple[Tensor, Tensor]:
    """Return where each sample's rows lie (samples, longest), packed, and which are its own."""
    starts = torch.tensor([0, *lengths[:-1]], device=device).cumsum(0)
    steps = torch.arange(max(lengths), device=device)
    valid = steps[None, :] < torch.tensor(list(lengths), device=device)[:, None]
    return (starts[:, None] + steps[None, :]).masked_fill(~valid, 0), valid


class Decoder:
    """Blocks ``first`` to ``last`` of a base, with its embedding and head where they are needed.

    Args:
        folder: a Hugging Face folder of family qwen2 or qwen3.
        blocks: which blocks to load.
        make: how a frozen weight multiplies, from what reads it and its bias.
        dtype: of activations and norms.
        device: a torch device.
        weights: where the weights come from; None for the safetensors files in ``folder``.
    """

    def __init__(
        self,
        folder: Path,
        blocks: range,
        make: Callable[[Callable[[], Tensor], Tensor | None], Product],
        *,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
        weights: Weights | None = None,
    ) -> None:
        self.shape = Shape.read(folder)
        self.dtype = dtype
        self.device = device
        self._weights = weights or WeightFiles(folder)
        self.blocks = [self._block(index, make) for index in blocks]

    def _block(
        self, index: int, make: Callable[[Callable[[], Tensor], Tensor | None], Product]
    ) -> DecoderBlock:
        root = f"model.layers.{index}."
        products, norms = {}, {}
        for name in PROJECTIONS:
            part = "mlp" if name in ("gate_proj", "up_proj", "down_proj") else "self_attn"
            read = partial(self._read, f"{root}{part}.{name}.weight")
            products[name] = make(read, self._optional(f"{root}{part}.{name}.bias"))
        for name in ("input_layernorm", "post_attention_layernorm"):
            norms[name] = self._tensor(f"{root}{name}.weight")
        for name in ("q_norm", "k_norm"):
            found = self._optional(f"{root}self_attn.{name}.weight")
            if found is not None:
                norms[name] = found
        return DecoderBlock(index, products, norms)

    def _read(self, name: str) -> Tensor:
        return self._weights.read(name).to(self.device)

    def _tensor(self, name: str) -> Tensor:
        """Return a small tensor as a copy: one that is mapped would hold its whole file mapped."""
        return self._read(name).to(self.dtype, copy=True)

    def _optional(self, name: str) -> Tensor | None:
        return self._tensor(name) if name in self._weights else None

    def embedding(self) -> Tensor:
        """Return the embedding matrix (vocab, hidden), in the dtype it is stored in."""
        return self._weights.read("model.embed_tokens.weight").to(self.device)

    def head(self) -> tuple[Tensor, Tensor]:
        """Return the last norm (hidden) and the output matrix (vocab, hidden)."""
        name = "lm_head.weight"
        tied = name not in self._weights
        matrix = self._weights.read("model.embed_tokens.weight" if tied else name)
        return self._tensor("model.norm.weight"), matrix.to(self.device)

    def forward(
        self,
        x: Tensor,
        layout: PackedLayout,
        lora: Lora | None = None,
        past: Sequence[KeysValues] | None = None,
        keep: list[KeysValues] | None = None,
    ) -> Tensor:
        """Run ``x`` (rows, hidden) through the blocks.

        ``lora`` maps (block index, projection) to A (rank, in) and B (out, rank), B already
        scaled. ``past`` hands in keys and values of the prefix, one pair a block, each
        (prefix, kv_heads, head_dim); ``keep`` collects those of this call.
        """
        turn = _rotation(self.shape, layout.positions, self.dtype)
        for number, block in enumerate(self.blocks):
            before = past[number] if past is not None else None
            x = self._run(block, x, layout, turn, lora or {}, before, keep)
        return x

    def _run(
        self,
        block: DecoderBlock,
        x: Tensor,
        layout: PackedLayout,
        turn: KeysValues,
        lora: Lora,
        past: KeysValues | None,
        keep: list[KeysValues] | None,
    ) -> Tensor:
        def project(name: str, rows: Tensor) -> Tensor:
            y = block.products[name](rows, layout.exact)
            pair = lora.get((block.index, name))
            return y if pair is None else torch.addmm(y, rows @ pair[0].t(), pair[1].t())

        rows = x.shape[0]
        normed = rms_norm(x, block.norms["input_layernorm"], self.shape.eps)
        heads = {
            name: project(name, normed).view(rows, -1, self.shape.head_dim)
            for name in ("q_proj", "k_proj", "v_proj")
        }
        query = _turn(self._head_norm(block, "q_norm", heads["q_proj"]), turn)
        key = _turn(self._head_norm(block, "k_norm", heads["k_proj"]), turn)
        value = heads["v_proj"]
        if keep is not None:
            keep.append((key, value))
        if past is not None:
            key, value = torch.cat([past[0], key]), torch.cat([past[1], value])
        x = x + project("o_proj", _attend(query, key, value, layout))
        normed = rms_norm(x, block.norms["post_attention_layernorm"], self.shape.eps)
        gate = functional.silu(project("gate_proj", normed))
        return x + project("down_proj", gate * project("up_proj", normed))

    def _head_norm(self, block: DecoderBlock, name: str, x: Tensor) -> Tensor:
        return rms_norm(x, block.norms[name], self.shape.eps) if name in block.norms else x


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Return ``x`` over its root mean square, times ``weight``; the mean in float32."""
    return functional.rms_norm(x.float(), weight.shape, eps=eps).to(x.dtype) * weight


def _rotation(shape: Shape, positions: Tensor, dtype: torch.dtype) -> KeysValues:
    steps = torch.arange(0, shape.head_dim, 2, device=positions.device).float()
    angles = positions.float()[:, None] * shape.theta ** (-steps / shape.head_dim)
    angles = torch.cat([angles, angles], dim=-1)[:, None, :]
    return angles.cos().to(dtype), angles.sin().to(dtype)


def _turn(x: Tensor, turn: KeysValues) -> Tensor:
    cos, sin = turn
    left, right = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-right, left], dim=-1) * sin


def _attend(query: Tensor, key: Tensor, value: Tensor, layout: PackedLayout) -> Tensor:
    """Attend within each sample and to the prefix: (rows, heads, dim) to (rows, heads * dim)."""

    def padded(x: Tensor, index: Tensor) -> Tensor:
        return x.index_select(0, index.flatten()).view(*index.shape, *x.shape[1:]).transpose(1, 2)

    out = functional.scaled_dot_product_attention(
        padded(query, layout.queries),
        padded(key, layout.keys),
        padded(value, layout.keys),
        attn_mask=layout.mask,
        enable_gqa=True,
    )
    own = out.transpose(1, 2)[layout.valid]
    if layout.past or not layout.prefix:
        return own.flatten(1)
    first = [x[: layout.prefix].transpose(0, 1)[None] for x in (query, key, value)]
    shared = functional.scaled_dot_product_attention(
        first[0], first[1], first[2], is_causal=True, enable_gqa=True
    )
    return torch.cat([shared[0].transpose(0, 1), own]).flatten(1)


class WeightFiles:
    """Tensors by name out of the safetensors files of a folder, read when asked for."""

    def __init__(self, folder: Path) -> None:
        self._where: dict[str, Path] = {}
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, framework="pt") as file:
                self._where.update(dict.fromkeys(file.keys(), path))

    def __contains__(self, name: object) -> bool:
        return name in self._where

    def read(self, name: str) -> Tensor:
        with safe_open(self._where[name], framework="pt") as file:
            return cast(Tensor, file.get_tensor(name))
