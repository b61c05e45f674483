"""Products with frozen weights: in floating point, widened as they are used, or in integers.

Of y = x W^T only the gradient of x is ever needed, for W is frozen. Both products, forward
and backward, can run in int8 (SwitchBack: Wortsman et al., 2023, arXiv:2304.13013), which a
CPU with VNNI units does about twice as fast as bfloat16; the small LoRA products stay in
floating point. Where a CPU multiplies in float32 only, the base's bfloat16 is widened a weight
at a time: held whole it would be twice its file.
"""

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any, cast

import torch
from torch import Tensor

_TINY = 1e-8
# What an integer of x means: 128 is zero, 255 is the row's largest.
_ZERO, _MOST = 128, 127.0


class Plain:
    """y = x W^T + b in the dtype of ``weight``. ``weight`` is (out, in), ``bias`` (out) or None."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.weight = weight
        self.bias = bias

    def __call__(self, x: Tensor, exact: int = 0) -> Tensor:
        """Map (rows, in) to (rows, out); all rows are exact here."""
        return torch.nn.functional.linear(x, self.weight, self.bias)


class Widened:
    """y = x W^T + b in the dtype of x, by a narrower weight that is read whenever it is needed.

    The same sums as :class:`Plain` of the widened weight, which here is let go again each time.
    """

    def __init__(self, read: Callable[[], Tensor], bias: Tensor | None = None) -> None:
        """Take what reads the weight (out, in): a view of its mapped file, that costs nothing."""
        self.read = read
        self.bias = bias

    def __call__(self, x: Tensor, exact: int = 0) -> Tensor:
        """Map (rows, in) to (rows, out); all rows are exact here."""
        return cast(Tensor, _WidenedProduct.apply(x, self))  # type: ignore[no-untyped-call]


class _WidenedProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, product: Widened) -> Tensor:
        ctx.product = product
        return torch.nn.functional.linear(x, _widened(product.read(), x.dtype), product.bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        return gradient @ _widened(ctx.product.read(), gradient.dtype), None


_room: list[Tensor] = []


def _widened(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``weight`` in ``dtype``, in memory that the next call writes over."""
    if not _room or _room[0].numel() < weight.numel() or _room[0].dtype != dtype:
        _room[:] = [torch.empty(weight.numel(), dtype=dtype)]
    return _room[0][: weight.numel()].view(weight.shape).copy_(weight)


class Int8:
    """y = x W^T + b with both factors rounded to int8, one scale a row of x and of W.

    The first ``exact`` rows are not rounded: those of a chat's first tokens, whose activations
    are the largest by far. Sums are exact integers, so an output row depends on its own input
    row alone, whatever else is in the batch.
    """

    def __init__(self, read: Callable[[], Tensor], bias: Tensor | None = None) -> None:
        """Take what reads the weight (out, in), as often as it is needed: it is not held."""
        self.read = read
        self.bias = bias
        self.forward = Packed(read())

    @cached_property
    def backward(self) -> "Packed":
        """The transposed weight, for gradients; where none are asked for it is never made."""
        return Packed(self.read().t())

    def __call__(self, x: Tensor, exact: int = 0) -> Tensor:
        """Map (rows, in) to (rows, out), in the dtype of x."""
        y = cast(Tensor, _Int8Product.apply(x, self, exact))  # type: ignore[no-untyped-call]
        return y if self.bias is None else y + self.bias


Product = Plain | Widened | Int8


def frozen(
    read: Callable[[], Tensor], bias: Tensor | None = None, *, int8: bool, dtype: torch.dtype
) -> Product:
    """Return the product with the frozen weight (out, in) that ``read`` gives.

    It is held in 8-bit integers, packed for each direction, or in ``dtype``; on a CPU that
    has to widen it to ``dtype``, it is not held.
    """
    if int8:
        return Int8(read, bias)
    weight = read()
    if weight.device.type == "cpu" and weight.dtype.itemsize < dtype.itemsize:
        return Widened(read, bias)
    return Plain(weight.to(dtype), bias)


class _Int8Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, product: Int8, exact: int) -> Tensor:
        ctx.product = product
        rounded = product.forward(x[exact:])
        if not exact:
            return rounded
        weight = product.read().to(x.dtype)  # mapped from its file, and let go again
        return torch.cat([torch.nn.functional.linear(x[:exact], weight), rounded])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return ctx.product.backward(gradients[0]), None, None


class Packed:
    """A weight (out, in) as oneDNN's int8 products take it, with one scale an output row."""

    def __init__(self, weight: Tensor) -> None:
        weight = weight.float()
        most = 127 if has_int8_units() else 63  # without the units, sums of two may overflow
        self._scale = (weight.abs().amax(dim=1) / most).clamp_min(_TINY)
        rounded = (weight / self._scale[:, None]).round().to(torch.int8).contiguous()
        self._zeros = torch.zeros(len(weight), dtype=torch.long)
        self._weight = torch.ops.onednn.qlinear_prepack(rounded, None)

    def __call__(self, x: Tensor) -> Tensor:
        """Return x W^T; each row of ``x`` (rows, in) is rounded to 1/127 of its largest."""
        if not len(x):
            return x.new_empty(0, len(self._scale))
        largest = x.abs().amax(-1, keepdim=True).float().clamp_min_(_TINY)
        # Truncation of what is positive, half a step further, rounds.
        steps = (x * (_MOST / largest)).add_(_ZERO + 0.5).to(torch.uint8)
        product = torch.ops.onednn.qlinear_pointwise(
            steps, 1.0, _ZERO, self._weight, self._scale, self._zeros, None, 1.0, 0, x.dtype,
            "none", [], "",
        )  # fmt: skip
        return cast(Tensor, product * (largest / _MOST).to(x.dtype))


@cache
def has_int8_units() -> bool:
    """Whether this CPU multiplies 8-bit integers on units made for them, and torch knows how."""
    can = torch.cpu.get_capabilities()
    units = any(can.get(name) for name in ("avx512_vnni", "avx_vnni", "amx_int8"))
    return units and hasattr(torch.ops.onednn, "qlinear_pointwise")
