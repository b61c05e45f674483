"""What the head of a GGUF file says, and whether a LoRA adapter in one can do what it should.

The layout is that of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 2 and 3.
llama.cpp loads an adapter without tensors, or with an alpha that is no number, without a word:
what is called tuned is then the base.
"""

import math
import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fencun.errors import ModelError

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?",
            10: "Q", 11: "q", 12: "d"}  # fmt: skip
_STRING, _ARRAY = 8, 9
# Type of a tensor -> struct letter, mask of the sign, and the least pattern that is no number.
_FLOATS: dict[int, tuple[Literal["I", "H"], int, int]] = {
    0: ("I", 0x7FFFFFFF, 0x7F800000),
    1: ("H", 0x7FFF, 0x7C00),
    30: ("H", 0x7FFF, 0x7F80),
}
_MANY = 1 << 16
_ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a file: ``shape`` as GGUF has it (innermost first), ``offset`` in bytes."""

    shape: tuple[int, ...]
    kind: int
    offset: int

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the numbers of a file: its metadata, and its tensors by their names."""

    metadata: dict[str, Any]
    tensors: dict[str, Tensor]


class _BadFileError(ValueError):
    """What is wrong, in Chinese and in English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh)
        self.zh, self.en = zh, en


def read_head(path: Path) -> Head:
    """Return what the head of the file ``path`` says.

    Raises:
        ModelError: it is no GGUF file, cut short, or cannot be read.
    """
    with _refused(("模型文件", "model file"), path), _mapped(path) as data:
        return _read(data)


def check_adapter(path: Path) -> None:
    """Refuse an adapter that would be loaded and do nothing, or harm.

    Raises:
        ModelError: it is no LoRA adapter in GGUF, has no pair of tensors or one that does not
            fit together, changes nothing, or holds what is no number.
    """
    mend = "请重新导出：fencun tune export。", " Export it again: fencun tune export."
    with _refused(("适配器", "adapter"), path, mend), _mapped(path) as data:
        head = _read(data)
        _check_metadata(head.metadata)
        pairs = list(_pairs(head.tensors))
        for name, down, up in pairs:
            _check_shapes(name, down, up)
            _check_numbers(data, name, down, up)
        if not any(_moves(data, up) for _, _, up in pairs):
            raise _BadFileError("所有权重都是零，加载了也没有用", "it is all zeros")


@contextmanager
def _refused(what: tuple[str, str], path: Path, mend: tuple[str, str] = ("", "")) -> Iterator[None]:
    """Say of the file ``path``, in Chinese and in English ``what``, why it cannot be used."""
    try:
        yield
    except _BadFileError as bad:
        raise ModelError(
            f"{what[0]} {path} 不能用：{bad.zh}。{mend[0]}",
            f"The {what[1]} {path} cannot be used: {bad.en}.{mend[1]}",
        ) from bad
    except OSError as error:
        raise ModelError(
            f"打不开{what[0]} {path}：{error.strerror}。",
            f"Cannot open the {what[1]} {path}: {error.strerror}.",
        ) from error


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file:
        if not file.read(1):
            raise _BadFileError("文件是空的", "the file is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


class _HeadReader:
    """Reads what stands one after another in the head of a file."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self.at = 0

    def scalar(self, letter: str) -> Any:
        try:
            (value,) = struct.unpack_from(f"<{letter}", self._data, self.at)
        except struct.error as error:
            raise _BadFileError("文件不完整", "the file is cut short") from error
        self.at += struct.calcsize(letter)
        return value

    def string(self) -> str:
        length = self.scalar("Q")
        if length > len(self._data) - self.at:
            raise _BadFileError("文件不完整", "the file is cut short")
        raw = self._data[self.at : self.at + length]
        self.at += length
        return raw.decode(errors="replace")

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            kind, count = self.scalar("I"), self.scalar("Q")
            if kind == _ARRAY or count > len(self._data):
                raise _BadFileError("文件头读不懂", "its head is unreadable")
            return [self.value(kind) for _ in range(count)]
        if kind not in _SCALARS:
            raise _BadFileError("文件头读不懂", "its head is unreadable")
        return self.scalar(_SCALARS[kind])


def _read(data: mmap.mmap) -> Head:
    reader = _HeadReader(data)
    if data[:4] != b"GGUF":
        raise _BadFileError("不是 GGUF 文件", "it is no GGUF file")
    reader.at = 4
    version, count, pairs = reader.scalar("I"), reader.scalar("Q"), reader.scalar("Q")
    if version not in (2, 3) or count > _MANY or pairs > _MANY:
        raise _BadFileError("文件头读不懂", "its head is unreadable")
    metadata: dict[str, Any] = {}
    for _ in range(pairs):
        name = reader.string()
        metadata[name] = reader.value(reader.scalar("I"))
    found = {}
    for _ in range(count):
        name = reader.string()
        dimensions = reader.scalar("I")
        if dimensions > 4:
            raise _BadFileError(f"{name} 的形状读不懂", f"the shape of {name} is unreadable")
        shape = tuple(reader.scalar("Q") for _ in range(dimensions))
        found[name] = Tensor(shape, reader.scalar("I"), reader.scalar("Q"))
    align = metadata.get("general.alignment", _ALIGNMENT)
    if not isinstance(align, int) or align < 1:
        raise _BadFileError("文件头读不懂", "its head is unreadable")
    start = -(-reader.at // align) * align
    placed = {n: Tensor(t.shape, t.kind, start + t.offset) for n, t in found.items()}
    return Head(metadata, placed)


def _check_metadata(metadata: dict[str, Any]) -> None:
    kinds = metadata.get("general.type", "adapter"), metadata.get("adapter.type")
    if kinds != ("adapter", "lora"):
        raise _BadFileError("它不是 LoRA 适配器", "it is no LoRA adapter")
    alpha = metadata.get("adapter.lora.alpha")
    if not isinstance(alpha, float) or not math.isfinite(alpha) or alpha <= 0:
        raise _BadFileError(f"alpha 是 {alpha}", f"its alpha is {alpha}")


def _pairs(tensors: dict[str, Tensor]) -> Iterator[tuple[str, Tensor, Tensor]]:
    names = {name.removesuffix(end) for name in tensors for end in (".lora_a", ".lora_b")}
    whole = [name for name in sorted(names) if f"{name}.lora_a" in tensors]
    if not whole or 2 * len(whole) != len(tensors):
        raise _BadFileError("里面没有成对的权重", "it has no pairs of tensors")
    for name in whole:
        if f"{name}.lora_b" not in tensors:
            raise _BadFileError(f"{name} 缺一半", f"one half of {name} is missing")
        yield name, tensors[f"{name}.lora_a"], tensors[f"{name}.lora_b"]


def _check_shapes(name: str, down: Tensor, up: Tensor) -> None:
    """Both halves have the rank in common; an embedding is stored the other way round."""
    fit = len(down.shape) == len(up.shape) == 2 and (
        down.shape[1] == up.shape[0] or name.startswith("token_embd")
    )
    if not fit:
        raise _BadFileError(f"{name} 的两半对不上", f"the halves of {name} do not fit")


def _check_numbers(data: mmap.mmap, name: str, *tensors: Tensor) -> None:
    for tensor in tensors:
        if tensor.kind not in _FLOATS:
            continue  # quantised: its hash is all there is to check
        letter, mask, least = _FLOATS[tensor.kind]
        size = tensor.count * struct.calcsize(letter)
        if not tensor.count or size > len(data) - tensor.offset:
            raise _BadFileError(f"{name} 不完整", f"{name} is cut short")
        numbers = memoryview(data[tensor.offset : tensor.offset + size]).cast(letter)
        if max(map(mask.__and__, numbers)) >= least:
            raise _BadFileError(f"{name} 里有不是数的数", f"{name} holds what is no number")


def _moves(data: mmap.mmap, tensor: Tensor) -> bool:
    if tensor.kind not in _FLOATS:
        return True
    size = tensor.count * struct.calcsize(_FLOATS[tensor.kind][0])
    return any(data[tensor.offset : tensor.offset + size])
