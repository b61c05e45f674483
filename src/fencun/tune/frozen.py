"""Products with frozen weights: in floating point, or in 8-bit integers on a CPU.

Of y = x W^T only the gradient of x is ever needed, for W is frozen. Both products, forward
and backward, can run in int8 (SwitchBack: Wortsman et al., 2023, arXiv:2304.13013), which a
CPU does about twice as fast as float32; the small LoRA products stay in floating point.
"""

import warnings
from typing import Any, cast

import torch
from torch import Tensor

_TINY = 1e-8


class Plain:
    """y = x W^T + b in the dtype of ``weight``. ``weight`` is (out, in), ``bias`` (out) or None."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.weight = weight
        self.bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        """Map (rows, in) to (rows, out)."""
        return torch.nn.functional.linear(x, self.weight, self.bias)


class Int8:
    """y = x W^T + b with both factors rounded to int8, one scale a row of x and of W.

    Sums are exact integers, so an output row depends on its own input row alone, whatever
    else is in the batch. Weights keep 7 bits (±63): products of 8-bit by 7-bit numbers add
    in pairs without overflow on CPUs before VNNI.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None, *, backward: bool) -> None:
        self.bias = bias
        self.out = weight.shape[0]
        self._forward = _pack(weight)
        self._backward = _pack(weight.t()) if backward else None

    def __call__(self, x: Tensor) -> Tensor:
        """Map (rows, in) to (rows, out); float32."""
        y = cast(Tensor, _Int8Product.apply(x, self))  # type: ignore[no-untyped-call]
        return y if self.bias is None else y + self.bias


class _Int8Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, product: Int8) -> Tensor:
        ctx.product = product
        return _multiply(x, product._forward)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _multiply(gradients[0], ctx.product._backward), None


def _pack(weight: Tensor) -> Any:
    """Return ``weight`` (out, in) as a packed int8 operand with one scale an output row."""
    torch.backends.quantized.engine = "fbgemm"
    weight = weight.float().contiguous()
    scales = (weight.abs().amax(dim=1).double() / 63).clamp_min(_TINY)
    zeros = torch.zeros(weight.shape[0], dtype=torch.long)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantised = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        return torch.ops.quantized.linear_prepack(quantised, None)


def _multiply(x: Tensor, packed: Any) -> Tensor:
    """Return x W^T; each row of ``x`` is brought to [-1, 1] and rounded to 1/127."""
    scale = x.abs().amax(dim=-1, keepdim=True).clamp_min(_TINY)
    product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32
    return cast(Tensor, product(x / scale, 1 / 127, 128, packed)) * scale
