"""The machine a run finds itself on, and how it should be used."""

import ctypes
import os
import platform
from dataclasses import dataclass
from typing import Any

# What shapes the numbers of a run, beside our own code.
PACKAGES = ("torch", "transformers", "peft", "safetensors", "gguf", "tokenizers", "xllamacpp")


def settle_threads() -> None:
    """Make idle worker threads sleep; call before torch is imported, or it has no effect.

    OpenMP threads wait for each other by spinning. On a machine that does anything else at
    the same time that made a step fifteen times slower; sleeping costs nothing to speak of.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("KMP_BLOCKTIME", "0")


def give_memory_back() -> None:
    """Return to the system what was freed: between batches of many lengths little fits again.

    Does nothing where the C library cannot.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@dataclass(frozen=True)
class Machine:
    """What was found. ``memory`` and ``gpu_memory`` are in bytes, 0 where unknown or absent.

    ``bf16`` and ``int8`` say whether products in bfloat16 and in 8-bit integers run on units
    made for them; of ``int8`` only those of a CPU count.
    """

    cores: int
    memory: int
    device: str
    gpu: str
    gpu_memory: int
    bf16: bool
    int8: bool
    cpu: str


def look_around() -> Machine:
    """Return what this machine offers; torch must be installed."""
    import torch

    from fencun.tune.forward.frozen import has_int8_units

    can = torch.cpu.get_capabilities()
    gpu = torch.cuda.is_available()
    properties: Any = torch.cuda.get_device_properties(0) if gpu else None
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        device="cuda" if gpu else "cpu",
        gpu=properties.name if properties else "",
        gpu_memory=properties.total_memory if properties else 0,
        bf16=gpu or bool(can.get("avx512_bf16") or can.get("amx_bf16")),
        int8=not gpu and has_int8_units(),
        cpu=can.get("cpu_name") or platform.processor() or platform.machine(),
    )
